import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AnyResult } from './endpoint.ts'
import { type Problem, problemBody, problemMediaType } from './problem.ts'

/** For content that is ready JSON. */
export const jsonMediaType = 'application/json; charset=utf-8'

/** Sends what a handler has returned; resolves when all of it is written. `head`: a stream is not even begun. */
export async function sendResult(response: ServerResponse, result: AnyResult, head: boolean): Promise<void> {
  response.statusCode = result.status
  setHeaders(response, result.headers, result.cookies)
  const content =
    result.content ??
    (result.body === undefined ? undefined : { type: jsonMediaType, data: JSON.stringify(result.body) })
  if (content === undefined) {
    response.end()
    return
  }
  response.setHeader('Content-Type', content.type)
  if (!(content.data instanceof Readable)) {
    sendWhole(response, content.data)
    return
  }
  if (head) {
    content.data.destroy()
    response.end()
    return
  }
  // Who waits for the first event of a stream shall at least know that it has begun.
  response.flushHeaders()
  // A pipeline alone listens half a dozen times; with ours that is more than Node takes for a leak.
  response.setMaxListeners(20)
  await pipeline(content.data, response)
}

/** Sends a refusal as problem details. */
export function sendProblem(response: ServerResponse, problem: Problem, requestId: string): void {
  response.statusCode = problem.status
  setHeaders(response, problem.headers, problem.cookies)
  response.setHeader('Content-Type', problemMediaType)
  sendWhole(response, problemBody(problem, requestId))
}

function setHeaders(
  response: ServerResponse,
  headers: Readonly<Record<string, string>> = {},
  cookies: readonly string[] = [],
): void {
  for (const name of Object.keys(headers)) response.setHeader(name, headers[name] ?? '')
  if (cookies.length > 0) response.setHeader('Set-Cookie', cookies)
}

/** Node leaves the content away where the request was HEAD. */
function sendWhole(response: ServerResponse, data: string | Buffer): void {
  // Given the text, Node would write it together with the headers by a way that takes several times as long.
  const content = typeof data === 'string' ? Buffer.from(data) : data
  response.setHeader('Content-Length', content.length)
  response.end(content)
}
