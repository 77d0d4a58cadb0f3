/** The start of a log, once per installation: its name, and the key that signs its checkpoints. */
import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { InvalidConfiguration } from '../config.ts'
import { migrate } from '../platform/migrations.ts'
import { logMigrations } from './log-schema.ts'
import { queryableOf, readTree, type Tree } from './log-store.ts'
import { formatVerifierKey, type VerifierKey, verifierKeyOf } from './note.ts'
import { loadSigningKey, type SigningKey } from './signing-key.ts'

/** A log that this process may sign for. */
export interface SignedLog {
  readonly key: VerifierKey
  readonly signingKey: SigningKey
}

interface Settings {
  readonly logSigningKeyFile: string | undefined
  readonly dataDir: string
  readonly http: { readonly publicUrl: string }
}

/** Makes the tables of the log. Every process does, since every one may be asked for proofs. */
export const migrateLog = (pool: pg.Pool): Promise<void> => migrate(pool, 'log', logMigrations)

/**
 * Makes the log where there is none yet, and its key where none is given. The origin, which is the key's name too, is
 * the host of PUBLIC_URL at that time and a random part, and never changes: it tells this log from every other.
 *
 * Throws InvalidConfiguration where the log is there and was begun with another key than the one at hand, or with one
 * that is lost: going on with a new key would look to every auditor like a forger's log.
 */
export const prepareLog = async (pool: pg.Pool, settings: Settings): Promise<SignedLog> => {
  const database = queryableOf(pool)
  const known = await readTree(database)
  const signingKey = await loadSigningKey(settings, { make: known === undefined })
  if (signingKey === undefined) {
    throw new InvalidConfiguration(
      `LOG_SIGNING_KEY_FILE: the key that signs the log is not in ${settings.dataDir}/log-signing.key any more; ` +
        'bring it back, or name its file',
    )
  }
  const tree = known ?? (await begin(pool, settings, signingKey))
  const key = verifierKeyOf(tree.origin, signingKey.publicKey)
  if (formatVerifierKey(key) !== tree.verifierKey) {
    throw new InvalidConfiguration(
      `${signingKey.source} holds another key than the one this log is signed with, ${tree.verifierKey}`,
    )
  }
  return { key, signingKey }
}

const begin = async (pool: pg.Pool, settings: Settings, { publicKey }: SigningKey): Promise<Tree> => {
  const origin = `${new URL(settings.http.publicUrl).host}/strongroom-log/${randomBytes(8).toString('hex')}`
  // Another process may begin at the same moment: the first one names the log.
  await pool.query('insert into log.tree (origin, verifier_key) values ($1, $2) on conflict do nothing', [
    origin,
    formatVerifierKey(verifierKeyOf(origin, publicKey)),
  ])
  const tree = await readTree(queryableOf(pool))
  if (tree === undefined) throw new Error('the log was begun and is not there')
  return tree
}
