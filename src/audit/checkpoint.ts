/** Checkpoints (C2SP tlog-checkpoint): a signed note of the log's origin, its size and its root at that size. */
import type { KeyObject } from 'node:crypto'
import type { Hash } from './merkle.ts'
import { openNote, signNote, strictBase64, type VerifierKey } from './note.ts'

export interface Checkpoint {
  /** Which log it is of: one line of text. */
  readonly origin: string
  /** Leaves. */
  readonly size: number
  readonly root: Hash
}

/** The note's text. Throws RangeError for what is no checkpoint. */
export const formatCheckpoint = ({ origin, size, root }: Checkpoint): string => {
  if (!/^[^\n]+$/.test(origin)) throw new RangeError('the origin is one line of text')
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is no number of leaves`)
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}

/**
 * Null where the text is no checkpoint. Further lines, which the standard allows, are passed over: no proof speaks of
 * them.
 */
export const parseCheckpoint = (text: string): Checkpoint | null => {
  const [origin = '', sizeText = '', rootText = '', ...further] = text.split('\n')
  if (further.pop() !== '' || further.includes('') || origin === '') return null
  const root = strictBase64(rootText)
  const size = /^(0|[1-9]\d*)$/.test(sizeText) ? Number(sizeText) : Number.NaN
  if (!Number.isSafeInteger(size) || root?.length !== 32) return null
  return { origin, size, root }
}

/** Whoever holds the private key of a log calls this once per size, and never for a tree that contradicts an older one. */
export const signCheckpoint = (checkpoint: Checkpoint, key: VerifierKey, privateKey: KeyObject): string =>
  signNote(formatCheckpoint(checkpoint), key, privateKey)

/** The checkpoint, where this key has signed it and it is of this log; else null. */
export const openCheckpoint = (note: string, key: VerifierKey, origin = key.name): Checkpoint | null => {
  const text = openNote(note, key)
  const checkpoint = text === null ? null : parseCheckpoint(text)
  return checkpoint?.origin === origin ? checkpoint : null
}
