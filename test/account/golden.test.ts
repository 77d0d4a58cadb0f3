import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { catalogue, type EventType, eventTypes } from '../../src/account/events.ts'
import { evolve, initialState } from '../../src/account/state.ts'
import { readAccountEvent } from '../../src/account/upcast.ts'
import { aLife } from './attempts.ts'
import { fixtureName, fixtureNames, type Golden, readFingerprints, readFixture } from './golden.ts'
import { live } from './life.ts'

const versionsOf = (type: EventType): Readonly<Record<number, z.ZodObject>> => catalogue[type].versions
const everyVersion = eventTypes.flatMap((type) =>
  Object.keys(versionsOf(type)).map((version) => ({ type, version: Number(version) })),
)
const fingerprint = ({ content }: Golden): string =>
  createHash('sha256')
    .update(canonicalize(content.stored) ?? '')
    .digest('hex')

describe('the golden fixtures', () => {
  it('are there for every version of every event type, and for nothing else', () => {
    const expected = everyVersion.map(({ type, version }) => fixtureName(type, version))
    expect([...fixtureNames()].sort()).toStrictEqual([...expected].sort())
  })

  it('lie in the store as when they were added: that is never changed, and a new version gets a new one', () => {
    const actual = Object.fromEntries(fixtureNames().map((name) => [name, fingerprint(readFixture(name))]))
    expect(actual).toStrictEqual(readFingerprints())
  })
})

describe.each(everyVersion)('$type version $version', ({ type, version }) => {
  const golden = () => readFixture(fixtureName(type, version))

  it('is read as it has always been', () => {
    const { stored, event } = golden()
    expect(readAccountEvent(stored)).toStrictEqual(event)
  })

  it('is stored in the shape that the catalogue gives to this version', () => {
    const { stored } = golden()
    expect(stored.type).toBe(type)
    expect(stored.metadata.schemaVersion).toBe(version)
    expect(versionsOf(type)[version]?.safeParse(stored.data).success).toBe(true)
  })

  it('is committed to exactly where it has a personal box', () => {
    const { boxes, commit } = golden().content.stored.metadata
    expect(commit === null).toBe(boxes.personal === null)
  })

  it('is folded without an error', () => {
    expect(() => evolve(initialState, readAccountEvent(golden().stored))).not.toThrow()
  })
})

describe('what is stored today', () => {
  it('has the envelope of the fixtures, and a credential box where they have one', async () => {
    for (const steps of fc.sample(aLife, { numRuns: 30, seed: 4 })) {
      for (const { type, metadata } of (await live(steps)).stored) {
        const { content } = readFixture(fixtureName(type, Number(metadata.schemaVersion)))
        const { idempotency: _, boxes, ...envelope } = metadata
        const { idempotency: __, boxes: fixtureBoxes, ...fixtureEnvelope } = content.stored.metadata
        expect(Object.keys(envelope).sort()).toStrictEqual(Object.keys(fixtureEnvelope).sort())
        const { credential } = boxes as { readonly credential: string | null }
        // Whoever runs Strongroom gives nobody a password or a token.
        const isOperators = (metadata.actor as { readonly kind: string }).kind === 'operator'
        expect({ type, hasCredential: credential !== null }).toStrictEqual({
          type,
          hasCredential: fixtureBoxes.credential !== null && !isOperators,
        })
      }
    }
  })
})
