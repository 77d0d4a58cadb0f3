/**
 * Signed notes (C2SP signed-note) with Ed25519: a text, an empty line, and a line per signature,
 * `— <key name> base64(key id || signature)`. Key id: the first 4 bytes of SHA-256(name || 0x0A || 0x01 || public key).
 */
import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'

/** Who may have signed: as it is given to verifiers, `<name>+<key id in hex>+base64(0x01 || public key)`. */
export interface VerifierKey {
  readonly name: string
  /** 4 bytes. */
  readonly id: Buffer
  readonly publicKey: KeyObject
}

const ED25519 = 1
const ID_BYTES = 4
const SIGNATURE_BYTES = 64
/** DER of an Ed25519 public key up to the key itself (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
/** Far more than the 16 that verifiers have to take. */
const MOST_SIGNATURES = 100

/** Throws RangeError for a name that no note can carry, and for a key that is not Ed25519. */
export const verifierKeyOf = (name: string, publicKey: KeyObject): VerifierKey => {
  if (!KEY_NAME.test(name)) throw new RangeError(`"${name}" is no key name: it is empty, or holds a blank or a plus`)
  if (publicKey.asymmetricKeyType !== 'ed25519') throw new RangeError('the key is not Ed25519')
  const encoded = Buffer.concat([Buffer.of(ED25519), rawKeyOf(publicKey)])
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), encoded]), 'buffer').subarray(0, ID_BYTES)
  return { name, id, publicKey }
}

export const formatVerifierKey = ({ name, id, publicKey }: VerifierKey): string =>
  `${name}+${id.toString('hex')}+${Buffer.concat([Buffer.of(ED25519), rawKeyOf(publicKey)]).toString('base64')}`

/** Null where the text is no verifier key of Ed25519, or its id is not that of its name and key. */
export const parseVerifierKey = (text: string): VerifierKey | null => {
  const [, name = '', id = '', encodedText = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/s.exec(text) ?? []
  const encoded = strictBase64(encodedText)
  if (!KEY_NAME.test(name) || encoded?.length !== 33 || encoded[0] !== ED25519) return null
  const spki = Buffer.concat([SPKI_PREFIX, encoded.subarray(1)])
  const key = verifierKeyOf(name, createPublicKey({ key: spki, format: 'der', type: 'spki' }))
  return key.id.toString('hex') === id ? key : null
}

/** The note. `text` ends with a newline and has no control character but newlines; else RangeError is thrown. */
export const signNote = (text: string, key: VerifierKey, privateKey: KeyObject): string => {
  if (!isNoteText(text)) throw new RangeError('this is no text of a note')
  const signature = Buffer.concat([key.id, sign(null, Buffer.from(text), privateKey)])
  return `${text}\n— ${key.name} ${signature.toString('base64')}\n`
}

/**
 * The text of a note that this key has signed, else null. Signatures of other keys are passed over; of this key's every
 * one has to be right. Only what comes back may be believed, or even looked at.
 */
export const openNote = (note: string, key: VerifierKey): string | null => {
  const split = note.lastIndexOf('\n\n')
  if (split < 0 || !note.endsWith('\n')) return null
  const text = note.slice(0, split + 1)
  const lines = note.slice(split + 2, -1).split('\n')
  if (!isNoteText(text) || lines.length > MOST_SIGNATURES) return null
  const signatures = lines.map(parseSignature)
  if (signatures.some((signature) => signature === null)) return null
  const own = signatures.filter((signature) => signature?.name === key.name && signature.id.equals(key.id))
  const right = own.every(
    (signature) =>
      signature?.bytes.length === SIGNATURE_BYTES && verify(null, Buffer.from(text), key.publicKey, signature.bytes),
  )
  return own.length > 0 && right ? text : null
}

/** Not empty, without Unicode spaces and plus. */
const KEY_NAME = /^[^\p{White_Space}\p{Cc}+]+$/u
const SIGNATURE_LINE = /^— ([^\p{White_Space}\p{Cc}+]+) (\S+)$/u

const parseSignature = (
  line: string,
): { readonly name: string; readonly id: Buffer; readonly bytes: Buffer } | null => {
  const [, name, encoded = ''] = SIGNATURE_LINE.exec(line) ?? []
  const bytes = strictBase64(encoded)
  if (name === undefined || bytes === null || bytes.length <= ID_BYTES) return null
  return { name, id: bytes.subarray(0, ID_BYTES), bytes: bytes.subarray(ID_BYTES) }
}

const isNoteText = (text: string): boolean =>
  text.endsWith('\n') && !/\p{Surrogate}/u.test(text) && !/[\u0000-\u0009\u000b-\u001f]/.test(text)

/** Node skips what is no base64: only the one right spelling counts. */
export const strictBase64 = (text: string): Buffer | null => {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? bytes : null
}

const rawKeyOf = (publicKey: KeyObject): Buffer =>
  publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length)
