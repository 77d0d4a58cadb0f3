import { type CodeOf, type ProblemCode, type ProblemStatus, problemDefinition } from './problem-codes.ts'

/** What is wrong with one part of the request. `code` is stable, `detail` is for people. */
export interface InputError {
  /**
   * A JSON pointer as a URI fragment (RFC 6901, section 6), as in RFC 9457: `#/email` is in the body, `#/query/limit`
   * a query parameter, `#/header/If-Match` a header, `#/path` the path, `#` the body as a whole.
   */
  readonly pointer: string
  readonly code: string
  readonly detail: string
}

export interface ProblemOptions {
  /** One sentence about this occurrence; it reaches the client, so no secret and nothing internal. */
  readonly detail?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly errors?: readonly InputError[]
  /** For Retry-After, in whole seconds (rounded up, at least 1). */
  readonly retryAfterSeconds?: number
  /** `Set-Cookie` values, for example to take back a cookie that is no longer worth anything. */
  readonly cookies?: readonly string[]
}

/** A refusal on its way to the client as problem details (RFC 9457). Thrown by handlers and by the plumbing. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: ProblemStatus
  readonly code: ProblemCode
  readonly detail: string
  readonly errors: readonly InputError[] | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly cookies: readonly string[]

  constructor(...[status, code, options = {}]: ProblemArguments) {
    const definition = problemDefinition(code)
    const detail = options.detail ?? definition.detail
    super(`${status} ${code}: ${detail}`)
    this.status = status
    this.code = code
    this.detail = detail
    this.errors = options.errors
    this.cookies = options.cookies ?? []
    const retryAfter = options.retryAfterSeconds ?? definition.retryAfterSeconds
    this.headers =
      retryAfter === undefined
        ? { ...options.headers }
        : { 'Retry-After': String(Math.max(1, Math.ceil(retryAfter))), ...options.headers }
  }
}

/** A status together with one of the codes that come with it. */
type ProblemArguments = {
  [Status in ProblemStatus]: [status: Status, code: CodeOf<Status>, options?: ProblemOptions]
}[ProblemStatus]

export const problemMediaType = 'application/problem+json'

/** The body of the answer: members and their order as in the contract. */
export function problemBody(problem: Problem, requestId: string): string {
  return JSON.stringify({
    type: `/problems/${problem.code}`,
    title: problemDefinition(problem.code).title,
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    requestId,
    errors: problem.errors,
  })
}

/** 400 for parts of the request. No `detail` may repeat the value, which may be a secret in the wrong place. */
export function invalidRequest(...errors: readonly InputError[]): Problem {
  return new Problem(400, 'invalid-request', { errors })
}
