import { randomUUID } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type EventStoreDbTimeouts, openEventStoreDbEventStore } from '../../src/event-store/eventstoredb.ts'
import { DecodeError, type EventStore, InvalidAppend, StoreUnavailable } from '../../src/event-store/port.ts'
import { type EventStoreDbFixture, type FixtureOptions, startEventStoreDbFixture } from './eventstoredb/server.ts'
import { errorOf, newEvent, newEvents, newStream, readAll, Subscriber, silent, until } from './helpers.ts'

/** Long enough for a machine that has much else to do; what waits for a time to run out says `IMPATIENT`. */
const PATIENT: EventStoreDbTimeouts = { appendMs: 15_000, readMs: 15_000, silenceMs: 300 }
const IMPATIENT = { appendMs: 1_000, readMs: 1_000 }

async function startFixture(options?: FixtureOptions): Promise<EventStoreDbFixture> {
  const fixture = await startEventStoreDbFixture(options)
  onTestFinished(() => fixture.stop())
  return fixture
}

async function open(connectionString: string, timeouts: Partial<EventStoreDbTimeouts> = {}): Promise<EventStore> {
  const store = await openEventStoreDbEventStore({
    connectionString,
    timeouts: { ...PATIENT, ...timeouts },
    log: silent,
  })
  onTestFinished(() => store.close())
  return store
}

/** As the command shell does it: a lost answer is asked for again. */
async function appendForSure(store: EventStore, ...append: Parameters<EventStore['append']>) {
  let answer: Awaited<ReturnType<EventStore['append']>> | undefined
  await until(async () => {
    try {
      answer = await store.append(...append)
      return true
    } catch (error) {
      if (error instanceof StoreUnavailable) return false
      throw error
    }
  }, 'the append passed')
  return answer
}

describe('an append to EventStoreDB', () => {
  for (const fault of ['dropBefore', 'dropAfter', 'hangBefore', 'hangAfter', 'abortedAfter'] as const) {
    it(`has an unknown outcome after the fault ${fault}, and its repeat leaves its events once`, async () => {
      const fixture = await startFixture()
      const store = await open(fixture.connectionString, IMPATIENT)
      const stream = newStream()
      await store.append(stream, newEvents(2), 'none')
      const events = newEvents(2)
      fixture.faults.failNextAppend(fault)
      const error = await errorOf(store.append(stream, events, 1n))
      expect(error).toMatchObject({ name: 'StoreUnavailable', outcome: 'unknown' })
      const answer = await appendForSure(store, stream, events, 1n)
      const recorded = await readAll(store, stream)
      expect(recorded).toHaveLength(4)
      expect(answer).toEqual({ revision: 3n, position: recorded[3]?.position })
    })
  }

  it('was not committed where the server is not the leader, and finds the leader by itself', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    fixture.faults.failNextAppend('notLeader')
    const error = await errorOf(store.append(stream, [newEvent()], 'none'))
    expect(error).toMatchObject({ name: 'StoreUnavailable', outcome: 'notCommitted' })
    await store.append(stream, [newEvent()], 'none')
  })

  it('was not committed where no server is there, and passes without a restart once it is back', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    await fixture.wire.goAway()
    await until(async () => {
      const error = await errorOf(store.append(stream, [newEvent()], 'none'))
      expect(error).toBeInstanceOf(StoreUnavailable)
      return (error as StoreUnavailable).outcome === 'notCommitted'
    }, 'the client noticed that no server is there')
    await fixture.wire.listen(fixture.port)
    await appendForSure(store, stream, [newEvent()], 'none')
    expect(await readAll(store, stream)).toHaveLength(1)
  })

  it('is answered in time while the network swallows everything', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString, IMPATIENT)
    const [stream, event] = [newStream(), newEvent()]
    fixture.wire.setSilent(true)
    const error = await errorOf(store.append(stream, [event], 'none'))
    expect(error).toMatchObject({ name: 'StoreUnavailable', outcome: 'unknown' })
    fixture.wire.setSilent(false)
    // What was swallowed is lost to both ends: only a new connection helps.
    fixture.wire.cut()
    await appendForSure(store, stream, [event], 'none')
    expect(await readAll(store, stream)).toHaveLength(1)
  })

  it('reads its position where the server does not tell it', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    fixture.faults.failNextAppend('noPosition')
    const { position } = await store.append(stream, newEvents(2), 'none')
    expect((await readAll(store, stream)).at(-1)?.position).toBe(position)
  })

  it('beyond the limit of this server is invalid, and not tried again for ever', async () => {
    const fixture = await startFixture({ maxAppendSize: 10_000 })
    const store = await open(fixture.connectionString)
    const large = newEvent({ text: 'x'.repeat(10_000) })
    expect(await errorOf(store.append(newStream(), [large], 'none'))).toBeInstanceOf(InvalidAppend)
  })
})

describe('a read of EventStoreDB', () => {
  it.each(['hang', 'unavailable', 'cutInMidBatch'] as const)(
    'fails after the fault %s, and never ends early',
    async (fault) => {
      const fixture = await startFixture()
      const store = await open(fixture.connectionString, IMPATIENT)
      const stream = newStream()
      await store.append(stream, newEvents(20), 'none')
      fixture.faults.failNextRead(fault)
      expect(await errorOf(readAll(store, stream))).toMatchObject({ name: 'StoreUnavailable' })
      await until(async () => {
        const events = await readAll(store, stream).catch(() => [])
        return events.length === 20
      }, 'reads pass again')
    },
  )

  it('that is refused is no outage: trying again would not help', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    fixture.faults.failNextRead('accessDenied')
    expect(await errorOf(readAll(store, newStream()))).toMatchObject({ type: 'access-denied' })
  })

  it('throws where the server does not know the positions of events', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    await store.append(stream, [newEvent()], 'none')
    fixture.faults.failNextRead('noPosition')
    await expect(readAll(store, stream)).rejects.toThrow('gives no position for event 0')
  })

  it('gives a DecodeError for whatever is not a JSON object', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const odd = [
      { data: '"text"' },
      { data: '[1]' },
      { data: 'null' },
      { data: '' },
      { metadata: '{"cut off' },
      { metadata: '' },
      { contentType: 'application/octet-stream' },
    ]
    for (const { data = '{}', metadata = '{}', contentType = 'application/json' } of odd) {
      const stream = newStream()
      const event = { id: randomUUID(), type: 'test:odd', contentType }
      fixture.log.append(stream, 'noStream', [{ ...event, data: Buffer.from(data), metadata: Buffer.from(metadata) }])
      const error = await errorOf(readAll(store, stream))
      expect(error).toBeInstanceOf(DecodeError)
      expect(error).toMatchObject({ type: 'test:odd', position: fixture.log.all.at(-1)?.position })
    }
  })

  it('that is left half-way leaves nothing open behind it', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    await store.append(stream, newEvents(300), 'none')
    for (let i = 0; i < 10; i++) for await (const _ of store.read(stream)) break
    for await (const _ of store.subscribe('start', new AbortController().signal)) break
    const start = performance.now()
    await store.close()
    // The client waits for every call that is not over, however long.
    expect(performance.now() - start).toBeLessThan(2_000)
  })
})

describe('a subscription to EventStoreDB', () => {
  for (const fault of ['endSilently', 'aborted', 'unavailable', 'freeze'] as const) {
    it(`goes on after the fault ${fault} without a gap and without a repeat`, async () => {
      const fixture = await startFixture()
      const store = await open(fixture.connectionString)
      const stream = newStream()
      const subscriber = new Subscriber(store, 'end')
      await subscriber.untilCaughtUp()
      for (let round = 0; round < 4; round++) {
        await store.append(stream, newEvents(3), round === 0 ? 'none' : BigInt(round * 3 - 1))
        if (round % 2 === 0) await subscriber.untilSeen(round * 3 + 3)
        fixture.faults.breakSubscriptions(fault)
      }
      await subscriber.untilSeen(12)
      expect(subscriber.seen.map(({ revision }) => Number(revision))).toEqual(Array.from({ length: 12 }, (_, i) => i))
      await subscriber.stop()
    })
  }

  it('goes on where the connection is cut in the middle of a batch', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    await store.append(stream, newEvents(500), 'none')
    fixture.wire.cutAfter(30_000)
    const subscriber = new Subscriber(store, 'start')
    await subscriber.untilSeen(500)
    expect(subscriber.seen.map(({ revision }) => Number(revision))).toEqual(Array.from({ length: 500 }, (_, i) => i))
    expect(fixture.calls.get('subscribe')).toBeGreaterThan(1)
    await subscriber.stop()
  })

  it('says caughtUp once, however often it has to begin again without news', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    await store.append(newStream(), newEvents(3), 'none')
    const subscriber = new Subscriber(store, 'start')
    await subscriber.untilCaughtUp()
    for (let times = 2; times < 5; times++) {
      fixture.faults.breakSubscriptions('endSilently')
      await until(() => fixture.calls.get('subscribe') === times, 'it began again')
    }
    await store.append(newStream(), [newEvent()], 'none')
    await subscriber.untilCaughtUp(2)
    await subscriber.stop()
    expect(subscriber.caughtUpAt).toEqual([3, 4])
  })

  it('that is silent because nothing happens, but to the server itself, is left alone', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString, { silenceMs: 30 })
    await store.append(newStream(), [newEvent()], 'none')
    const subscriber = new Subscriber(store, 'start')
    await subscriber.untilCaughtUp()
    // On a busy machine its first event may have come too late for so short a patience.
    const [subscribed, looked] = [fixture.calls.get('subscribe'), fixture.calls.get('readAll') ?? 0]
    for (let i = 0; i < 3; i++) fixture.writeSystemEvent()
    await until(() => (fixture.calls.get('readAll') ?? 0) >= looked + 5, 'its silence was looked into')
    expect(fixture.calls.get('subscribe')).toBe(subscribed)
    await subscriber.stop()
    expect(subscriber.seen).toHaveLength(1)
  })

  it('gives none of the events that the server writes for itself, also where they are last', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    fixture.writeSystemEvent()
    await store.append(stream, [newEvent()], 'none')
    fixture.writeSystemEvent()
    const [all, later] = [new Subscriber(store, 'start'), new Subscriber(store, 'end')]
    await all.untilCaughtUp()
    await later.untilCaughtUp()
    await store.append(stream, [newEvent()], 0n)
    await later.untilSeen(1)
    await all.untilSeen(2)
    for (const subscriber of [all, later]) {
      await subscriber.stop()
      expect(new Set(subscriber.seen.map((event) => event.stream))).toEqual(new Set([stream]))
    }
  })

  it('begins at the record it is to go on behind, and at the first one only where no record is', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    await store.append(stream, newEvents(4), 'none')
    const [, second, third, last] = (await readAll(store, stream)).map(({ position }) => position)
    if (!second || !third || !last) throw new Error('four events')
    for (const [after, revisions, fromTheStart] of [
      [second, [2n, 3n], 0],
      [last, [], 0],
      [last + 1n, [], 0],
      [third - 1n, [2n, 3n], 1],
      [0n, [0n, 1n, 2n, 3n], 2],
    ] as const) {
      const subscriber = new Subscriber(store, after)
      await subscriber.untilCaughtUp()
      await subscriber.stop()
      expect(subscriber.seen.map(({ revision }) => revision)).toEqual(revisions)
      expect(fixture.calls.get('subscribe from the start') ?? 0).toBe(fromTheStart)
    }
  })

  it('behind a place without a record goes on behind what it has handed out, once it was cut off', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    await store.append(stream, newEvents(3), 'none')
    const [, second] = await readAll(store, stream)
    const subscriber = new Subscriber(store, (second?.position ?? 0n) - 1n)
    await subscriber.untilCaughtUp()
    fixture.faults.breakSubscriptions('endSilently')
    await until(() => fixture.calls.get('subscribe') === 2, 'it began again')
    await store.append(stream, [newEvent()], 2n)
    await subscriber.untilSeen(3)
    await subscriber.stop()
    expect(subscriber.seen.map(({ revision }) => revision)).toEqual([1n, 2n, 3n])
    expect(fixture.calls.get('subscribe from the start')).toBe(1)
  })

  it('waits for a server that is away before it asks whether a record is there', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    await store.append(stream, newEvents(3), 'none')
    const [first] = await readAll(store, stream)
    for (const passing of [0, 1]) {
      // The first read asks where the log ends, the second one for the record.
      fixture.faults.failNextRead('unavailable', { passing })
      const subscriber = new Subscriber(store, first?.position ?? 0n)
      await subscriber.untilSeen(2)
      await subscriber.stop()
      expect(subscriber.seen.map(({ revision }) => revision)).toEqual([1n, 2n])
      expect(fixture.calls.get('subscribe from the start')).toBeUndefined()
    }
  })

  it('waits for the server to come back, and then goes on', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    const subscriber = new Subscriber(store, 'start')
    await subscriber.untilCaughtUp()
    await fixture.wire.goAway()
    await until(async () => (await errorOf(store.ping())) instanceof StoreUnavailable, 'the store is away')
    await fixture.wire.listen(fixture.port)
    await appendForSure(store, stream, newEvents(2), 'none')
    await subscriber.untilSeen(2)
    await subscriber.stop()
  })
})

describe('the calls the adapter makes', () => {
  it('ask for the leader, and never for BatchAppend or what the server supports', async () => {
    const fixture = await startFixture()
    const store = await open(fixture.connectionString)
    const stream = newStream()
    const events = newEvents(3)
    await store.append(stream, events, 'none')
    await store.append(stream, events, 'none')
    await readAll(store, stream)
    const subscriber = new Subscriber(store, 'end')
    await subscriber.untilCaughtUp()
    await until(() => (fixture.calls.get('readAll') ?? 0) >= 2, 'the silence of the subscription was looked into')
    await subscriber.stop()
    expect(new Set(fixture.calls.keys())).toEqual(new Set(['append', 'readStream', 'readAll', 'subscribe']))
  })

  it('find a cluster by gossip', async () => {
    const fixture = await startFixture()
    const store = await open(`esdb+discover://127.0.0.1:${fixture.port}?tls=false`)
    await store.append(newStream(), [newEvent()], 'none')
    expect(fixture.calls.get('gossip')).toBe(1)
  })

  it('work with a user name and password on a connection without TLS, as development set-ups have them', async () => {
    const fixture = await startFixture()
    const store = await open(`esdb://admin:changeit@127.0.0.1:${fixture.port}?tls=false`)
    const stream = newStream()
    await store.append(stream, [newEvent()], 'none')
    expect(await readAll(store, stream)).toHaveLength(1)
  })
})

describe('a store that cannot be opened', () => {
  it('is StoreUnavailable where nobody answers', async () => {
    const fixture = await startEventStoreDbFixture()
    await fixture.stop()
    expect(await errorOf(open(fixture.connectionString))).toBeInstanceOf(StoreUnavailable)
  })

  it.each([
    ['esdb://?tls=false', 'the connection string of EventStoreDB cannot be read: expected host'],
    ['esdb://host:port', 'the connection string of EventStoreDB cannot be read: expected port number'],
    ['esdb://a:hunter2@host?tls=maybe', 'the connection string of EventStoreDB cannot be read: expected true or false'],
    [
      'esdb://a:hunter2@host?ssl=false',
      /^the connection string of EventStoreDB has an unknown option; it may have tls, /,
    ],
    ['esdb://a:hunter2@host?tls=true&tlsVerifyCert=false', /use tlsCAFile instead$/],
    ['esdb://a:hunter2@host?throwOnAppendFailure=false', /would hide the revision of a conflict$/],
    ['esdb://a:hunter2@host?tlsCAFile=/no/such/file', /Failed to load certificate file/],
  ])('%s: one sentence says what is wrong, and tells no password', async (connectionString, sentence) => {
    const error = await errorOf(open(connectionString))
    expect(error).toMatchObject({ name: 'InvalidConnectionString', message: expect.stringMatching(sentence) })
    expect(String(error)).not.toContain('hunter2')
  })
})
