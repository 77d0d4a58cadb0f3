/** The private key that signs the log's checkpoints: Ed25519 in PEM (PKCS#8), as `openssl genpkey` writes it. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidConfiguration } from '../config.ts'
import { makeKeyFile, readKeyFile } from '../platform/key-file.ts'

export interface SigningKey {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** Where it came from, for a sentence to the operator. */
  readonly source: string
}

interface Source {
  readonly logSigningKeyFile: string | undefined
  readonly dataDir: string
}

/**
 * The key of LOG_SIGNING_KEY_FILE, or of DATA_DIR/log-signing.key, which is made (mode 0600) where `make` allows it.
 * Undefined where there is none. Throws InvalidConfiguration for a file that cannot be read or holds no such key.
 */
export const loadSigningKey = async (
  { logSigningKeyFile, dataDir }: Source,
  { make }: { readonly make: boolean },
): Promise<SigningKey | undefined> => {
  if (logSigningKeyFile !== undefined) {
    return parse(await readGiven(logSigningKeyFile), `LOG_SIGNING_KEY_FILE: ${logSigningKeyFile}`)
  }
  const path = join(dataDir, 'log-signing.key')
  const text = (await readKeyFile(path)) ?? (make ? await create(path) : undefined)
  return text === undefined ? undefined : parse(text, path)
}

const parse = (pem: string, source: string): SigningKey => {
  try {
    const privateKey = createPrivateKey(pem)
    if (privateKey.asymmetricKeyType === 'ed25519') {
      return { privateKey, publicKey: createPublicKey(privateKey), source }
    }
  } catch {
    // The error could quote the key.
  }
  throw new InvalidConfiguration(
    `${source} must hold an Ed25519 private key in PEM (make one: openssl genpkey -algorithm ed25519)`,
  )
}

const readGiven = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new InvalidConfiguration(`LOG_SIGNING_KEY_FILE: ${path} cannot be read (${code})`)
  }
}

const create = (path: string): Promise<string> => {
  const { privateKey } = generateKeyPairSync('ed25519')
  return makeKeyFile(path, privateKey.export({ format: 'pem', type: 'pkcs8' }))
}
