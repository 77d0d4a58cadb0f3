import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openEventStoreDbEventStore } from '../../src/event-store/eventstoredb.ts'
import { StoreUnavailable } from '../../src/event-store/port.ts'
import { startEventStoreDbFixture } from './eventstoredb/server.ts'
import { newEvents, newStream, readAll, Subscriber, silent, until } from './helpers.ts'

describe('EventStoreDB killed and started again', () => {
  it('goes on with one client and one subscription, and nothing acknowledged is lost or there twice', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'esdb-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'log')
    let server = await run('run-server.ts', '0', file)
    onTestFinished(() => kill(server.child))
    const connectionString = /ready at (\S+)/.exec(server.line)?.[1] ?? ''
    const port = /:(\d+)\?/.exec(connectionString)?.[1] ?? ''
    const store = await openEventStoreDbEventStore({ connectionString, log: silent })
    onTestFinished(() => store.close())
    const stream = newStream()
    const subscriber = new Subscriber(store, 'start')
    let revision = -1n
    for (let i = 0; i < 30; i++) {
      if (i % 10 === 5) {
        await kill(server.child)
        server = await run('run-server.ts', port, file)
      }
      const events = newEvents(2)
      await until(async () => {
        try {
          revision = (await store.append(stream, events, revision < 0n ? 'none' : revision)).revision
          return true
        } catch (error) {
          if (error instanceof StoreUnavailable) return false
          throw error
        }
      }, 'the append passed')
    }
    await subscriber.untilSeen(60)
    await subscriber.stop()
    expect(subscriber.seen).toEqual(await readAll(store, stream))
    expect(subscriber.seen.map((event) => Number(event.revision))).toEqual(Array.from({ length: 60 }, (_, i) => i))
  }, 60_000)
})

describe('a process that has closed its store', () => {
  it('ends by itself', async () => {
    const fixture = await startEventStoreDbFixture()
    onTestFinished(() => fixture.stop())
    const { child, line } = await run('client-process.ts', fixture.connectionString)
    expect(line).toBe('closed')
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(0)
  })
})

/** The script started, once it has printed its first line. */
async function run(script: string, ...args: readonly string[]): Promise<{ child: ChildProcess; line: string }> {
  const path = fileURLToPath(new URL(`./eventstoredb/${script}`, import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => ['it ended'])])) as [string]
  return { child, line }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
