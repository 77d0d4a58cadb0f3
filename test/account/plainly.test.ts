import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { currentSchema, currentVersion, eventTypes, isPlainData, metadataSchema } from '../../src/account/events.ts'
import { plainly } from '../../src/account/plainly.ts'
import { fixtureName, readFixture } from './golden.ts'

const id = '0190b6a4-7f3e-4d5c-8a9b-0c1d2e3f4a5b'
const schema = z.strictObject({
  id: z.uuid(),
  at: z.iso.datetime({ precision: 3 }),
  kind: z.enum(['a', 'b']),
  count: z.int().positive(),
  from: z.int().nonnegative(),
  note: z.string().nullable(),
  tags: z.array(z.enum(['x', 'y'])),
  on: z.boolean(),
  more: z.strictObject({ text: z.string().optional(), rank: z.int() }),
})
const plain = {
  ...{ id, at: '2026-03-01T00:00:00.000Z', kind: 'a', count: 1, from: 0, note: null, tags: ['y', 'x'], on: true },
  more: { text: 'x', rank: -1 },
}

describe('a value is plain', () => {
  it('where the schema accepts it and would give back the same', () => {
    expect(plainly(schema)(plain)).toBe(true)
    expect(plainly(schema)({ ...plain, more: { rank: 0 } })).toBe(true)
  })

  it.each<[string, unknown]>([
    ['with another key', { ...plain, extra: 1 }],
    ['without one', { id }],
    ['with the keys in another order', Object.fromEntries(Object.entries(plain).toReversed())],
    ['with another key within', { ...plain, more: { rank: 1, extra: 1 } }],
    ['with a key that changes a prototype', JSON.parse('{"__proto__": {}}')],
    ['that is no object', 'text'],
    ['that is a list', []],
    ['that is null', null],
    ['whose id is none', { ...plain, id: `${id}\n` }],
    ['whose time is on no calendar', { ...plain, at: '2026-02-30T00:00:00.000Z' }],
    ['of no known kind', { ...plain, kind: 'c' }],
    ['with a fraction', { ...plain, count: 1.5 }],
    ['with a number that must be above 0', { ...plain, count: 0 }],
    ['with a number below 0', { ...plain, from: -1 }],
    ['with a number that is none exactly', { ...plain, from: 2 ** 53 }],
    ['with undefined for null', { ...plain, note: undefined }],
    ['with a list of something else', { ...plain, tags: ['x', 'z'] }],
    ['with a hole in a list', { ...plain, tags: new Array(1) }],
    ['with an object for a list', { ...plain, tags: { 0: 'x', length: 1 } }],
  ])('and not %s', (_, value) => {
    expect(plainly(schema)(value)).toBe(false)
  })

  it.each<[string, z.ZodType, unknown]>([
    ['a refinement', z.string().refine(() => true), 'x'],
    ['a length', z.string().min(1), 'x'],
    ['a transformation', z.string().trim(), 'x'],
    ['a default', z.strictObject({ a: z.string().default('x') }), { a: 'x' }],
    ['any number', z.number(), 1],
    ['an upper bound', z.int().max(5), 1],
    ['a list of a length', z.array(z.string()).min(1), ['x']],
    ['a record', z.record(z.string(), z.string()), {}],
    ['an object that drops keys', z.object({ a: z.string() }), { a: 'x' }],
    ['an object that keeps them', z.looseObject({ a: z.string() }), { a: 'x' }],
    ['an object with a refinement', z.strictObject({}).refine(() => false), {}],
    ['a format it does not know', z.email(), 'ann@example.org'],
  ])('never for %s, which it leaves to the schema', (_, unknown, value) => {
    expect(plainly(unknown)(value)).toBe(false)
  })
})

const changed = (value: unknown): fc.Arbitrary<unknown> => {
  const other = fc.oneof(fc.constantFrom(null, '', 0, -0, 1.5, 2 ** 53, id, [], {}, undefined), fc.anything())
  if (typeof value !== 'object' || value === null) return fc.oneof(fc.constant(value), other)
  const record = fc.record(Object.fromEntries(Object.entries(value).map(([key, field]) => [key, changed(field)])))
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(value) },
    { weight: 3, arbitrary: record },
    {
      weight: 1,
      arbitrary: fc.tuple(record, fc.string(), fc.anything()).map(([of, key, more]) => ({ ...of, [key]: more })),
    },
    { weight: 1, arbitrary: record.map((of) => Object.fromEntries(Object.entries(of).slice(1))) },
    { weight: 1, arbitrary: other },
  )
}

describe.each(eventTypes)('an event of type %s', (type) => {
  const { stored } = readFixture(fixtureName(type, currentVersion(type)))
  const { boxes: _, commit: __, ...metadata } = stored.metadata

  it('gets from what is plain exactly what it gets from its schema', () => {
    fc.assert(
      fc.property(changed(stored.data), (data) => {
        if (isPlainData(type, data)) expectUnchanged(currentSchema(type), data)
      }),
    )
    fc.assert(
      fc.property(changed(metadata), (value) => {
        if (plainly(metadataSchema)(value)) expectUnchanged(metadataSchema, value)
      }),
    )
  })
})

const expectUnchanged = (of: z.ZodType, value: unknown): void => {
  const parsed = of.safeParse(value)
  expect(parsed.success).toBe(true)
  expect(parsed.data).toStrictEqual(value)
  expect(JSON.stringify(parsed.data)).toBe(JSON.stringify(value))
}

it('nearly everything that is stored is plain: else nothing would be gained', () => {
  const plainTypes = eventTypes.filter((type) => {
    const { stored } = readFixture(fixtureName(type, currentVersion(type)))
    return isPlainData(type, stored.data)
  })
  expect(eventTypes.filter((type) => !plainTypes.includes(type))).toStrictEqual([
    'user.profile:updated',
    'user.preferences:updated',
  ])
})
