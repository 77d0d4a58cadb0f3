import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FixtureProcess, spawnFixture } from '../event-store/eventstoredb/fixture-process.ts'
import { createDatabase } from '../support/postgres.ts'
import { compareWithReplay, type EventsPlace, historyOf } from '../support/replay.ts'
import { PASSWORD, someEmail, type TestDatabase, urlOf } from '../support/server.ts'
import { type ServerProcess, spawnServer } from '../support/server-process.ts'

/** One of the two: each takes twenty seconds. `npm run test:eventstoredb` has the second. */
const ON_EVENTSTOREDB = process.env.STRONGROOM_TEST_STORE === 'eventstoredb'
const KILLS = 4
const CLIENTS = 6

describe.skipIf(ON_EVENTSTOREDB)('kill -9 in a loop while commands run, the events in PostgreSQL', () => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await createDatabase()
  })
  afterAll(() => database.drop())

  it('loses no acknowledged event, doubles none, and leaves read models that equal a full replay', async () => {
    const acknowledged = await killAgainAndAgain({ DATABASE_URL: urlOf(database.connection) })
    await expectWholeHistory(database, database.connection, acknowledged)
  }, 120_000)
})

describe.runIf(ON_EVENTSTOREDB)(
  'kill -9 in a loop while commands run, the events in EventStoreDB, which is killed too',
  () => {
    let database: TestDatabase
    let folder: string
    let store: FixtureProcess

    beforeAll(async () => {
      database = await createDatabase()
      folder = await mkdtemp(join(tmpdir(), 'strongroom-kill-'))
      store = await spawnFixture(join(folder, 'log'))
    })
    afterAll(async () => {
      await store.kill()
      await rm(folder, { recursive: true, force: true })
      await database.drop()
    })

    it('loses no acknowledged event, doubles none, and leaves read models that equal a full replay', async () => {
      const { connectionString, port } = store
      const env = { DATABASE_URL: urlOf(database.connection), EVENT_STORE_URL: connectionString }
      const acknowledged = await killAgainAndAgain(env, async (round) => {
        if (round % 2 === 0) return
        await store.kill()
        store = await spawnFixture(join(folder, 'log'), port)
      })
      await expectWholeHistory(database, connectionString, acknowledged)
    }, 120_000)
  },
)

interface Acknowledged {
  readonly logIns: Set<string>
  readonly revokes: Set<string>
}

/** Kills the server in mid-work, each time with what `alsoKill` kills; the last one is told to end. */
const killAgainAndAgain = async (
  env: Readonly<Record<string, string>>,
  alsoKill: (round: number) => Promise<void> = async () => {},
): Promise<Acknowledged> => {
  const start = () => spawnServer({ ...env, LOCK_AFTER_FAILURES: '1000' })
  const acknowledged = { logIns: new Set<string>(), revokes: new Set<string>() }
  for (let round = 0; round < KILLS; round++) {
    const server = await start()
    const target = acknowledged.logIns.size + 12 + round
    const clients = Array.from({ length: CLIENTS }, () => useUntilItDies(server, acknowledged))
    await untilTrue(() => acknowledged.logIns.size >= target)
    await Promise.all([server.end('SIGKILL'), alsoKill(round)])
    await Promise.all(clients)
  }
  const survivor = await start()
  const browser = survivor.browser()
  const email = someEmail()
  await browser.register(email, PASSWORD)
  expect((await browser.logIn(email, PASSWORD)).status).toBe(200)
  await untilTrue(async () => (await browser.get('/v1/me/sessions')).status === 200)
  await survivor.end('SIGTERM')
  return acknowledged
}

const expectWholeHistory = async (
  { connection }: TestDatabase,
  events: EventsPlace,
  acknowledged: Acknowledged,
): Promise<void> => {
  const history = await historyOf(events)
  const begun = sessionsOf(history, 'user:logged_in')
  const revoked = sessionsOf(history, 'user.session:revoked')
  for (const id of acknowledged.logIns) expect(begun.filter((other) => other === id)).toEqual([id])
  for (const id of acknowledged.revokes) expect(revoked.filter((other) => other === id)).toEqual([id])
  expect(new Set(history.map(({ id }) => id)).size).toBe(history.length)
  expectNoGaps(history)

  const { live, replayed } = await compareWithReplay(connection, events)
  expect(live.sessions).toEqual(replayed.sessions)
  expect(live.auditlog).toEqual(replayed.auditlog)
  expect(live.auditlog).toHaveLength(history.length)
}

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
const useUntilItDies = async (server: ServerProcess, acknowledged: Acknowledged): Promise<void> => {
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
