import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidAppend, type JsonValue, type NewEvent, type NonEmpty } from '../../src/event-store/port.ts'
import { encodeAppend, MAX_APPEND_BYTES, MAX_REVISION } from '../../src/event-store/validate.ts'
import { newEvent, newStream } from './helpers.ts'

const refusal = (events: unknown, stream: string = newStream(), expected: 'none' | bigint = 'none') => {
  try {
    encodeAppend(stream, events as NonEmpty<NewEvent>, expected)
  } catch (error) {
    if (error instanceof InvalidAppend) return error.message
    throw error
  }
  return 'accepted'
}

const nested = (depth: number): JsonValue => (depth === 0 ? 0 : [nested(depth - 1)])

describe('encodeAppend', () => {
  it('encodes what it accepts so that it parses back equal', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (raw) => {
        const data = JSON.parse(JSON.stringify(raw))
        fc.pre(!JSON.stringify(data).includes('\\u0000'))
        fc.pre(!/-?\d{16,}|e[+-]?\d/.test(JSON.stringify(data)))
        const { events } = encodeAppend(newStream(), [newEvent(data)], 'none')
        expect(JSON.parse(events[0].data)).toEqual(data)
      }),
    )
  })

  it.each([
    ['no events', [], 'an append needs at least one event'],
    ['a number as id', [{ ...newEvent(), id: 7 }], 'events[0].id is not a UUID in lower case'],
    ['an id that is no UUID', [newEvent({}, { id: 'x' })], 'events[0].id is not a UUID in lower case'],
    [
      'an id in capitals',
      [newEvent({}, { id: '0190B0F0-0000-7000-8000-00000000000A' })],
      'events[0].id is not a UUID in lower case',
    ],
    ['an empty type', [newEvent(), newEvent({}, { type: '' })], 'events[1].type has no name'],
    ['a system type', [newEvent({}, { type: '$x' })], 'events[0].type has a name that begins with $'],
    ['data that is no object', [{ ...newEvent(), data: [] }], 'events[0].data is not an object'],
    ['no data', [{ ...newEvent(), data: undefined }], 'events[0].data is not an object'],
    ['a Date', [{ ...newEvent(), data: { a: new Date() } }], 'events[0].data.a is no JSON value'],
    ['a bigint', [{ ...newEvent(), data: { a: 1n } }], 'events[0].data.a is no JSON value'],
    ['a function', [{ ...newEvent(), data: { toJSON: () => 1 } }], 'events[0].data.toJSON is no JSON value'],
    ['undefined', [{ ...newEvent(), metadata: { a: undefined } }], 'events[0].metadata.a is no JSON value'],
    ['a hole', [{ ...newEvent(), data: { a: new Array(2) } }], 'events[0].data.a[0] is no JSON value'],
    ['NaN', [newEvent({ a: [{ b: Number.NaN }] })], 'events[0].data.a[0].b is not finite'],
    ['2^53', [newEvent({ a: 2 ** 53 })], 'events[0].data.a is an integer beyond 2^53: it must travel as a string'],
    ['U+0000 in a value', [newEvent({ a: 'x\0' })], 'events[0].data.a holds U+0000'],
    ['U+0000 in a key', [newEvent({ 'x\0': 1 })], 'a key of events[0].data holds U+0000'],
    ['a lone surrogate', [newEvent({ a: '\udfff' })], 'events[0].data.a holds a lone surrogate'],
  ])('refuses %s and says where', (_, events, message) => {
    expect(refusal(events)).toBe(message)
  })

  it('refuses what is nested too deeply, cycles included, without running out of stack', () => {
    expect(refusal([newEvent({ a: nested(60) })])).toBe('accepted')
    expect(refusal([newEvent({ a: nested(5_000) })])).toMatch(/nested deeper than 64$/)
    const cycle: Record<string, unknown> = {}
    cycle.a = cycle
    expect(refusal([{ ...newEvent(), data: cycle }])).toMatch(/nested deeper than 64$/)
  })

  it('refuses an id that is there twice', () => {
    const event = newEvent()
    expect(refusal([event, newEvent(), event])).toBe('events[2].id is there twice')
  })

  it('refuses names that no index could hold', () => {
    expect(refusal([newEvent()], 'x'.repeat(256))).toBe('accepted')
    expect(refusal([newEvent()], 'x'.repeat(257))).toMatch(/beyond 256 characters$/)
    expect(refusal([newEvent()], '')).toBe('the stream has no name')
    expect(refusal([newEvent()], '$all')).toMatch(/begins with \$$/)
  })

  it('refuses revisions that no store can count', () => {
    for (const expected of [-1n, MAX_REVISION, 2n ** 64n]) {
      expect(refusal([newEvent()], newStream(), expected)).toBe(`${expected} is no revision to append 1 events at`)
    }
    expect(refusal([newEvent()], newStream(), MAX_REVISION - 1n)).toBe('accepted')
  })

  it('counts bytes, not characters, up to exactly one mebibyte', () => {
    const overhead = encodeAppend(newStream(), [newEvent({ a: '' })], 'none').bytes
    const room = MAX_APPEND_BYTES - overhead
    expect(refusal([newEvent({ a: 'x'.repeat(room) })])).toBe('accepted')
    expect(refusal([newEvent({ a: 'x'.repeat(room + 1) })])).toMatch(/^an append holds at most 1048576 bytes/)
    expect(refusal([newEvent({ a: 'ä'.repeat(room / 2 + 1) })])).toMatch(/^an append holds at most 1048576 bytes/)
  })
})
