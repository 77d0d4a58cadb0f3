import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import { credentials } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openEventStoreDbEventStore } from '../../src/event-store/eventstoredb.ts'
import { StoreUnavailable } from '../../src/event-store/port.ts'
import { spawnFixture } from './eventstoredb/fixture-process.ts'
import { startEventStoreDbFixture } from './eventstoredb/server.ts'
import { newEvents, newStream, readAll, Subscriber, silent, until } from './helpers.ts'

describe('EventStoreDB killed and started again', () => {
  it('goes on with one client and one subscription, and nothing acknowledged is lost or there twice', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'esdb-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'log')
    let server = await spawnFixture(file)
    onTestFinished(() => server.kill())
    const { connectionString, port } = server
    const store = await openEventStoreDbEventStore({ connectionString, log: silent })
    onTestFinished(() => store.close())
    const stream = newStream()
    const subscriber = new Subscriber(store, 'start')
    let revision = -1n
    for (let i = 0; i < 30; i++) {
      if (i % 10 === 5) {
        await server.kill()
        server = await spawnFixture(file, port)
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

describe('a client that is killed in the middle of an append', () => {
  it.each([0, 1])('leaves nothing in the log after %i of two events, and the server goes on', async (sent) => {
    const fixture = await startEventStoreDbFixture()
    onTestFinished(() => fixture.stop())
    const client = new StreamsClient(`127.0.0.1:${fixture.port}`, credentials.createInsecure())
    const json = Buffer.from('{}')
    const call = client.append(() => {})
    call.on('error', () => {})
    const name = new shared.StreamIdentifier().setStreamName(Buffer.from('user-a'))
    const options = new streams.AppendReq.Options().setStreamIdentifier(name).setNoStream(new shared.Empty())
    call.write(new streams.AppendReq().setOptions(options))
    for (let i = 0; i < sent; i++) {
      const id = new shared.UUID().setString(randomUUID())
      const event = new streams.AppendReq.ProposedMessage().setId(id).setData(json).setCustomMetadata(json)
      event.getMetadataMap().set('type', 'happened').set('content-type', 'application/json')
      call.write(new streams.AppendReq().setProposedMessage(event))
    }
    await until(() => fixture.calls.get('append') === 1, 'the append has begun')
    call.cancel()
    client.close()

    const { connectionString, log } = fixture
    const store = await openEventStoreDbEventStore({ connectionString, log: silent })
    onTestFinished(() => store.close())
    await store.append('user-b', newEvents(1), 'none')
    expect(log.all.map(({ stream }) => stream)).toEqual(['user-b'])
  })
})

describe('a process that has closed its store', () => {
  it('ends by itself', async () => {
    const fixture = await startEventStoreDbFixture()
    onTestFinished(() => fixture.stop())
    const script = fileURLToPath(new URL('./eventstoredb/client-process.ts', import.meta.url))
    // Throws where the process has to be ended from outside, and where it ends with another code than 0.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', script, fixture.connectionString],
      { timeout: 25_000 },
    )
    expect(stdout).toBe('closed\n')
  })
})
