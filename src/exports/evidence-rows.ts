/** One event in a bundle: what its leaf is computed of, and the person behind it with what proves that, or neither. */

import type { Box, Personal } from '../account/events.ts'
import { type LeafContent, leafContentOf, leafTextOf } from '../audit/leaf.ts'
import { LogContradicted } from '../audit/log-store.ts'
import { leafHash as hashOf } from '../audit/merkle.ts'
import { openCommitted } from '../secrets/boxes.ts'
import type { PlacedEvent } from './evidence-events.ts'
import { lineSafe } from './json-lines.ts'

export const redactable = ['ip', 'userAgent', 'region', 'city', 'email', 'name', 'values', 'personal'] as const

/**
 * Fields that must not be shown; `personal`: none of them. The commitment is to all of them at once, so a row that has
 * one of these fields is shown without any.
 */
export type Redaction = readonly (typeof redactable)[number][]

export interface EvidenceRow {
  readonly leafIndex: number
  /** Base64. Computed from `event`; says which row was changed, where one was. */
  readonly leafHash: string
  readonly event: LeafContent
  readonly personal: Personal | null
  /** Base64url. SHA-256(salt || JCS(personal)) is the commitment in `event`. */
  readonly salt: string | null
  /** Why there is a commitment and no personal data. */
  readonly hidden: 'redacted' | 'erased' | null
}

/** A row, and its event in the spelling that was hashed, which is computed for the leaf and need not be once more. */
export interface ProvenRow {
  readonly row: EvidenceRow
  readonly eventText: string
}

/**
 * Throws LogContradicted where the event is not what its leaf says: an export of what was tampered with would be
 * evidence of nothing. Throws CannotOpen where the box was tampered with.
 */
export const openRow = (placed: PlacedEvent, keys: ReadonlyMap<string, Buffer>, redact: Redaction): ProvenRow => {
  const { event, leaf } = placed
  const content = leafContentOf(event)
  const eventText = leafTextOf(content)
  if (!hashOf(eventText).equals(leaf.hash)) {
    throw new LogContradicted(`event ${event.id} is not what leaf ${leaf.index} of the log says`)
  }
  const { personal, salt, hidden } = personOf(placed, keys, redact)
  const leafHash = leaf.hash.toString('base64')
  return { row: { leafIndex: leaf.index, leafHash, event: content, personal, salt, hidden }, eventText }
}

/** As JSON.stringify would write the row, were it not for the order of the event's keys. */
export const lineOf = ({ row, eventText }: ProvenRow): string => {
  const { leafIndex, leafHash, personal, salt, hidden } = row
  const person = JSON.stringify({ personal, salt, hidden }).slice(1)
  return lineSafe(`{"leafIndex":${leafIndex},"leafHash":"${leafHash}","event":${eventText},${person}\n`)
}

const personOf = (
  { event, userId }: PlacedEvent,
  keys: ReadonlyMap<string, Buffer>,
  redact: Redaction,
): Pick<EvidenceRow, 'personal' | 'salt' | 'hidden'> => {
  const box = boxOf(event.metadata.boxes)
  if (userId === null || box === null) return { personal: null, salt: null, hidden: null }
  const key = keys.get(userId)
  if (key === undefined) return { personal: null, salt: null, hidden: 'erased' }
  const { personal, salt } = openCommitted(key, { stream: event.stream, type: event.type, eventId: event.id }, box)
  const mustHide = redact.some((field) => field === 'personal' || (personal[field] ?? null) !== null)
  return mustHide ? { personal: null, salt: null, hidden: 'redacted' } : { personal, salt, hidden: null }
}

const boxOf = (boxes: unknown): Box | null => {
  if (typeof boxes !== 'object' || boxes === null || !('personal' in boxes)) return null
  return typeof boxes.personal === 'string' ? (boxes.personal as Box) : null
}
