/** The master key: 32 bytes that wrap every other key. Given, or made once in DATA_DIR with mode 0600. */
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidConfiguration } from '../config.ts'
import { makeKeyFile, readKeyFile } from '../platform/key-file.ts'

export interface MasterKey {
  readonly key: Buffer
  /** Names the key beside what it wrapped, so that a rotation can tell old from new. Tells nothing of the key. */
  readonly id: string
}

interface Source {
  readonly masterKey: string | undefined
  readonly masterKeyFile: string | undefined
  readonly dataDir: string
}

/** Throws InvalidConfiguration where a key was given that is none. */
export const loadMasterKey = async ({ masterKey, masterKeyFile, dataDir }: Source): Promise<MasterKey> => {
  if (masterKey !== undefined) return parse(masterKey, 'MASTER_KEY')
  if (masterKeyFile !== undefined) return parse(await readGiven(masterKeyFile), 'MASTER_KEY_FILE')
  const path = join(dataDir, 'master.key')
  return parse((await readKeyFile(path)) ?? (await create(path)), path)
}

const HEX = /^[0-9a-f]{64}$/i
/** Told before decoding: Node's decoder skips what it does not know, and a mangled key would pass as another one. */
const BASE64 = /^[\w+/-]{43}=?$/

const parse = (text: string, source: string): MasterKey => {
  const trimmed = text.trim()
  const key = HEX.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64')
  if (!HEX.test(trimmed) && !BASE64.test(trimmed)) {
    throw new InvalidConfiguration(
      `${source}: must hold 32 bytes, as base64 or hex (make one: openssl rand -base64 32)`,
    )
  }
  const id = createHash('sha256').update('strongroom master key id').update(key).digest('hex').slice(0, 16)
  return { key, id }
}

const readGiven = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new InvalidConfiguration(`MASTER_KEY_FILE: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

const create = (path: string): Promise<string> => makeKeyFile(path, `${randomBytes(32).toString('base64')}\n`)
