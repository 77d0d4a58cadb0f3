/** One event in a bundle: what its leaf is computed of, and the person behind it with what proves that, or neither. */

import type { Box, Personal } from '../account/events.ts'
import { type LeafContent, leafContentOf } from '../audit/leaf.ts'
import { openCommitted } from '../secrets/boxes.ts'
import type { PlacedEvent } from './evidence-events.ts'

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

/** Throws CannotOpen where the box was tampered with. */
export const openRow = (
  { event, leaf, userId }: PlacedEvent,
  keys: ReadonlyMap<string, Buffer>,
  redact: Redaction,
): EvidenceRow => {
  const place = { leafIndex: leaf.index, leafHash: leaf.hash.toString('base64'), event: leafContentOf(event) }
  const box = boxOf(event.metadata.boxes)
  if (userId === null || box === null) return { ...place, personal: null, salt: null, hidden: null }
  const key = keys.get(userId)
  if (key === undefined) return { ...place, personal: null, salt: null, hidden: 'erased' }
  const { personal, salt } = openCommitted(key, { stream: event.stream, type: event.type, eventId: event.id }, box)
  const mustHide = redact.some((field) => field === 'personal' || (personal[field] ?? null) !== null)
  return mustHide
    ? { ...place, personal: null, salt: null, hidden: 'redacted' }
    : { ...place, personal, salt, hidden: null }
}

const boxOf = (boxes: unknown): Box | null => {
  if (typeof boxes !== 'object' || boxes === null || !('personal' in boxes)) return null
  return typeof boxes.personal === 'string' ? (boxes.personal as Box) : null
}
