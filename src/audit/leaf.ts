/**
 * What the log says of an event: leaf = SHA-256(0x00 || JCS(content)). The content has everything that both stores keep
 * alike, and nothing that one of them chooses: no position and no time of recording. So the leaf is the same wherever
 * the event lies, and stays the same when the events are moved.
 *
 * Of each sealed box it has the SHA-256 of the text as it is stored. Erasing a person deletes the key and leaves the
 * boxes, so nothing changes; and whoever is shown an event without its boxes, as in every export, gets those two
 * hashes instead, and comes to the same leaf.
 */
import { hash } from 'node:crypto'
import type { JsonObject, JsonValue, RecordedEvent } from '../event-store/port.ts'
import { canonicalJson } from './canonical-json.ts'
import { type Hash, leafHash } from './merkle.ts'

/** JSON, in the spelling that is hashed. */
export type LeafContent = {
  readonly id: string
  readonly stream: string
  /** A number up to 2^53, beyond that a string of its digits. */
  readonly revision: number | string
  readonly type: string
  /** Without boxes and commitment, which stand beside it here. */
  readonly metadata: JsonObject
  readonly data: JsonObject
  /** Commits to the content of the personal box: SHA-256(salt || JCS(personal)), hex. */
  readonly commit: string | null
  /** SHA-256 of each box as it is stored, hex; null where the event has none. */
  readonly boxes: { readonly personal: string | null; readonly credential: string | null }
}

type LoggedEvent = Pick<RecordedEvent, 'id' | 'stream' | 'revision' | 'type' | 'data' | 'metadata'>

/** Total: whatever somebody else wrote into one of our streams has a leaf too, and no part of it is left out. */
export const leafContentOf = ({ id, stream, revision, type, data, metadata }: LoggedEvent): LeafContent => {
  const shared = { id, stream, revision: jsonInteger(revision), type, data }
  const { boxes, commit, ...rest } = metadata
  if (!areBoxes(boxes) || !isTextOrNull(commit)) {
    // None of our envelopes: then its parts are not told apart, and stay where they are.
    return { ...shared, metadata, commit: null, boxes: { personal: null, credential: null } }
  }
  const { personal, credential } = boxes
  return {
    ...shared,
    metadata: rest,
    commit,
    boxes: { personal: digestOf(personal), credential: digestOf(credential) },
  }
}

export const leafHashOf = (content: LeafContent): Hash => leafHash(leafTextOf(content))

/** What is hashed, for whoever shows it as well. */
export const leafTextOf = (content: LeafContent): string => canonicalJson(content)

/** Streams whose events the log has: those of accounts, and those that record what auditors read. */
export const isLogged = (stream: string): boolean => /^(user|access)-./.test(stream)

interface Boxes {
  readonly personal: string | null
  readonly credential: string | null
}

const areBoxes = (value: JsonValue | undefined): value is JsonObject & Boxes =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).length === 2 &&
  'personal' in value &&
  'credential' in value &&
  isTextOrNull(value.personal) &&
  isTextOrNull(value.credential)

const isTextOrNull = (value: JsonValue | undefined): value is string | null =>
  value === null || typeof value === 'string'

const digestOf = (box: string | null): string | null => (box === null ? null : hash('sha256', box))

const jsonInteger = (n: bigint): number | string => (n <= Number.MAX_SAFE_INTEGER ? Number(n) : String(n))
