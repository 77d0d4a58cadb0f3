import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../support/postgres.ts'
import { compareWithReplay, historyOf } from '../support/replay.ts'
import { PASSWORD, someEmail, type TestDatabase, urlOf } from '../support/server.ts'
import { type ServerProcess, spawnServer } from '../support/server-process.ts'

const KILLS = 4
const CLIENTS = 6

describe('kill -9 in a loop while commands run', () => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await createDatabase()
  })
  afterAll(() => database.drop())

  it('loses no acknowledged event, doubles none, and leaves read models that equal a full replay', async () => {
    const start = () => spawnServer({ DATABASE_URL: urlOf(database.connection), LOCK_AFTER_FAILURES: '1000' })
    const acknowledged = { logIns: new Set<string>(), revokes: new Set<string>() }

    for (let round = 0; round < KILLS; round++) {
      const server = await start()
      const target = acknowledged.logIns.size + 12 + round
      const clients = Array.from({ length: CLIENTS }, () => useUntilItDies(server, acknowledged))
      await untilTrue(() => acknowledged.logIns.size >= target)
      await server.end('SIGKILL')
      await Promise.all(clients)
    }

    const survivor = await start()
    const browser = survivor.browser()
    const email = someEmail()
    await browser.register(email, PASSWORD)
    expect((await browser.logIn(email, PASSWORD)).status).toBe(200)
    await untilTrue(async () => (await browser.get('/v1/me/sessions')).status === 200)
    await survivor.end('SIGTERM')

    const history = await historyOf(database.connection)
    const begun = sessionsOf(history, 'user:logged_in')
    const revoked = sessionsOf(history, 'user.session:revoked')
    for (const id of acknowledged.logIns) expect(begun.filter((other) => other === id)).toEqual([id])
    for (const id of acknowledged.revokes) expect(revoked.filter((other) => other === id)).toEqual([id])
    expect(new Set(history.map(({ id }) => id)).size).toBe(history.length)
    expectNoGaps(history)

    const { live, replayed } = await compareWithReplay(database.connection)
    expect(live.sessions).toEqual(replayed.sessions)
    expect(live.auditlog).toEqual(replayed.auditlog)
    expect(live.auditlog).toHaveLength(history.length)
  }, 120_000)
})

type History = Awaited<ReturnType<typeof historyOf>>

const sessionsOf = (history: History, type: string): readonly unknown[] =>
  history.filter((event) => event.type === type).map((event) => event.data.sessionId)

const expectNoGaps = (history: History): void => {
  const next = new Map<string, bigint>()
  for (const { stream, revision } of history) {
    expect(revision).toBe(next.get(stream) ?? 0n)
    next.set(stream, revision + 1n)
  }
}

/** Registers, signs in from two devices and revokes one from the other, again and again; notes what was answered 2xx. */
const useUntilItDies = async (
  server: ServerProcess,
  acknowledged: { readonly logIns: Set<string>; readonly revokes: Set<string> },
): Promise<void> => {
  try {
    const email = someEmail()
    const [laptop, phone] = [server.browser(), server.browser()]
    await laptop.register(email, PASSWORD)
    for (;;) {
      const ids: string[] = []
      for (const device of [laptop, phone]) {
        const { status, body } = await device.logIn(email, PASSWORD)
        if (status !== 200) continue
        const { id } = (body as { session: { id: string } }).session
        acknowledged.logIns.add(id)
        ids.push(id)
      }
      const [, second] = ids
      if (second === undefined) continue
      const { status } = await laptop.delete(`/v1/me/sessions/${second}`)
      if (status === 204) acknowledged.revokes.add(second)
    }
  } catch (error) {
    // fetch says TypeError when the server is gone: that is what this client waits for.
    if (!(error instanceof TypeError)) throw error
  }
}

const untilTrue = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20))
}
