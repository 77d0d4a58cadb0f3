/** Access tokens for tests, made as `npm run token` makes them. */
import { Kysely, PostgresDialect } from 'kysely'
import { pino } from 'pino'
import type { Database } from '../../src/platform/database.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { type AccessTokens, openAccessTokens, type Scope } from '../../src/secrets/access-tokens.ts'
import type { TestServer } from '../support/server.ts'

export interface TestToken {
  readonly id: string
  readonly headers: { readonly Authorization: string }
}

export const makeToken = (server: Pick<TestServer, 'database'>, scopes: readonly Scope[]): Promise<TestToken> =>
  withTokens(server, async (tokens) => {
    const { token, record } = await tokens.create('a test', scopes)
    return { id: record.id, headers: { Authorization: `Bearer ${token}` } }
  })

export const revokeToken = (server: Pick<TestServer, 'database'>, { id }: TestToken): Promise<boolean> =>
  withTokens(server, (tokens) => tokens.revoke(id))

const withTokens = async <T>(
  { database }: Pick<TestServer, 'database'>,
  work: (tokens: AccessTokens) => Promise<T>,
): Promise<T> => {
  const log = pino({ level: 'silent' })
  const pool = openPool(database.connection, { applicationName: 'tokens', max: 1, log })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  try {
    return await work(openAccessTokens(db, Date.now))
  } finally {
    await db.destroy()
  }
}
