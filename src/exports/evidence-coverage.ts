/** In which range the absence of a row would be noticed, and that none is absent there. */
import { LogContradicted } from '../audit/log-store.ts'
import type { EvidenceFilter, PlacedEvent } from './evidence-events.ts'

export type Coverage =
  /** Every row is proven, and that there are no more is asserted. */
  | { readonly kind: 'rows' }
  /** No revision of the stream is missing between these two, inclusive. */
  | { readonly kind: 'revisions'; readonly stream: string; readonly from: string; readonly to: string }
  /** No leaf is missing from `from` on, before `to`. */
  | { readonly kind: 'leaves'; readonly from: number; readonly to: number }

export interface CoverageNotes {
  /** Of each row, in their order. Throws LogContradicted where one is missing before it. */
  note(placed: PlacedEvent): void
  /** After the last. Throws LogContradicted where one is missing behind it. */
  close(): void
  readonly coverage: () => Coverage
}

/** Without rows nothing is covered. `size`: leaves of the checkpoint. */
export const openCoverage = (filter: EvidenceFilter, size: number): CoverageNotes => {
  if (filter.codes !== undefined) return { note: () => {}, close: () => {}, coverage: () => ({ kind: 'rows' }) }
  return filter.user === undefined ? leavesCovered(filter, size) : revisionsCovered(filter, `user-${filter.user}`)
}

const leavesCovered = ({ from, to }: EvidenceFilter, size: number): CoverageNotes => {
  let first: number | null = from === undefined ? 0 : null
  let end = 0
  const mustBe = (index: number): void => {
    if (index !== end) throw new LogContradicted(`leaf ${end} of the log has no event where the store should have it`)
  }
  return {
    note({ leaf: { index } }) {
      if (first !== null) mustBe(index)
      first ??= index
      end = index + 1
    },
    close: () => {
      if (first !== null && to === undefined) mustBe(size)
    },
    coverage: () => (first === null || end === 0 ? { kind: 'rows' } : { kind: 'leaves', from: first, to: end }),
  }
}

const revisionsCovered = ({ from }: EvidenceFilter, stream: string): CoverageNotes => {
  let first: bigint | null = from === undefined ? 0n : null
  let end = 0n
  return {
    note({ event: { revision } }) {
      if (first !== null && revision !== end) {
        throw new LogContradicted(`revision ${end} of ${stream} is not where the store should have it`)
      }
      first ??= revision
      end = revision + 1n
    },
    // Which revision is the last, only the stream itself can tell.
    close: () => {},
    coverage: () =>
      first === null || end === 0n
        ? { kind: 'rows' }
        : { kind: 'revisions', stream, from: String(first), to: String(end - 1n) },
  }
}
