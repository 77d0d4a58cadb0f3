/** Requests as bytes, for what no HTTP client would send. */
import { connect } from 'node:net'
import { TextDecoder } from 'node:util'
import type { Reply } from '../support/browser.ts'
import type { TestServer } from '../support/server.ts'

/** Sends the bytes on a bare socket; resolves once the server has closed it, so ask it to. */
export const sendBytes = async ({ url }: Pick<TestServer, 'url'>, bytes: Buffer | string): Promise<Reply> => {
  const { port } = new URL(url)
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks)))
  })
  return parse(new TextDecoder().decode(answer))
}

/** A POST of JSON whose header lines, beyond the usual ones, are given as bytes (latin1). */
export const postBytes = (
  server: Pick<TestServer, 'url'>,
  path: string,
  lines: readonly string[],
  json: unknown,
): Promise<Reply> => {
  const body = JSON.stringify(json)
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...lines,
  ]
  return sendBytes(server, Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]))
}

const parse = (answer: string): Reply => {
  const [head = '', ...rest] = answer.split('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const headers = new Headers()
  for (const field of fields) {
    const colon = field.indexOf(':')
    headers.append(field.slice(0, colon), field.slice(colon + 1).trim())
  }
  const text = rest.join('\r\n\r\n')
  return { status: Number(line.split(' ')[1]), headers, text, body: text === '' ? undefined : JSON.parse(text) }
}
