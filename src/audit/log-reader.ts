/** What the log has to show: its checkpoints, and proofs that an event is in it. */
import type pg from 'pg'
import { lastCheckpoint, leafAndCheckpoint, queryableOf, readTree, runsIn } from './log-store.ts'
import type { Hash } from './merkle.ts'
import { inclusionProof } from './proofs.ts'

/** Throws what PostgreSQL throws, and HashesMissing where the stored log is damaged. */
export interface LogReader {
  /** The signed note of the largest tree signed; null before the first. */
  checkpoint(): Promise<string | null>
  /** The key that checkpoints are verified with; null before the log was begun. */
  verifierKey(): Promise<string | null>
  proofOf(eventId: string): Promise<EventProof>
}

export type EventProof =
  | {
      readonly kind: 'proven'
      readonly leafIndex: number
      /** Of the checkpoint. */
      readonly treeSize: number
      readonly leafHash: Hash
      readonly proof: readonly Hash[]
      readonly checkpoint: string
    }
  /** It has a leaf, behind the last checkpoint: the next one, in a second or so, has it. */
  | { readonly kind: 'unsigned' }
  /** It has no leaf: the log has not come to it yet, or there is no such event. */
  | { readonly kind: 'unknown' }

export const openLogReader = (pool: pg.Pool): LogReader => {
  const database = queryableOf(pool)
  return {
    checkpoint: async () => (await lastCheckpoint(database))?.note ?? null,
    verifierKey: async () => (await readTree(database))?.verifierKey ?? null,
    async proofOf(eventId) {
      const found = await leafAndCheckpoint(database, eventId)
      if (found === undefined) return { kind: 'unknown' }
      const { leaf, checkpoint: last } = found
      if (last === undefined || leaf.index >= last.size) return { kind: 'unsigned' }
      const proof = await inclusionProof(runsIn(database), leaf.index, last.size)
      const { index: leafIndex, hash: leafHash } = leaf
      return { kind: 'proven', leafIndex, treeSize: last.size, leafHash, proof, checkpoint: last.note }
    },
  }
}
