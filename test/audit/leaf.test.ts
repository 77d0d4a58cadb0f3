import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/audit/canonical-json.ts'
import { isLogged, leafContentOf, leafHashOf } from '../../src/audit/leaf.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { JsonObject, JsonValue, NewEvent, RecordedEvent } from '../../src/event-store/port.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const leafOf = (event: RecordedEvent): string => leafHashOf(leafContentOf(event)).toString('hex')

const event: RecordedEvent = {
  id: '6f0c8a52-9f3e-4a0f-8e36-0b9f2e2c1a11',
  stream: 'user-0d3c6f0e-7e0a-4f5e-9c51-58f0c7c3a001',
  revision: 3n,
  position: 17n,
  recordedAt: new Date(0),
  type: 'user:logged_in',
  data: { method: 'password', sessionId: '2c9d6b0e-5f53-4a26-8d4e-1f6f0b9a7c10' },
  metadata: {
    schemaVersion: 2,
    occurredAt: '2026-11-24T20:00:00.000Z',
    actor: { kind: 'user', id: '0d3c6f0e-7e0a-4f5e-9c51-58f0c7c3a001' },
    commit: 'ab'.repeat(32),
    boxes: { personal: 'v1.cGVyc29uYWw', credential: null },
  },
}

describe('the leaf of an event', () => {
  it('is SHA-256(0x00 || JCS(content)), with the hash of each box in its place', () => {
    const content =
      '{"boxes":{"credential":null,"personal":"' +
      sha256('v1.cGVyc29uYWw') +
      '"},"commit":"' +
      'ab'.repeat(32) +
      '","data":{"method":"password","sessionId":"2c9d6b0e-5f53-4a26-8d4e-1f6f0b9a7c10"},' +
      '"id":"6f0c8a52-9f3e-4a0f-8e36-0b9f2e2c1a11",' +
      '"metadata":{"actor":{"id":"0d3c6f0e-7e0a-4f5e-9c51-58f0c7c3a001","kind":"user"},' +
      '"occurredAt":"2026-11-24T20:00:00.000Z","schemaVersion":2},' +
      '"revision":3,"stream":"user-0d3c6f0e-7e0a-4f5e-9c51-58f0c7c3a001","type":"user:logged_in"}'
    expect(leafOf(event)).toBe(sha256(`\0${content}`))
  })

  it('never changes: what was signed once has to stay provable', () => {
    expect(leafOf(event)).toBe('ac28980bc3caa5663d0552dd84b64ca1cb6c86a7dfb5dc687b2a9845c6e8179a')
  })

  it('is the same wherever the event lies, whenever it was recorded, and in whatever order its keys are', () => {
    const { commit, boxes, ...rest } = event.metadata
    const elsewhere = {
      ...event,
      position: 99_999n,
      recordedAt: new Date(),
      data: Object.fromEntries(Object.entries(event.data).reverse()),
      metadata: { boxes: boxes ?? null, ...Object.fromEntries(Object.entries(rest).reverse()), commit: commit ?? null },
    }
    expect(leafOf(elsewhere)).toBe(leafOf(event))
  })

  it('follows from the hashes of the boxes alone: who is shown none of them can check it all the same', () => {
    const content = leafContentOf(event)
    expect(JSON.stringify(content)).not.toContain('v1.')
    expect(leafHashOf(JSON.parse(JSON.stringify(content))).toString('hex')).toBe(leafOf(event))
  })

  const { metadata } = event
  it.each<[string, Partial<RecordedEvent>]>([
    ['another id', { id: '6f0c8a52-9f3e-4a0f-8e36-0b9f2e2c1a12' }],
    ['another stream', { stream: 'user-0d3c6f0e-7e0a-4f5e-9c51-58f0c7c3a002' }],
    ['another revision', { revision: 4n }],
    ['another type', { type: 'user:logged_out' }],
    ['other data', { data: { ...event.data, method: 'totp' } }],
    ['a field more', { data: { ...event.data, more: null } }],
    ['another time', { metadata: { ...metadata, occurredAt: '2026-11-24T20:00:00.001Z' } }],
    ['another commitment', { metadata: { ...metadata, commit: 'ac'.repeat(32) } }],
    ['no commitment', { metadata: { ...metadata, commit: null } }],
    ['another box', { metadata: { ...metadata, boxes: { personal: 'v1.cGVyc29uYWx', credential: null } } }],
    [
      'the box in the other place',
      { metadata: { ...metadata, boxes: { personal: null, credential: 'v1.cGVyc29uYWw' } } },
    ],
    ['the box gone', { metadata: { ...metadata, boxes: { personal: null, credential: null } } }],
    ['a box that is none', { metadata: { ...metadata, boxes: { personal: 1, credential: null } } }],
    ['a third box', { metadata: { ...metadata, boxes: { personal: null, credential: null, more: 'x' } } }],
    ['no envelope', { metadata: {} }],
  ])('is another one with %s', (_, change) => {
    expect(leafOf({ ...event, ...change })).not.toBe(leafOf(event))
  })

  it('is another one for every envelope that somebody else could have written', () => {
    const { commit: _, ...withoutCommit } = metadata
    const foreign: JsonObject[] = [
      {},
      withoutCommit,
      { ...metadata, boxes: 'none' },
      { ...metadata, boxes: [] },
      { ...metadata, boxes: { personal: [], credential: null } },
      { ...metadata, boxes: { personal: 'x' } },
      { ...metadata, commit: 7 },
    ]
    const leaves = [metadata, ...foreign].map((each) => leafOf({ ...event, metadata: each }))
    expect(new Set(leaves).size).toBe(leaves.length)
  })

  it('spells a revision beyond 2^53 as a string', () => {
    expect(leafContentOf({ ...event, revision: 2n ** 53n - 1n }).revision).toBe(9_007_199_254_740_991)
    expect(leafContentOf({ ...event, revision: 2n ** 53n }).revision).toBe('9007199254740992')
  })

  it('comes out of a store as it went in', async () => {
    const store = new MemoryEventStore()
    const { id, type, data, stream } = event
    const given: NewEvent = { id, type, data, metadata }
    await store.append(stream, [given], 'none')
    for await (const recorded of store.read(stream)) {
      expect(leafOf(recorded)).toBe(leafOf({ ...event, revision: 0n }))
    }
  })
})

describe('what is logged', () => {
  it('are the streams of accounts and of auditors, and nothing that others keep in the same store', () => {
    expect(isLogged(event.stream)).toBe(true)
    expect(isLogged('access-6f0c8a52-9f3e-4a0f-8e36-0b9f2e2c1a11')).toBe(true)
    for (const other of ['user-', 'access', 'orders-1', '$ce-user-1', 'xuser-1', ''])
      expect(isLogged(other)).toBe(false)
  })
})

describe('canonical JSON', () => {
  const sameAsThePackage = (value: JsonValue): void => {
    expect(canonicalJson(value)).toBe(canonicalize(value))
  }

  it('is what the package canonicalize makes of any JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => sameAsThePackage(JSON.parse(text))),
      { numRuns: 500 },
    )
  })

  it('is that whatever the keys are, whatever order they come in and however many, with any number and text', () => {
    // Astral characters sort before U+E000 and above only by code units; names of numbers come first in any object.
    const letter = fc.oneof(
      fc.constantFrom(...'ab"\\\u0000\u001f\u007f\u2028\ue000\uffff', '\ud83d\ude00', '\ud83d'),
      fc.string(),
    )
    const text = fc.array(letter, { maxLength: 4 }).map((letters) => letters.join(''))
    const key = fc.oneof(text, fc.nat(120).map(String), fc.constantFrom('__proto__', 'constructor', 'toString', ''))
    const number = fc.oneof(
      fc.constantFrom(-0, 0, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, 0.1, -1e21),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    )
    const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3, depthSize: 'large' },
        fc.oneof(text, number, fc.boolean(), fc.constant(null)),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.array(fc.tuple(key, tie('value')), { maxLength: 40 }).map((members) => Object.fromEntries(members)),
      ),
    }))
    fc.assert(fc.property(value, sameAsThePackage), { numRuns: 500 })
  })

  it('sorts an object of many keys as one of few', () => {
    for (const count of [0, 1, 2, 31, 32, 33, 200]) {
      const keys = Array.from({ length: count }, (_, n) => `${(n * 7919) % 211}k`)
      sameAsThePackage(Object.fromEntries(keys.map((key, n) => [key, n])))
    }
  })

  it('is that of the example of RFC 8785', () => {
    const value = JSON.parse(
      String.raw`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`,
    )
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    )
  })

  it('sorts keys by UTF-16 code units, as the RFC shows', () => {
    const value = JSON.parse(
      String.raw`{"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7}`,
    )
    expect(Object.values(JSON.parse(canonicalJson(value)))).toHaveLength(7)
    expect([...canonicalJson(value).matchAll(/:(\d)/g)].map(([, n]) => n)).toStrictEqual([
      '2',
      '4',
      '6',
      '7',
      '1',
      '5',
      '3',
    ])
  })

  it('has null for a number that JSON cannot hold, which the package refuses: what JSON.parse takes has a leaf', () => {
    const value: JsonValue = JSON.parse('{"a":1e999,"b":[-1e999,1e308]}')
    expect(canonicalJson(value)).toBe('{"a":null,"b":[null,1e+308]}')
    expect(canonicalJson(Number.NaN)).toBe('null')
    expect(() => canonicalize(value)).toThrow('not allowed')
  })

  it('keeps a key __proto__ as any other', () => {
    const text = '{"__proto__":{"a":1},"b":2}'
    expect(canonicalJson(JSON.parse(text))).toBe(text)
  })
})
