import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { invalidRequest, Problem } from './problem.ts'
import { parseStrictJson } from './strict-json.ts'

/** 64 KiB: many times the largest body of the contract. */
export const maxBodyBytes = 65_536

/** The client went away before its body was complete: there is no one left to answer. */
export class RequestAborted extends Error {
  override readonly name = 'RequestAborted'
}

/**
 * The JSON body of a request; undefined when there is none. Throws Problem 413 as soon as the size is known to be too
 * great (without waiting for the rest), 415 for all but uncompressed application/json in UTF-8, 400 for bad JSON, and
 * RequestAborted.
 */
export async function readJsonBody(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  if (!announcesBody(request)) return undefined
  const bytes = await readBytes(request, response)
  if (bytes.length === 0) return undefined
  refuseOtherMedia(request)
  if (!isUtf8(bytes)) {
    throw invalidRequest({ pointer: '#', code: 'malformed', detail: 'The body is not valid UTF-8.' })
  }
  const parsed = parseStrictJson(bytes.toString('utf8'))
  if (!parsed.ok) throw invalidRequest(parsed.error)
  return parsed.value
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function readBytes(request: IncomingMessage, response: ServerResponse): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) {
    discardRest(request)
    return Promise.reject(new Problem(413, 'content-too-large'))
  }
  // The server leaves this to us (checkContinue), so that a refusal comes before the body is sent.
  if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue()
  return new Promise((resolve, reject) => {
    // Its 'close' has passed already, and nothing would ever settle this promise.
    if (request.destroyed) {
      reject(new RequestAborted('the client left before its body was read'))
      return
    }
    const chunks: Buffer[] = []
    let size = 0
    const stop = () => {
      request.off('data', onData)
      request.off('end', onEnd)
      request.off('close', onClose)
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBodyBytes) {
        chunks.push(chunk)
        return
      }
      stop()
      discardRest(request)
      reject(new Problem(413, 'content-too-large'))
    }
    const onEnd = () => {
      stop()
      resolve(Buffer.concat(chunks))
    }
    const onClose = () => {
      stop()
      reject(new RequestAborted('the client left before its body was complete'))
    }
    request.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}

/** So much of a refused body is read and dropped for the sake of the connection and of clients that send first. */
const maxDiscardedBytes = 4 * 1024 * 1024

/** Closing a socket with unread data would destroy the answer on its way: a while longer we listen and forget. */
function discardRest(request: IncomingMessage): void {
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > maxDiscardedBytes) request.socket.destroy()
  })
}

function refuseOtherMedia({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const charsets = parameters.map((text) => text.trim()).filter((text) => text.startsWith('charset'))
  const isJson = type.trim() === 'application/json' && charsets.every((text) => /^charset="?utf-8"?$/.test(text))
  if (!isJson || (encoding !== 'identity' && encoding !== '')) throw new Problem(415, 'unsupported-media-type')
}
