import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  DecodeError,
  type EventStore,
  InvalidAppend,
  type Position,
  StoreUnavailable,
  StreamGone,
  WrongExpectedRevision,
} from '../../src/event-store/port.ts'
import { errorOf, newEvent, newEvents, newStream, readAll, Subscriber, until } from './helpers.ts'

/** No store hands out so many events in one message. */
const MORE_THAN_A_RUN = 1_200

/** What a harness can do to its store, beyond what the port offers. */
export interface Faults {
  deleteStream(stream: string): Promise<void>
  /** Makes the stored data of the event something that is not JSON. */
  corruptEvent(stream: string, revision: bigint): Promise<void>
  /** Cuts every connection there is at the moment. */
  disconnect(): Promise<void>
  /** The next append is committed, and its answer never arrives. */
  loseNextAnswer(): void
}

export interface Harness {
  /** Opens one more client of the one store, which may hold events of others. */
  open(): Promise<EventStore>
  readonly faults: Partial<Faults>
  close(): Promise<void>
}

/** Everything an adapter must do; `can` declares the faults its harness knows, the tests of others are skipped. */
export function describeEventStore(name: string, can: readonly (keyof Faults)[], start: () => Promise<Harness>): void {
  describe(`event store contract: ${name}`, () => {
    let harness: Harness
    let store: EventStore
    let second: EventStore

    beforeAll(async () => {
      harness = await start()
      store = await harness.open()
      second = await harness.open()
    })

    afterAll(async () => {
      await store?.close()
      await second?.close()
      await harness?.close()
    })

    function fault<K extends keyof Faults>(kind: K): Faults[K] {
      const found = harness.faults[kind]
      if (!found) throw new Error(`the harness declared ${kind} and has none`)
      return found as Faults[K]
    }

    describe('append', () => {
      it('round-trips type, data, metadata and id', async () => {
        const stream = newStream()
        const event = newEvent(
          { text: 'a', deep: { list: [1, -2.5, true, null, []] } },
          { metadata: { actor: 'x', n: {} } },
        )
        const before = Date.now()
        const { position } = await store.append(stream, [event], 'none')
        const [recorded] = await readAll(store, stream)
        expect(recorded).toEqual({ ...event, stream, revision: 0n, position, recordedAt: expect.any(Date) })
        expect(Math.abs(Number(recorded?.recordedAt) - before)).toBeLessThan(60_000)
      })

      it('gives the first event revision 0', async () => {
        const stream = newStream()
        expect((await store.append(stream, [newEvent()], 'none')).revision).toBe(0n)
      })

      it('numbers the events of a stream without gaps and answers with the last', async () => {
        const stream = newStream()
        expect((await store.append(stream, newEvents(3), 'none')).revision).toBe(2n)
        expect((await store.append(stream, newEvents(2), 2n)).revision).toBe(4n)
        expect((await readAll(store, stream)).map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n])
      })

      it("refuses 'none' on an existing stream and names the actual revision", async () => {
        const stream = newStream()
        await store.append(stream, newEvents(3), 'none')
        const error = await errorOf(store.append(stream, [newEvent()], 'none'))
        expect(error).toBeInstanceOf(WrongExpectedRevision)
        expect(error).toMatchObject({ stream, expected: 'none', actual: 2n })
      })

      it("refuses a number on a missing stream and names the actual 'none'", async () => {
        const stream = newStream()
        const error = await errorOf(store.append(stream, [newEvent()], 0n))
        expect(error).toBeInstanceOf(WrongExpectedRevision)
        expect(error).toMatchObject({ stream, expected: 0n, actual: 'none' })
        expect(await readAll(store, stream)).toEqual([])
      })

      it('refuses a stale number', async () => {
        const stream = newStream()
        await store.append(stream, newEvents(3), 'none')
        const error = await errorOf(store.append(stream, [newEvent()], 1n))
        expect(error).toBeInstanceOf(WrongExpectedRevision)
        expect(error).toMatchObject({ expected: 1n, actual: 2n })
        expect(await readAll(store, stream)).toHaveLength(3)
      })

      it('refuses a future number', async () => {
        const stream = newStream()
        await store.append(stream, newEvents(3), 'none')
        const error = await errorOf(store.append(stream, [newEvent()], 7n))
        expect(error).toBeInstanceOf(WrongExpectedRevision)
        expect(error).toMatchObject({ expected: 7n, actual: 2n })
        expect(await readAll(store, stream)).toHaveLength(3)
      })

      it('lets one of twenty concurrent writers win', async () => {
        const stream = newStream()
        await store.append(stream, [newEvent()], 'none')
        const results = await Promise.allSettled(
          Array.from({ length: 20 }, (_, i) => (i % 2 ? store : second).append(stream, newEvents(2), 0n)),
        )
        const failures = results.filter((result) => result.status === 'rejected')
        expect(failures).toHaveLength(19)
        for (const { reason } of failures) expect(reason).toBeInstanceOf(WrongExpectedRevision)
        expect(await readAll(store, stream)).toHaveLength(3)
      })

      it('appends all events of a batch or none', async () => {
        const stream = newStream()
        const [a, b, c] = newEvents(3)
        await store.append(stream, [a], 'none')
        if (!b || !c) throw new Error('three events')
        await errorOf(store.append(stream, [b, c], 'none'))
        expect(await readAll(store, stream)).toHaveLength(1)
        await store.append(stream, [b, c], 0n)
        expect((await readAll(store, stream)).map(({ id }) => id)).toEqual([a.id, b.id, c.id])
      })

      it('succeeds once when it is repeated with the same ids and revision, with the same answer', async () => {
        const stream = newStream()
        const events = newEvents(3)
        const first = await store.append(stream, events, 'none')
        expect(await store.append(stream, events, 'none')).toEqual(first)
        await store.append(stream, [newEvent()], 2n)
        expect(await second.append(stream, events, 'none')).toEqual(first)
        expect(await readAll(store, stream)).toHaveLength(4)
      })

      it('recognises a repeat in the middle of a stream', async () => {
        const stream = newStream()
        await store.append(stream, newEvents(2), 'none')
        const events = newEvents(2)
        const first = await store.append(stream, events, 1n)
        await store.append(stream, newEvents(2), 3n)
        expect(await store.append(stream, events, 1n)).toEqual(first)
        expect(await readAll(store, stream)).toHaveLength(6)
      })

      it('recognises a repeat after 100,000 other events', { timeout: 120_000 }, async () => {
        // A store of its own: who reads the other from the start should not have to pass these.
        const own = await start()
        const client = await own.open()
        const stream = newStream()
        const events = newEvents(2)
        const first = await client.append(stream, events, 'none')
        for (let batch = 0; batch < 50; batch++) {
          await client.append(stream, newEvents(1_000), BigInt(1 + batch * 1_000))
          await client.append(newStream(), newEvents(1_000), 'none')
        }
        expect(await client.append(stream, events, 'none')).toEqual(first)
        expect(await readAll(client, stream, { backwards: true, limit: 1 })).toMatchObject([{ revision: 50_001n }])
        await client.close()
        await own.close()
      })

      it('appends the same ids again at a new revision: telling that is the work of the command shell', async () => {
        const stream = newStream()
        const events = newEvents(2)
        await store.append(stream, events, 'none')
        expect((await store.append(stream, events, 1n)).revision).toBe(3n)
      })

      it('refuses a partial overlap, whichever part is there already', async () => {
        const stream = newStream()
        const [a, b, c] = newEvents(3)
        if (!b || !c) throw new Error('three events')
        await store.append(stream, [a, b], 'none')
        expect(await errorOf(store.append(stream, [a, b, c], 'none'))).toBeInstanceOf(WrongExpectedRevision)
        expect(await errorOf(store.append(stream, [b, c], 'none'))).toBeInstanceOf(WrongExpectedRevision)
        expect(await errorOf(store.append(stream, [b, a], 'none'))).toBeInstanceOf(WrongExpectedRevision)
        expect(await errorOf(store.append(stream, [b, c], 0n))).toBeInstanceOf(WrongExpectedRevision)
        expect(await readAll(store, stream)).toHaveLength(2)
      })

      it('refuses duplicate ids in one append before sending', async () => {
        const stream = newStream()
        const event = newEvent()
        expect(await errorOf(store.append(stream, [event, event], 'none'))).toBeInstanceOf(InvalidAppend)
        expect(await readAll(store, stream)).toEqual([])
      })

      it("answers with a position that is at least the last event's and below the next one's", async () => {
        const stream = newStream()
        const { position } = await store.append(stream, newEvents(2), 'none')
        await store.append(newStream(), [newEvent()], 'none')
        const later = await store.append(stream, [newEvent()], 1n)
        const [, last, next] = await readAll(store, stream)
        if (!last || !next) throw new Error('three events')
        expect(position).toBeGreaterThanOrEqual(last.position)
        expect(position).toBeLessThan(next.position)
        expect(later.position).toBeGreaterThanOrEqual(next.position)
      })

      it.skipIf(!can.includes('loseNextAnswer'))(
        'leaves one event when the answer is lost after the commit and the append is repeated',
        async () => {
          const stream = newStream()
          const events = newEvents(2)
          await store.append(stream, events, 'none')
          const more = newEvents(2)
          fault('loseNextAnswer')()
          const error = await errorOf(store.append(stream, more, 1n))
          expect(error).toBeInstanceOf(StoreUnavailable)
          expect(error).toMatchObject({ outcome: 'unknown' })
          expect((await store.append(stream, more, 1n)).revision).toBe(3n)
          const ids = (await readAll(store, stream)).map(({ id }) => id)
          expect(ids).toEqual([...events, ...more].map(({ id }) => id))
        },
      )
    })

    describe('what an event may hold', () => {
      it('keeps every well-formed character of names, keys and values', async () => {
        const text = 'ä ß 漢字 😀 \u2028 \ufeff \uffff \x01\x1f\x7f \\u0000 "quoted" \\ {a,b} \n'
        const stream = `${newStream()}-😀 "x" \\`
        // Parsed, so that __proto__ is a key like any other.
        const data = JSON.parse(`{"__proto__":{"x":1},"":"",${JSON.stringify(text)}:${JSON.stringify(text)}}`)
        const event = newEvent(data, { type: 'test:漢字 {"x"}', metadata: { [text]: [text] } })
        await store.append(stream, [event], 'none')
        const [recorded] = await readAll(store, stream)
        expect(recorded).toMatchObject({ stream, type: event.type })
        expect(JSON.stringify([recorded?.data, recorded?.metadata])).toBe(JSON.stringify([data, event.metadata]))
      })

      it('refuses U+0000 and lone surrogates before sending', async () => {
        const stream = newStream()
        for (const text of ['a\0b', '\ud800', 'x\udc00y']) {
          for (const event of [
            newEvent({ text }),
            newEvent({ list: [{ [text]: 1 }] }),
            newEvent({}, { metadata: { text } }),
          ]) {
            expect(await errorOf(store.append(stream, [event], 'none'))).toBeInstanceOf(InvalidAppend)
          }
          expect(await errorOf(store.append(`s${text}`, [newEvent()], 'none'))).toBeInstanceOf(InvalidAppend)
        }
        expect(await readAll(store, stream)).toEqual([])
      })

      it('carries integers up to 2^53, larger ones only as strings', async () => {
        const stream = newStream()
        const data = { largest: Number.MAX_SAFE_INTEGER, larger: '9223372036854775807', fraction: 0.1 }
        await store.append(stream, [newEvent(data)], 'none')
        expect((await readAll(store, stream))[0]?.data).toEqual(data)
        for (const n of [2 ** 53, -(2 ** 53), 1e300, Number.NaN, Number.POSITIVE_INFINITY]) {
          expect(await errorOf(store.append(stream, [newEvent({ n })], 0n))).toBeInstanceOf(InvalidAppend)
        }
      })

      it('takes an append of a megabyte and refuses a larger one', async () => {
        const stream = newStream()
        const data = { text: 'x'.repeat(1_000_000) }
        await store.append(stream, [newEvent(data)], 'none')
        expect((await readAll(store, stream))[0]?.data).toEqual(data)
        const half = { text: 'ä'.repeat(300_000) }
        expect(await errorOf(store.append(stream, [newEvent(half), newEvent(half)], 0n))).toBeInstanceOf(InvalidAppend)
        expect(await readAll(store, stream)).toHaveLength(1)
      })
    })

    describe('read', () => {
      const revisions = async (stream: string, options: Parameters<EventStore['read']>[1]) =>
        (await readAll(store, stream, options)).map(({ revision }) => Number(revision))

      it('starts at the revision given, inclusive, forwards and backwards', async () => {
        const stream = newStream()
        await store.append(stream, newEvents(5), 'none')
        expect(await revisions(stream, { from: 2n })).toEqual([2, 3, 4])
        expect(await revisions(stream, { from: 2n, backwards: true })).toEqual([2, 1, 0])
        expect(await revisions(stream, { backwards: true })).toEqual([4, 3, 2, 1, 0])
      })

      it('ends after the limit', async () => {
        const stream = newStream()
        await store.append(stream, newEvents(5), 'none')
        expect(await revisions(stream, { limit: 2 })).toEqual([0, 1])
        expect(await revisions(stream, { from: 3n, limit: 2, backwards: true })).toEqual([3, 2])
        expect(await revisions(stream, { limit: 0 })).toEqual([])
        expect(await revisions(stream, { from: 4n, limit: 9 })).toEqual([4])
      })

      it('finds nothing beyond the ends, and everything up to them', async () => {
        const stream = newStream()
        await store.append(stream, newEvents(2), 'none')
        expect(await revisions(stream, { from: 2n })).toEqual([])
        expect(await revisions(stream, { from: 2n ** 70n })).toEqual([])
        expect(await revisions(stream, { from: 9n, backwards: true })).toEqual([1, 0])
        expect(await revisions(stream, { from: 2n ** 70n, backwards: true })).toEqual([1, 0])
      })

      it('finds a missing stream empty', async () => {
        expect(await readAll(store, newStream())).toEqual([])
        expect(await readAll(store, newStream(), { backwards: true })).toEqual([])
      })

      it('reads a stream of many pages whole, in both directions', async () => {
        const stream = newStream()
        for (let i = 0; i < 5; i++) await store.append(stream, newEvents(500), i === 0 ? 'none' : BigInt(i * 500 - 1))
        const expected = Array.from({ length: 2_500 }, (_, i) => i)
        expect(await revisions(stream, {})).toEqual(expected)
        expect(await revisions(stream, { limit: 1_700 })).toEqual(expected.slice(0, 1_700))
        expect(await revisions(stream, { backwards: true })).toEqual(expected.toReversed())
      })

      it('sees at once what another client appended', async () => {
        const stream = newStream()
        await store.append(stream, [newEvent()], 'none')
        await second.append(stream, [newEvent()], 0n)
        expect(await readAll(store, stream)).toHaveLength(2)
      })

      it.skipIf(!can.includes('deleteStream'))('and append throw StreamGone for a deleted stream', async () => {
        const stream = newStream()
        await store.append(stream, [newEvent()], 'none')
        await fault('deleteStream')(stream)
        expect(await errorOf(readAll(store, stream))).toBeInstanceOf(StreamGone)
        expect(await errorOf(store.append(stream, [newEvent()], 0n))).toBeInstanceOf(StreamGone)
      })
    })

    describe('subscribe', () => {
      it('starts after the position given, exclusive', async () => {
        const stream = newStream()
        await store.append(stream, newEvents(3), 'none')
        const [first] = await readAll(store, stream)
        if (!first) throw new Error('three events')
        const subscriber = new Subscriber(store, first.position, (event) => event.stream === stream)
        await subscriber.untilCaughtUp()
        expect(subscriber.seen.map(({ revision }) => revision)).toEqual([1n, 2n])
        await subscriber.stop()
      })

      it('starts after a position that is no event’s: with the next one, or with none where the log ends before it', async () => {
        const stream = newStream()
        await store.append(stream, newEvents(3), 'none')
        const [, second, last] = await readAll(store, stream)
        if (!second || !last) throw new Error('three events')
        for (const [after, revisions] of [
          [second.position - 1n, [1n, 2n]],
          [last.position - 1n, [2n]],
          [last.position + 1_000_000_000n, []],
        ] as const) {
          const subscriber = new Subscriber(store, after, (event) => event.stream === stream)
          await subscriber.untilCaughtUp()
          expect(subscriber.seen.map(({ revision }) => revision)).toEqual(revisions)
          await subscriber.stop()
        }
      })

      it('gives events as read gives them', async () => {
        const stream = newStream()
        const subscriber = new Subscriber(store, 'end', (event) => event.stream === stream)
        await store.append(stream, [newEvent({ a: [1, { b: 'c' }] }, { metadata: { actor: 'x' } }), newEvent()], 'none')
        await subscriber.untilSeen(2)
        expect(subscriber.seen).toEqual(await readAll(store, stream))
        await subscriber.stop()
      })

      it("from 'end' gives exactly what is appended after the call, even where that is at once", async () => {
        const stream = newStream()
        await store.append(stream, [newEvent()], 'none')
        for (let revision = 0n; revision < 20n; revision++) {
          const subscriber = new Subscriber(store, 'end', (event) => event.stream === stream)
          const append = store.append(stream, [newEvent()], revision)
          await subscriber.untilSeen(1)
          await append
          expect(subscriber.seen.map((event) => event.revision)).toEqual([revision + 1n])
          await subscriber.stop()
        }
      })

      it('from the tail, kept and used later, gives exactly what was appended after the tail was asked for', async () => {
        const stream = newStream()
        const before = await store.tail()
        await store.append(stream, newEvents(2), 'none')
        const tail = await store.tail()
        await store.append(stream, newEvents(2), 1n)
        const seenFrom = async (after: Position | 'start', count: number) => {
          const subscriber = new Subscriber(store, after, (event) => event.stream === stream)
          await subscriber.untilSeen(count)
          await subscriber.stop()
          return subscriber.seen.map(({ revision }) => revision)
        }
        expect(await seenFrom(before, 4)).toEqual([0n, 1n, 2n, 3n])
        expect(await seenFrom(tail, 2)).toEqual([2n, 3n])
      })

      it("from 'start' gives every event there is", async () => {
        const streams = new Set([newStream(), newStream()])
        for (const stream of streams) await store.append(stream, newEvents(2), 'none')
        const subscriber = new Subscriber(store, 'start', (event) => streams.has(event.stream))
        await subscriber.untilSeen(4)
        await subscriber.stop()
        expect(subscriber.seen).toHaveLength(4)
      })

      it('gives the events of all streams in the order they were appended in', async () => {
        const streams = [newStream(), newStream(), newStream()]
        const subscriber = new Subscriber(store, 'end', (event) => streams.includes(event.stream))
        await subscriber.untilCaughtUp()
        const ids: string[] = []
        for (let i = 0; i < 30; i++) {
          const event = newEvent()
          ids.push(event.id)
          const expected = i < 3 ? 'none' : BigInt(Math.floor(i / 3) - 1)
          await (i % 2 ? store : second).append(streams[i % 3] ?? '', [event], expected)
        }
        await subscriber.untilSeen(30)
        expect(subscriber.seen.map(({ id }) => id)).toEqual(ids)
        await subscriber.stop()
      })

      it('never shows an event behind one already shown, and misses none, while many write', async () => {
        const run = newStream()
        const subscriber = new Subscriber(store, 'end', (event) => event.stream.startsWith(run))
        await subscriber.untilCaughtUp()
        await Promise.all(
          Array.from({ length: 24 }, async (_, writer) => {
            const client = writer % 2 ? store : second
            for (let i = 0; i < 20; i++)
              await client.append(`${run}-${writer}`, [newEvent()], i ? BigInt(i - 1) : 'none')
          }),
        )
        await subscriber.untilSeen(480)
        await subscriber.stop()
        expect(subscriber.seen).toHaveLength(480)
        for (const [i, { position }] of subscriber.seen.entries()) {
          expect(position).toBeGreaterThan(subscriber.seen[i - 1]?.position ?? -1n)
        }
      })

      it('says caughtUp only after every earlier event was consumed, and once each time', async () => {
        const stream = newStream()
        const { position } = await store.append(newStream(), [newEvent()], 'none')
        for (let i = 0; i < 3; i++) await store.append(stream, newEvents(500), i ? BigInt(i * 500 - 1) : 'none')
        const subscriber = new Subscriber(store, position, (event) => event.stream === stream)
        await subscriber.untilCaughtUp()
        expect(subscriber.caughtUpAt).toEqual([1_500])
        await store.append(stream, [newEvent()], 1_499n)
        await subscriber.untilCaughtUp(2)
        expect(subscriber.caughtUpAt).toEqual([1_500, 1_501])
        await subscriber.stop()
      })

      it('says caughtUp at once where there is nothing to catch up with', async () => {
        const { position } = await store.append(newStream(), [newEvent()], 'none')
        const abort = new AbortController()
        for await (const message of store.subscribe(position, abort.signal)) {
          expect(message).toEqual({ kind: 'caughtUp' })
          abort.abort()
        }
      })

      it.skipIf(!can.includes('disconnect'))('leaves no gap and repeats nothing over lost connections', async () => {
        const stream = newStream()
        const subscriber = new Subscriber(store, 'end', (event) => event.stream === stream)
        await subscriber.untilCaughtUp()
        let revision = -1n
        for (let i = 0; i < 60; i++) {
          if (i % 12 === 6) await fault('disconnect')()
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
        await subscriber.untilSeen(120)
        expect(subscriber.seen.map((event) => Number(event.revision))).toEqual(Array.from({ length: 120 }, (_, i) => i))
        await subscriber.stop()
      })

      it('holds bounded memory while its consumer is slow', { timeout: 60_000 }, async () => {
        const stream = newStream()
        const { position } = await store.append(stream, [newEvent()], 'none')
        for (let i = 0; i < 80; i++) {
          await store.append(stream, [newEvent({ text: `${i} ${'x'.repeat(1_000_000)}` })], BigInt(i))
        }
        const before = heapUsed()
        const abort = new AbortController()
        let seen = 0
        let most = 0
        for await (const message of store.subscribe(position, abort.signal)) {
          if (message.kind === 'caughtUp') break
          const looks = Math.floor((seen + 5) / 10)
          seen += message.events.length
          if (Math.floor((seen + 5) / 10) === looks) continue
          // Round trips in which more could be fetched ahead, if it were. What counts is what is held all the while: the
          // buffers of a page that has just arrived are not.
          let held = Number.POSITIVE_INFINITY
          for (let look = 0; look < 4; look++) {
            for (let i = 0; i < 5; i++) await second.ping()
            held = Math.min(held, heapUsed() - before)
          }
          most = Math.max(most, held)
        }
        expect(seen).toBe(80)
        expect(most).toBeLessThan(40_000_000)
      })

      it('ends promptly and without an error on abort, at the tail and in mid-stream', async () => {
        const stream = newStream()
        const { position } = await store.append(newStream(), [newEvent()], 'none')
        const atTail = new Subscriber(store, position)
        await atTail.untilCaughtUp()
        const start = performance.now()
        await atTail.stop()
        expect(performance.now() - start).toBeLessThan(1_000)

        await store.append(stream, newEvents(MORE_THAN_A_RUN), 'none')
        const abort = new AbortController()
        let seen = 0
        for await (const message of store.subscribe(position, abort.signal)) {
          if (message.kind === 'caughtUp') expect.unreachable()
          else seen += message.events.length
          abort.abort()
        }
        expect(seen).toBeGreaterThan(0)
        expect(seen).toBeLessThan(MORE_THAN_A_RUN)
      })

      it('gives nothing for a signal that was aborted before', async () => {
        for await (const _ of store.subscribe('start', AbortSignal.abort())) expect.unreachable()
      })

      it("surfaces a consumer's throw and is over then", async () => {
        const { position } = await store.append(newStream(), [newEvent()], 'none')
        await store.append(newStream(), newEvents(3), 'none')
        const messages = store.subscribe(position, new AbortController().signal)[Symbol.asyncIterator]()
        const consume = async () => {
          for await (const _ of { [Symbol.asyncIterator]: () => messages }) throw new Error('of the consumer')
        }
        await expect(consume()).rejects.toThrow('of the consumer')
        expect(await messages.next()).toEqual({ done: true, value: undefined })
      })
    })

    it.skipIf(!can.includes('corruptEvent'))(
      'gives a DecodeError with position and type for malformed JSON',
      async () => {
        // A store of its own: who reads the other from the start should not meet this event.
        const own = await start()
        const client = await own.open()
        const stream = newStream()
        const { position } = await client.append(stream, newEvents(3), 'none')
        await own.faults.corruptEvent?.(stream, 2n)
        const error = await errorOf(readAll(client, stream))
        expect(error).toBeInstanceOf(DecodeError)
        expect(error).toMatchObject({ position, type: 'test:happened' })
        const subscriber = new Subscriber(client, 'start')
        await until(() => subscriber.failure !== undefined, 'the subscription failed')
        expect(subscriber.failure).toMatchObject({ name: 'DecodeError', position, type: 'test:happened' })
        expect(subscriber.seen.map(({ revision }) => revision)).toEqual([0n, 1n])
        await client.close()
        await own.close()
      },
    )

    describe('close', () => {
      it('finishes appends under way, ends subscriptions, and lets nothing in afterwards', async () => {
        const closing = await harness.open()
        const streams = Array.from({ length: 10 }, newStream)
        const subscriber = new Subscriber(closing, 'end')
        await subscriber.untilCaughtUp()
        const appends = streams.map((stream) => closing.append(stream, [newEvent()], 'none'))
        await closing.close()
        await Promise.all(appends)
        for (const stream of streams) expect(await readAll(store, stream)).toHaveLength(1)
        await subscriber.stop()
        const refused = await errorOf(closing.append(newStream(), [newEvent()], 'none'))
        expect(refused).toMatchObject({ name: 'StoreUnavailable', outcome: 'notCommitted' })
        expect(await errorOf(closing.ping())).toBeInstanceOf(StoreUnavailable)
        expect(await errorOf(readAll(closing, newStream()))).toBeInstanceOf(StoreUnavailable)
        await closing.close()
      })

      it('is not needed for a ping to answer', async () => {
        await expect(store.ping()).resolves.toBeUndefined()
      })
    })
  })
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function heapUsed(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
