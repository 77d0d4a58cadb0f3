import createClient, { type Client } from 'openapi-fetch'
import { networkProblem, type Problem, type ProblemTexts, problemOf } from './problem.ts'
import type { paths } from './schema.ts'

export type ApiClient = Client<paths>

/** What a request came to. An exception is a bug of the page. */
export type Outcome<Data> =
  | { readonly kind: 'done'; readonly data: Data; readonly etag: string | null }
  | { readonly kind: 'refused'; readonly problem: Problem }

/** The API with the types of its OpenAPI document. */
export const createApiClient = (origin: string, fetch: (request: Request) => Promise<Response>): ApiClient =>
  createClient<paths>({ baseUrl: origin, fetch, credentials: 'same-origin', cache: 'no-store' })

/** What the page waits for before it says that there is no answer. */
export const REQUEST_LIMIT_MS = 20_000

interface Answer<Data> {
  readonly data?: Data
  readonly error?: unknown
  readonly response: Response
}

/** Of what `client.GET` and its like return. `Data` is undefined where an answer has no body. */
export const outcomeOf = async <Data>(answer: Promise<Answer<Data>>, texts: ProblemTexts): Promise<Outcome<Data>> => {
  try {
    const { data, error, response } = await answer
    if (response.ok) return { kind: 'done', data: data as Data, etag: response.headers.get('ETag') }
    return {
      kind: 'refused',
      problem: problemOf(response.status, error, response.headers.get('Retry-After'), texts),
    }
  } catch (error) {
    // fetch tells by a TypeError that no answer came, by the others that it was given up; a SyntaxError is half a body.
    if (!(error instanceof TypeError || error instanceof SyntaxError || error instanceof DOMException)) throw error
    return { kind: 'refused', problem: networkProblem(texts) }
  }
}
