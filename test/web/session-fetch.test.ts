import { describe, expect, test } from 'vitest'
import { createSessionFetch } from '../../web/src/api/session-fetch.ts'

const answer = (status: number, code?: string) =>
  new Response(status === 204 ? null : JSON.stringify({ code }), {
    status,
    headers: { 'Content-Type': 'application/problem+json' },
  })

/** A server that answers from a list per path, and a clock that stands still until it is moved. */
const setUp = (answers: Readonly<Record<string, readonly (Response | Promise<Response>)[]>>) => {
  const queues = new Map(Object.entries(answers).map(([path, list]) => [path, [...list]]))
  const sent: string[] = []
  const ended: string[] = []
  const clock = { now: 1_000_000 }
  const sessionFetch = createSessionFetch({
    fetch: async (request) => {
      sent.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`.trim())
      const next = queues.get(new URL(request.url).pathname)?.shift()
      if (next === undefined) throw new TypeError('fetch failed')
      return next
    },
    now: () => clock.now,
    onSignedOut: (code) => ended.push(code),
  })
  const ask = (method: string, path: string, body?: string) =>
    sessionFetch(new Request(`http://localhost${path}`, { method, ...(body === undefined ? {} : { body }) }))
  return { ask, sent, ended, clock }
}

describe('a 401 of a session', () => {
  test('is its end', async () => {
    const { ask, sent, ended } = setUp({ '/v1/me': [answer(401, 'session-ended')] })
    expect((await ask('GET', '/v1/me')).status).toBe(401)
    expect(sent).toEqual(['GET /v1/me'])
    expect(ended).toEqual(['session-ended'])
  })

  test('within five seconds of a new token is asked once more, with its body', async () => {
    const { ask, sent, ended, clock } = setUp({
      '/v1/me/password': [answer(204)],
      '/v1/me/profile': [answer(401, 'session-ended'), answer(200)],
    })
    await ask('PUT', '/v1/me/password', '{}')
    clock.now += 4_999
    expect((await ask('PATCH', '/v1/me/profile', '{"name":"Ada"}')).status).toBe(200)
    expect(sent.slice(1)).toEqual(['PATCH /v1/me/profile {"name":"Ada"}', 'PATCH /v1/me/profile {"name":"Ada"}'])
    expect(ended).toEqual([])
  })

  test('after five seconds is its end', async () => {
    const { ask, sent, ended, clock } = setUp({
      '/v1/auth/reauthenticate': [answer(204)],
      '/v1/me': [answer(401, 'session-ended'), answer(200)],
    })
    await ask('POST', '/v1/auth/reauthenticate', '{}')
    clock.now += 5_000
    expect((await ask('GET', '/v1/me')).status).toBe(401)
    expect(sent).toHaveLength(2)
    expect(ended).toEqual(['session-ended'])
  })

  test('is asked once more only once', async () => {
    const { ask, sent, ended } = setUp({
      '/v1/me/two-factor/disable': [answer(204)],
      '/v1/me': [answer(401, 'session-ended'), answer(401, 'session-ended'), answer(200)],
    })
    await ask('POST', '/v1/me/two-factor/disable', '{}')
    expect((await ask('GET', '/v1/me')).status).toBe(401)
    expect(sent).toHaveLength(3)
    expect(ended).toEqual(['session-ended'])
  })

  test('while the new token is on its way waits for it', async () => {
    let arrive: (response: Response) => void = () => {}
    const token = new Promise<Response>((resolve) => {
      arrive = resolve
    })
    const { ask, sent, ended } = setUp({
      '/v1/me/password': [token],
      '/v1/me/sessions': [answer(401, 'session-ended'), answer(200)],
    })
    const change = ask('PUT', '/v1/me/password', '{}')
    const list = ask('GET', '/v1/me/sessions')
    await expect.poll(() => sent.length).toBe(2)
    arrive(answer(204))
    expect((await change).status).toBe(204)
    expect((await list).status).toBe(200)
    expect(ended).toEqual([])
  })

  test('after a change that was refused is its end', async () => {
    const { ask, ended } = setUp({
      '/v1/me/password': [answer(403, 'invalid-credentials')],
      '/v1/me': [answer(401, 'session-ended')],
    })
    await ask('PUT', '/v1/me/password', '{}')
    await ask('GET', '/v1/me')
    expect(ended).toEqual(['session-ended'])
  })
})

test('a 401 for a wrong password or code ends nothing', async () => {
  const { ask, ended } = setUp({
    '/v1/auth/login': [answer(401, 'invalid-credentials')],
    '/v1/auth/two-factor': [answer(401, 'code-invalid')],
  })
  expect((await ask('POST', '/v1/auth/login', '{}')).status).toBe(401)
  expect((await ask('POST', '/v1/auth/two-factor', '{}')).status).toBe(401)
  expect(ended).toEqual([])
})
