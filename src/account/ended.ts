/**
 * The sessions of an account that have ended, the last thousand. Of a long account they are nearly all there is, and no
 * more is ever asked than why one of them ended. As a thousand objects they took up most of a load, and as text with
 * whole ids most of a snapshot; so they are one text of entries of one width: a letter for the reason, then the 16 bytes
 * of the id.
 */
import type { EndedReason } from './events.ts'

/** Oldest first. Compared and kept as it is; read with the functions here. */
export type EndedSessions = string

export interface EndedSession {
  readonly id: string
  readonly reason: EndedReason
}

export const ENDED_SESSIONS = 1_000

export const noneEnded: EndedSessions = ''

/** Beyond a thousand the oldest is forgotten. */
export const withEnded = (ended: EndedSessions, { id, reason }: EndedSession): EndedSessions => {
  const key = keyOf(id)
  if (key === undefined) throw new Error('a session whose id is no UUID')
  const all = ended + LETTERS[reason] + key
  return all.length > ENDED_SESSIONS * WIDTH ? all.slice(-ENDED_SESSIONS * WIDTH) : all
}

/** Why it ended; undefined where it is not among them. */
export const whyEnded = (ended: EndedSessions, id: string): EndedReason | undefined => {
  const key = keyOf(id)
  if (key === undefined) return undefined
  let at = ended.indexOf(key)
  // What begins inside another entry is not an id.
  while (at !== -1 && at % WIDTH !== 1) at = ended.indexOf(key, at + 1)
  return at === -1 ? undefined : reasonOf(ended.charAt(at - 1))
}

/** Each of them, for whoever wants to look at all. */
export const endedSessions = (ended: EndedSessions): readonly EndedSession[] =>
  Array.from({ length: ended.length / WIDTH }, (_, n) => {
    const entry = ended.slice(n * WIDTH, (n + 1) * WIDTH)
    return { id: idOf(entry.slice(1)), reason: reasonOf(entry.charAt(0)) }
  })

const KEY_LENGTH = 22
const WIDTH = 1 + KEY_LENGTH

/** Base64 of the id's bytes; undefined where it is no UUID. */
const keyOf = (id: string): string | undefined => {
  const key = Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url')
  return key.length === KEY_LENGTH && idOf(key) === id ? key : undefined
}

const idOf = (key: string): string =>
  Buffer.from(key, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

const LETTERS: Readonly<Record<EndedReason, string>> = {
  logged_out: 'l',
  revoked: 'r',
  expired: 'x',
  password_changed: 'p',
  two_factor_changed: 'f',
  password_reset: 's',
  limit: 'm',
  guessing: 'g',
  erased: 'e',
}

const REASONS = new Map(Object.entries(LETTERS).map(([reason, letter]) => [letter, reason as EndedReason]))

const reasonOf = (letter: string): EndedReason => {
  const reason = REASONS.get(letter)
  if (reason === undefined) throw new Error('a session ended for a reason that is not known')
  return reason
}
