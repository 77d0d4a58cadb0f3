/**
 * The golden fixtures: for every type and version an event as it lies in the store, and beside it what the code makes
 * of it today. The log is for ever, so what is stored is: a fixture is added for each new version, and of an old one only
 * what the upcasters make of it changes.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import type { AccountEvent } from '../../src/account/events.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'

const fixtureSchema = z.strictObject({
  stored: z.strictObject({
    stream: z.string(),
    revision: z.string(),
    id: z.string(),
    type: z.string(),
    data: z.record(z.string(), z.json()),
    metadata: z.looseObject({
      schemaVersion: z.int(),
      commit: z.string().nullable(),
      boxes: z.strictObject({ personal: z.string().nullable(), credential: z.string().nullable() }),
    }),
  }),
  event: z.looseObject({ revision: z.string() }),
})

export interface Golden {
  readonly content: z.infer<typeof fixtureSchema>
  readonly stored: Omit<RecordedEvent, 'position' | 'recordedAt'>
  readonly event: AccountEvent
}

const folder = new URL('./golden/', import.meta.url)

/** A colon cannot be in a file's name everywhere. */
export const fixtureName = (type: string, version: number): string => `${type.replace(':', '.')}.v${version}.json`

export const fixtureNames = (): readonly string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'fingerprints.json')

/** Throws where there is none, or where it is no fixture. */
export const readFixture = (name: string): Golden => {
  const content = fixtureSchema.parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8')))
  return {
    content,
    stored: { ...content.stored, revision: BigInt(content.stored.revision) } as Golden['stored'],
    event: { ...content.event, revision: BigInt(content.event.revision) } as unknown as AccountEvent,
  }
}

export const readFingerprints = (): Readonly<Record<string, string>> =>
  z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(new URL('fingerprints.json', folder), 'utf8')))
