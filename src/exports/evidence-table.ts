/** The rows of a bundle as a table (RFC 4180), for people with a spreadsheet: what is proven is in the rows themselves. */
import type { EvidenceRow } from './evidence-rows.ts'

const columns: readonly (readonly [string, (row: EvidenceRow) => unknown])[] = [
  ['leafIndex', ({ leafIndex }) => leafIndex],
  ['id', ({ event }) => event.id],
  ['stream', ({ event }) => event.stream],
  ['revision', ({ event }) => event.revision],
  ['code', ({ event }) => event.type],
  ['occurredAt', ({ event }) => event.metadata.occurredAt],
  ['actor', ({ event }) => event.metadata.actor],
  ['sessionId', ({ event }) => event.metadata.sessionId],
  ['client', ({ event }) => event.metadata.client],
  ['data', ({ event }) => event.data],
  ['ip', ({ personal }) => personal?.ip],
  ['region', ({ personal }) => personal?.region],
  ['city', ({ personal }) => personal?.city],
  ['userAgent', ({ personal }) => personal?.userAgent],
  ['email', ({ personal }) => personal?.email],
  ['name', ({ personal }) => personal?.name],
  ['values', ({ personal }) => personal?.values],
  ['hidden', ({ hidden }) => hidden],
]

export const tableHead = `${columns.map(([name]) => name).join(',')}\r\n`

export const tableLine = (row: EvidenceRow): string => `${columns.map(([, pick]) => cell(pick(row))).join(',')}\r\n`

/** What a spreadsheet would take for a formula gets an apostrophe (OWASP, CSV injection). */
const cell = (value: unknown): string => {
  const text =
    value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
  const harmless = /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
