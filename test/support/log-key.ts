import { createPrivateKey } from 'node:crypto'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** DER of an Ed25519 private key up to its 32 bytes (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The private key of these 32 bytes. */
export const ed25519KeyOf = (seed: Buffer) =>
  createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })

/** A file with the key that signs the logs of all tests, so that several nodes can share a database. */
export const testLogKeyFile = (): string => {
  const folder = join(tmpdir(), `strongroom-test-key-${process.getuid?.() ?? 0}`)
  const file = join(folder, 'log-signing.key')
  mkdirSync(folder, { recursive: true })
  const aside = `${file}.${process.pid}`
  writeFileSync(aside, ed25519KeyOf(Buffer.alloc(32, 9)).export({ format: 'pem', type: 'pkcs8' }))
  renameSync(aside, file)
  return file
}
