/** A refusal as problem details (RFC 9457), or what went wrong on the way, told in the same form. */
export interface Problem {
  /** Stable: what the page decides by. `network` and `unreadable` are the page's own. */
  readonly code: string
  /** 0: there was no answer. */
  readonly status: number
  readonly title: string
  readonly detail: string
  /** Names the request in the log of the server. */
  readonly requestId: string | null
  readonly errors: readonly FieldProblem[]
  readonly retryAfterSeconds: number | null
}

export interface FieldProblem {
  /** `#/email` is a field of the form, `#/query/limit` a parameter. */
  readonly pointer: string
  readonly code: string
  readonly detail: string
}

export interface ProblemTexts {
  readonly network: { readonly title: string; readonly detail: string }
  readonly unreadable: { readonly title: string; readonly detail: string }
}

/** Of a body of whatever shape: in front of the server may be a proxy that answers with pages of its own. */
export const problemOf = (status: number, body: unknown, retryAfter: string | null, texts: ProblemTexts): Problem => {
  const told: Readonly<Record<string, unknown>> = isRecord(body) && typeof body.code === 'string' ? body : {}
  const text = (name: string, otherwise: string) => (typeof told[name] === 'string' ? told[name] : otherwise)
  return {
    code: text('code', 'unreadable'),
    status,
    title: text('title', texts.unreadable.title),
    detail: text('detail', texts.unreadable.detail),
    requestId: typeof told.requestId === 'string' ? told.requestId : null,
    errors: Array.isArray(told.errors) ? told.errors.filter(isFieldProblem) : [],
    retryAfterSeconds: retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null,
  }
}

/** No answer came: the network is away, or the server. */
export const networkProblem = (texts: ProblemTexts): Problem => ({
  code: 'network',
  status: 0,
  ...texts.network,
  requestId: null,
  errors: [],
  retryAfterSeconds: null,
})

/** What to say beside a field of the form, '' for nothing. */
export const fieldError = (problem: Problem | null, field: string): string =>
  problem?.errors
    .filter(({ pointer }) => pointer === `#/${field}`)
    .map(({ detail }) => detail)
    .join(' ') ?? ''

/** Is all that is wrong said beside one of these fields already? */
export const isToldBeside = (problem: Problem, fields: readonly string[]): boolean =>
  problem.errors.length > 0 && problem.errors.every(({ pointer }) => fields.includes(pointer.replace(/^#\//, '')))

/** The session is over: not a refusal of what was asked, but of who asked. */
export const isSignedOut = ({ code }: Problem): boolean =>
  code === 'unauthenticated' || code === 'session-ended' || code === 'session-expired'

const isFieldProblem = (value: unknown): value is FieldProblem =>
  isRecord(value) && ['pointer', 'code', 'detail'].every((name) => typeof value[name] === 'string')

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
