/** Histories of people who never were, as `npm run seed` makes them, without looking places and devices up. */
import { randomUUID } from 'node:crypto'
import { appendHistory } from '../../scripts/seed/append.ts'
import { historyOf } from '../../scripts/seed/history.ts'
import type { Secret } from '../../src/account/events.ts'
import type { EventStore } from '../../src/event-store/port.ts'
import { openSessionHash } from '../../src/secrets/session-hash.ts'
import type { Vault } from '../../src/secrets/vault.ts'

const DAY_MS = 86_400_000
const EVENTS_EACH = 200
const MINUTE_MS = 60_000

const LIMITS = {
  ...{ lockAfterFailures: 10, lockMs: 30 * MINUTE_MS, sessionAbsoluteMs: 720 * MINUTE_MS, sudoMs: 15 * MINUTE_MS },
  ...{ sessionsMax: 100, idempotencyMs: DAY_MS, challengeMs: 5 * MINUTE_MS, enrollmentMs: 10 * MINUTE_MS },
  ...{ resetTokenMs: 60 * MINUTE_MS, notMeMs: 7 * DAY_MS, resetMailsPerHour: 3 },
}

/** Fills an empty store with about so many events, and tells how many they are. */
export async function makeUp(store: EventStore, vault: Vault, events: number): Promise<number> {
  const ends = Date.parse('2026-05-01T12:00:00Z')
  const { appends } = historyOf({
    ...{ seed: 1, users: Math.ceil(events / EVENTS_EACH), events, begins: ends - 120 * DAY_MS, ends },
    told: {
      ...{ limits: LIMITS, idleMs: 15 * MINUTE_MS, totpSecret: randomUUID() as Secret },
      // As long as a hash is.
      passwords: Array.from({ length: 5 }, (_, i) => ({ text: String(i), hash: 'x'.repeat(128) as Secret })),
      contextOf: ({ place, host, userAgent }) => ({
        ip: `${place.network}.${host}`,
        userAgent,
        location: { country: place.country, region: 'XX', city: place.city },
        device: { type: 'desktop' },
        browser: { name: 'Firefox', version: '145.0' },
        os: { name: 'Linux', version: null },
        geoVersion: 'geoip-lite/1.4.10+20260101.0123456789ab',
        uaVersion: 'ua-parser-js/1.0.41',
      }),
    },
    sessionHash: openSessionHash(vault),
    join: async (email) => {
      const { userId } = await vault.claim(vault.lookupOf(email))
      const dataKey = await vault.dataKey(userId)
      if (dataKey === null) throw new Error('an account without a key')
      return { userId, dataKey }
    },
  })
  return appendHistory(appends, { store, signal: new AbortController().signal, onProgress: () => {} })
}
