/** Holds every answer a test gets against the OpenAPI document of the server that gave it. */
import type { Answered } from './browser.ts'

/** The part of an OpenAPI document that is looked at here. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

interface Operation {
  readonly responses: Readonly<Record<string, Described>>
}

interface Described {
  readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>
}

/** Throws where the document describes the operation but not this status, this kind of body or this problem code. */
export const expectDocumented = ({ paths }: OpenApi, answered: Answered): void => {
  const { method, path, reply } = answered
  const operation = paths[templateOf(paths, path) ?? '']?.[method.toLowerCase()]
  if (operation === undefined || BEFORE_ANY_OPERATION.includes(reply.status)) return
  const complain = (what: string) => new Error(`${method} ${path}: ${what} is not in the OpenAPI document`)
  const described = operation.responses[reply.status]
  if (described === undefined) throw complain(`status ${reply.status}`)
  if (reply.text === '') return
  const mediaType = reply.headers.get('content-type')?.split(';')[0] ?? ''
  const content = described.content?.[mediaType]
  if (content === undefined) throw complain(`${mediaType} with status ${reply.status}`)
  if (mediaType !== 'application/problem+json') return
  const { code } = reply.body as { readonly code: string }
  if (!codesOf(content.schema).includes(code)) throw complain(`code ${code} with status ${reply.status}`)
}

/** Of the HTTP parser, which knows no paths: too slow, headers too large. */
const BEFORE_ANY_OPERATION: readonly number[] = [408, 431]

/** A literal path comes before one with parameters, as in the server's routing. */
const templateOf = (paths: OpenApi['paths'], path: string): string | undefined => {
  const bare = path.split('?')[0] ?? ''
  if (bare in paths) return bare
  return Object.keys(paths).find((template) => {
    const pattern = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')
    return template.includes('{') && new RegExp(`^${pattern}$`).test(bare)
  })
}

const codesOf = (schema: unknown): readonly string[] => {
  const { allOf } = schema as {
    readonly allOf: readonly { readonly properties?: { readonly code: { enum: string[] } } }[]
  }
  return allOf.flatMap(({ properties }) => properties?.code.enum ?? [])
}
