import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalJson } from '../../src/audit/canonical-json.ts'
import { leafContentOf, leafHashOf } from '../../src/audit/leaf.ts'
import { LogContradicted } from '../../src/audit/log-store.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import type { PlacedEvent } from '../../src/exports/evidence-events.ts'
import { lineOf, openRow } from '../../src/exports/evidence-rows.ts'
import { sealPersonal } from '../../src/secrets/boxes.ts'
import { BREAKS_LINES, hostileJson, hostileText } from '../support/hostile.ts'

const key = randomBytes(32)
const userId = randomUUID()
const keys = new Map([[userId, key]])

const placed = (data: RecordedEvent['data'], userAgent: string): PlacedEvent => {
  const [id, stream, type] = [randomUUID(), `user-${userId}`, 'user:logged_in']
  const { box, commit } = sealPersonal(key, { stream, type, eventId: id }, { userAgent })
  const metadata = { occurredAt: '2026-11-24T20:00:00.000Z', commit, boxes: { personal: box, credential: null } }
  const event = { id, stream, type, revision: 3n, position: 9n, recordedAt: new Date(0), data, metadata }
  return { event, leaf: { index: 7, hash: leafHashOf(leafContentOf(event)) }, userId }
}

it('a row is one line that says all of it, with the event in the spelling that its leaf is of', () => {
  fc.assert(
    fc.property(hostileJson, hostileText, (hostile, userAgent) => {
      // A name that is a number comes first in an object of ECMAScript, whatever the order it was written in.
      const one = placed(JSON.parse(JSON.stringify({ z: hostile, 10: hostile, 9: hostile })), userAgent)
      const proven = openRow(one, keys, [])
      const line = lineOf(proven)
      expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(proven.row)))
      expect(Object.keys(JSON.parse(line))).toEqual(Object.keys(proven.row))
      expect(line).not.toMatch(BREAKS_LINES)
      expect(line.indexOf('\n')).toBe(line.length - 1)
      expect(proven.eventText).toBe(canonicalJson(JSON.parse(line).event))
      expect(proven.row.personal).toEqual({ userAgent })
    }),
  )
})

it('a row of an event that is not what its leaf says is not made', () => {
  const one = placed({ method: 'password' }, 'Firefox')
  const changed = { ...one, event: { ...one.event, data: { method: 'totp' } } }
  expect(() => openRow(changed, keys, [])).toThrow(LogContradicted)
})
