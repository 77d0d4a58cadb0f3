import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD, someEmail } from '../support/server.ts'
import { type ServerProcess, spawnServer } from '../support/server-process.ts'

describe('the embedded database dies under a running server', () => {
  let dataDir: string
  let server: ServerProcess

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'strongroom-away-'))
    server = await spawnServer({ DATA_DIR: dataDir })
  })
  afterAll(async () => {
    await server.end('SIGTERM')
    await rm(dataDir, { recursive: true, force: true })
  })

  it('answers 503 meanwhile, signs nobody in, comes back without a restart, and has lost nothing', async () => {
    const email = someEmail()
    const before = server.browser()
    expect((await before.register(email, PASSWORD)).status).toBe(201)
    expect((await before.logIn(email, PASSWORD)).status).toBe(200)

    // SIGQUIT: PostgreSQL's immediate shutdown, which is a crash with clean hands.
    const postmaster = Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0])
    process.kill(postmaster, 'SIGQUIT')
    const refused = await firstRefusal(() => server.browser().get('/readyz'))
    expect(refused.body).toMatchObject({ status: 503, code: 'store-unavailable' })
    const statuses = new Set<number>()
    const signedIn: unknown[] = []
    await expect
      .poll(
        async () => {
          const attempt = await server.browser().logIn(email, PASSWORD)
          statuses.add(attempt.status)
          if (attempt.status === 200) signedIn.push((attempt.body as { session: { id: string } }).session.id)
          if (attempt.status !== 200) expect(attempt.body).toMatchObject({ status: 503, code: 'store-unavailable' })
          return attempt.status
        },
        { timeout: 30_000 },
      )
      .toBe(200)
    expect([...statuses].every((status) => status === 200 || status === 503)).toBe(true)

    expect((await before.get('/v1/me')).status).toBe(200)
    await expect.poll(async () => (await before.get('/v1/me/sessions')).status, { timeout: 15_000 }).toBe(200)
    // What was answered is there once; this browser knows nothing of the other's token, so it may have to look twice.
    const readLog = async () => {
      const { body } = await before.get('/v1/me/audit-events?limit=200')
      return (body as { items: { code: string; sequence: number; sessionId: string }[] }).items
    }
    const signIns = async () =>
      (await readLog()).filter(({ code }) => code === 'user:logged_in').map(({ sessionId }) => sessionId)
    await expect.poll(signIns, { timeout: 15_000 }).toEqual(expect.arrayContaining(signedIn))
    const events = await readLog()
    expect(new Set(await signIns()).size).toBe((await signIns()).length)
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => events.length - index))
  }, 90_000)
})

const firstRefusal = async <T extends { readonly status: number }>(ask: () => Promise<T>): Promise<T> => {
  for (;;) {
    const reply = await ask()
    if (reply.status !== 200) return reply
  }
}
