import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Box, type Credential, type Personal, personalSchema, type Secret } from '../../src/account/events.ts'
import {
  type BoxPlace,
  commitTo,
  openCredential,
  openPersonal,
  sealCredential,
  sealPersonal,
} from '../../src/secrets/boxes.ts'
import { CannotOpen, open } from '../../src/secrets/sealing.ts'

const key = Buffer.alloc(32, 2)
const place: BoxPlace = {
  stream: 'user-0a000000-0000-4000-8000-000000000001',
  type: 'user:logged_in',
  eventId: 'e0000000-0000-4000-8000-000000000001',
}
const personal: Personal = {
  ip: '192.0.2.7',
  userAgent: 'Mozilla/5.0',
  region: null,
  city: 'Porto',
  email: 'ada@example.com',
  name: 'Ada Løvelace 🙂',
}
const credential: Credential = { passwordHash: 'a hash' as Secret, tokenHash: 'another hash' as Secret }

const elsewhere: readonly (readonly [string, BoxPlace])[] = [
  ['event', { ...place, eventId: 'e0000000-0000-4000-8000-000000000002' }],
  ['stream', { ...place, stream: 'user-0a000000-0000-4000-8000-000000000002' }],
  ['type', { ...place, type: 'user:registered' }],
]

const flipped = (box: Box): Box => {
  const raw = Buffer.from(box.slice(3), 'base64url')
  raw.writeUInt8(raw.readUInt8(20) ^ 1, 20)
  return `v1.${raw.toString('base64url')}` as Box
}

/** What an auditor is shown beside a row: the salt from inside the box. */
const saltIn = (box: Box): Buffer => {
  const associated = JSON.stringify(['strongroom box', place.stream, place.type, place.eventId, 'personal'])
  const { salt } = JSON.parse(open(key, box, associated).toString()) as { salt: string }
  return Buffer.from(salt, 'base64url')
}

describe('a personal box', () => {
  it('opens where it was put', () => {
    expect(openPersonal(key, place, sealPersonal(key, place, personal).box)).toStrictEqual(personal)
  })

  it('gives back any personal details there can be', () => {
    const text = fc.string({ unit: 'grapheme' })
    const details = fc.record(
      {
        ip: text,
        userAgent: fc.option(text),
        region: fc.option(text),
        city: fc.option(text),
        email: text,
        name: fc.option(text),
        values: fc.dictionary(fc.constantFrom('phone', 'website', 'language'), fc.jsonValue() as fc.Arbitrary<never>),
      },
      { requiredKeys: [], noNullPrototype: true },
    )
    fc.assert(
      fc.property(details, (content) => {
        const opened = openPersonal(key, place, sealPersonal(key, place, content as Personal).box)
        expect(JSON.parse(JSON.stringify(opened))).toStrictEqual(JSON.parse(JSON.stringify(content)))
      }),
    )
  })

  it('gives back a key that looks dangerous too, so that the content still fits its commitment', () => {
    const odd = JSON.parse('{"values":{"phone":{"__proto__":"x"}}}') as Personal
    const { box, commit } = sealPersonal(key, place, odd)
    const opened = openPersonal(key, place, box)
    expect(JSON.stringify(opened)).toBe('{"values":{"phone":{"__proto__":"x"}}}')
    expect(commitTo(saltIn(box), opened)).toBe(commit)
  })

  it.each(elsewhere)('does not open moved to another %s', (_, other) => {
    expect(() => openPersonal(key, other, sealPersonal(key, place, personal).box)).toThrow(CannotOpen)
  })

  it('gives back what the schema accepts, and nothing else', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constant(null),
      fc.integer(),
      fc.constant(['a']),
      fc.dictionary(fc.string(), fc.string()),
    )
    const names = fc.constantFrom('ip', 'userAgent', 'region', 'city', 'email', 'name', 'values', 'phone', '__proto__')
    const contents = fc
      .array(fc.tuple(names, value))
      .map((entries) => JSON.parse(JSON.stringify(Object.fromEntries(entries))))
    fc.assert(
      fc.property(fc.oneof(contents, value), (content: unknown) => {
        const { box } = sealPersonal(key, place, content as Personal)
        const opening = () => openPersonal(key, place, box)
        if (personalSchema.safeParse(content).success) expect(opening()).toEqual(content)
        else expect(opening).toThrow()
      }),
    )
  })

  it('does not open as a credential box', () => {
    expect(() => openCredential(key, place, sealPersonal(key, place, personal).box)).toThrow(CannotOpen)
  })

  it('does not open with one bit flipped, nor with the key of another person', () => {
    const { box } = sealPersonal(key, place, personal)
    expect(() => openPersonal(key, place, flipped(box))).toThrow(CannotOpen)
    expect(() => openPersonal(Buffer.alloc(32, 9), place, box)).toThrow(CannotOpen)
  })
})

describe('the commitment to a personal box', () => {
  it('is SHA-256 of salt and canonical JSON: sorted names, no spaces (RFC 8785)', () => {
    const { box, commit } = sealPersonal(key, place, personal)
    const canonical =
      '{"city":"Porto","email":"ada@example.com","ip":"192.0.2.7","name":"Ada Løvelace 🙂","region":null,"userAgent":"Mozilla/5.0"}'
    const expected = createHash('sha256').update(saltIn(box)).update(canonical, 'utf8').digest('hex')
    expect(commit).toBe(expected)
    expect(commitTo(saltIn(box), personal)).toBe(expected)
  })

  it('does not depend on the order in which the details were written', () => {
    const salt = Buffer.alloc(16, 5)
    const reversed = Object.fromEntries(Object.entries(personal).reverse())
    expect(commitTo(salt, reversed)).toBe(commitTo(salt, personal))
  })

  it('differs for the same details each time: whoever guesses them cannot check the guess without the salt', () => {
    const commits = Array.from({ length: 50 }, () => sealPersonal(key, place, personal))
    expect(new Set(commits.map(({ commit }) => commit)).size).toBe(50)
    expect(new Set(commits.map(({ box }) => saltIn(box).toString('hex'))).size).toBe(50)
    expect(saltIn(commits[0]?.box as Box)).toHaveLength(16)
  })

  it('changes with any detail', () => {
    const salt = Buffer.alloc(16, 5)
    const { region: _, ...without } = personal
    const changed = [{ ...personal, city: 'Faro' }, { ...personal, region: '' }, without]
    expect(new Set([personal, ...changed].map((each) => commitTo(salt, each))).size).toBe(4)
  })

  it('can be checked by whoever is shown details and salt, long after the box is gone', () => {
    const { box, commit } = sealPersonal(key, place, personal)
    const shown = { salt: saltIn(box), personal: openPersonal(key, place, box) }
    expect(commitTo(shown.salt, shown.personal)).toBe(commit)
  })
})

describe('a credential box', () => {
  it('opens where it was put', () => {
    expect(openCredential(key, place, sealCredential(key, place, credential))).toStrictEqual(credential)
  })

  it.each(elsewhere)('does not open moved to another %s', (_, other) => {
    expect(() => openCredential(key, other, sealCredential(key, place, credential))).toThrow(CannotOpen)
  })

  it('does not open as a personal box', () => {
    expect(() => openPersonal(key, place, sealCredential(key, place, credential))).toThrow(CannotOpen)
  })

  it('does not open with one bit flipped', () => {
    expect(() => openCredential(key, place, flipped(sealCredential(key, place, credential)))).toThrow(CannotOpen)
  })
})
