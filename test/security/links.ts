/** Links as the mailer would make them, for tests that are not about the mail: from what the read models show. */
import { Kysely, PostgresDialect } from 'kysely'
import { pino } from 'pino'
import { type LinkPurpose, makeToken } from '../../src/mailer/link-tokens.ts'
import type { Database } from '../../src/platform/database.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { loadMasterKey } from '../../src/secrets/master-key.ts'
import { openVault, type Vault } from '../../src/secrets/vault.ts'
import { TEST_MASTER_KEY, type TestServer } from '../support/server.ts'
import { sql, untilProjected } from './support.ts'

export interface Links {
  /** The token that a mail about the newest event of this type carries. */
  of(userId: string, code: string, purpose: LinkPurpose): Promise<string>
  /** Under which the vault files an address. */
  lookupOf(email: string): string
}

export const openLinks = async (server: TestServer): Promise<Links> => {
  const vault = await openVaultOf(server)
  return {
    lookupOf: vault.lookupOf,
    async of(userId, code, purpose) {
      await untilProjected(server)
      const newest =
        'select id, occurred_at from read.auditlog where user_id = $1 and code = $2 order by sequence desc limit 1'
      const [event] = await sql(server, newest, [userId, code])
      if (event === undefined) throw new Error(`there is no ${code}`)
      return makeToken(vault.key('links'), purpose, {
        userId,
        eventId: String(event.id),
        at: (event.occurred_at as Date).getTime(),
      })
    },
  }
}

/** Its keys; the connection is closed again. */
const openVaultOf = async ({ database }: TestServer): Promise<Pick<Vault, 'key' | 'lookupOf'>> => {
  const pool = openPool(database.connection, { applicationName: 'links', max: 1, log: pino({ level: 'silent' }) })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  try {
    return await openVault(
      db,
      await loadMasterKey({ masterKey: TEST_MASTER_KEY, masterKeyFile: undefined, dataDir: '' }),
    )
  } finally {
    await db.destroy()
  }
}
