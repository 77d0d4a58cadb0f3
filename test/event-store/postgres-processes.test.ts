import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { EventStore } from '../../src/event-store/port.ts'
import { openPostgresEventStore } from '../../src/event-store/postgres.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { newStream, readAll, Subscriber, silent, until } from './helpers.ts'

const WRITER = fileURLToPath(new URL('./writer-process.ts', import.meta.url))

interface Writer {
  readonly process: ChildProcess
  /** Its store is open, and it waits for `begin`. */
  ready(): Promise<void>
  begin(): void
  /** Lines reported so far, whole ones only. */
  acknowledged(): readonly { stream: string; revision: bigint; id: string }[]
  ended(): Promise<void>
}

describe('postgres event store under several processes', () => {
  let database: TestDatabase
  let store: EventStore
  const running: ChildProcess[] = []

  beforeAll(async () => {
    database = await createDatabase()
    store = await openPostgresEventStore({ connection: database.connection, log: silent })
  })

  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL')
  })

  afterAll(async () => {
    await store?.close()
    await database?.drop()
  })

  function startWriter(name: string, streams: number, perStream: number): Writer {
    const args = [JSON.stringify(database.connection), name, String(streams), String(perStream)]
    const child = spawn(process.execPath, ['--import', 'tsx', WRITER, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    running.push(child)
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (errors += chunk))
    const closed = once(child, 'close')
    return {
      process: child,
      ready: () => until(() => output.includes('ready'), 'the writer was ready', 60_000),
      begin: () => void child.stdin.write('begin\n'),
      acknowledged: () =>
        output
          .slice(0, output.lastIndexOf('\n') + 1)
          .split('\n')
          .filter((line) => line !== '' && line !== 'ready')
          .map((line) => {
            const [stream = '', revision = '', id = ''] = line.split(' ')
            return { stream, revision: BigInt(revision), id }
          }),
      ended: async () => {
        const [code] = await closed
        if (code !== 0 && code !== null) throw new Error(`the writer failed: ${errors}`)
      },
    }
  }

  it('shows a subscriber every event of every process, none behind one it has already seen', {
    timeout: 120_000,
  }, async () => {
    const run = newStream()
    const subscriber = new Subscriber(store, 'end', (event) => event.stream.startsWith(run))
    await subscriber.untilCaughtUp()
    const writers = [0, 1, 2].map((n) => startWriter(`${run}-${n}`, 8, 100))
    await Promise.all(writers.map((writer) => writer.ready()))
    for (const writer of writers) writer.begin()
    await Promise.all(writers.map((writer) => writer.ended()))
    await subscriber.untilSeen(2_400)
    await subscriber.stop()

    const written = writers.flatMap((writer) => writer.acknowledged().map(({ id }) => id))
    expect(written).toHaveLength(2_400)
    expect(new Set(subscriber.seen.map(({ id }) => id))).toEqual(new Set(written))
    for (const [i, { position }] of subscriber.seen.entries()) {
      expect(position).toBeGreaterThan(subscriber.seen[i - 1]?.position ?? -1n)
    }
    // They did write at the same time, or the test shows nothing.
    const firsts = writers.map((writer) => subscriber.seen.findIndex(({ id }) => id === writer.acknowledged()[0]?.id))
    const lasts = writers.map((writer) =>
      subscriber.seen.findLastIndex(({ id }) => id === writer.acknowledged().at(-1)?.id),
    )
    expect(Math.max(...firsts)).toBeLessThan(Math.min(...lasts))
  })

  it('keeps every acknowledged event, once, when writers are killed', { timeout: 120_000 }, async () => {
    for (let round = 0; round < 4; round++) {
      const name = newStream()
      const writer = startWriter(name, 8, 0)
      await writer.ready()
      writer.begin()
      await until(() => writer.acknowledged().length >= 100 * (round + 1), 'the writer had written', 60_000)
      writer.process.kill('SIGKILL')
      await writer.ended()
      const acknowledged = writer.acknowledged()
      for (let i = 0; i < 8; i++) {
        const stream = `${name}-${i}`
        const stored = await readAll(store, stream)
        const promised = acknowledged.filter((one) => one.stream === stream)
        expect(stored.slice(0, promised.length).map(({ id }) => id)).toEqual(promised.map(({ id }) => id))
        expect(stored.map(({ revision }) => Number(revision))).toEqual(stored.map((_, n) => n))
        expect(new Set(stored.map(({ id }) => id)).size).toBe(stored.length)
        // At most the one append that was under way.
        expect(stored.length - promised.length).toBeLessThanOrEqual(1)
      }
    }
  })

  it('brings its schema up to date when several processes start at once', async () => {
    const fresh = await createDatabase()
    const stores = await Promise.all(
      Array.from({ length: 6 }, () => openPostgresEventStore({ connection: fresh.connection, log: silent })),
    )
    await Promise.all(stores.map((one) => one.ping()))
    await Promise.all(stores.map((one) => one.close()))
    await fresh.drop()
  })
})
