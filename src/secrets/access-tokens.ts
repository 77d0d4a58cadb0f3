/**
 * Access tokens of operators, analysts and auditors. A token names its row and proves it by 256 random bits, of which
 * only a hash is kept: whoever reads the table cannot use what is in it. A plain SHA-256 is enough for a secret that
 * nobody can guess. Every check reads the table, so a token revoked is refused at once, on every node.
 */
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { Kysely } from 'kysely'
import { stringify as formatUuid, parse as parseUuid } from 'uuid'
import type { Database } from '../platform/database.ts'

export const scopes = [
  'events:read',
  'events:pii',
  'audit:read',
  'audit:export',
  'projections:write',
  'admin:users',
] as const
export type Scope = (typeof scopes)[number]

export const isScope = (text: string): text is Scope => (scopes as readonly string[]).includes(text)

/** Who holds a token, as far as it concerns a request. */
export interface TokenHolder {
  readonly id: string
  readonly name: string
  readonly scopes: readonly Scope[]
}

export interface TokenRecord extends TokenHolder {
  readonly createdAt: Date
  /** To within an hour; null: never. */
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
}

export interface AccessTokens {
  /** `token`: the only time that it is told. Throws RangeError for a name that isTokenName refuses and for no scope. */
  create(name: string, scopes: readonly Scope[]): Promise<{ readonly token: string; readonly record: TokenRecord }>
  /** All, the oldest first, also revoked ones. */
  list(): Promise<readonly TokenRecord[]>
  /** For ever, and at once. Again is fine. false: there is no such token. */
  revoke(id: string): Promise<boolean>
  /** null: it is no token of ours, or was revoked. */
  check(token: string): Promise<TokenHolder | null>
  /** Whether a token that was good is still: for what goes on long after it was checked. */
  isValid(id: string): Promise<boolean>
}

/** Finds our tokens where they should not be: in source code, in logs, in mails. */
const PREFIX = 'strongroom_'
const UUID = 16
const SECRET = 32
const PATTERN = /^strongroom_[\w-]{64}$/
const USE_NOTED_EVERY_MS = 3_600_000

/** One line that a terminal and a table can show. */
export const isTokenName = (name: string): boolean => /^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u.test(name) && name.trim() !== ''

export const openAccessTokens = (db: Kysely<Database>, now: () => number): AccessTokens => ({
  async create(name, wanted) {
    if (!isTokenName(name)) throw new RangeError('the name of a token is one line of at most 100 characters')
    if (wanted.length === 0) throw new RangeError('a token without a scope is good for nothing')
    const id = randomUUID()
    const secret = randomBytes(SECRET)
    const row = await db
      .insertInto('vault.access_tokens')
      .values({
        id,
        name,
        scopes: scopes.filter((scope) => wanted.includes(scope)),
        hash: hashOf(secret),
        created_at: new Date(now()),
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    return { token: formatToken(id, secret), record: recordOf(row) }
  },
  async list() {
    const rows = await db.selectFrom('vault.access_tokens').selectAll().orderBy('created_at').orderBy('id').execute()
    return rows.map(recordOf)
  },
  async revoke(id) {
    const { numUpdatedRows } = await db
      .updateTable('vault.access_tokens')
      .set((eb) => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(new Date(now()))) }))
      .where('id', '=', id)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },
  async check(token) {
    const claim = parseToken(token)
    if (claim === null) return null
    const row = await db.selectFrom('vault.access_tokens').selectAll().where('id', '=', claim.id).executeTakeFirst()
    if (row === undefined || !isSame(hashOf(claim.secret), row.hash) || row.revoked_at !== null) return null
    await noteUse(db, row, now())
    return holderOf(row)
  },
  async isValid(id) {
    const row = await db.selectFrom('vault.access_tokens').select('revoked_at').where('id', '=', id).executeTakeFirst()
    return row !== undefined && row.revoked_at === null
  },
})

/** Once an hour at most: a write for every request would cost more than the answer. */
const noteUse = async (db: Kysely<Database>, row: Row, at: number): Promise<void> => {
  const due = new Date(at - USE_NOTED_EVERY_MS)
  if (row.last_used_at !== null && row.last_used_at > due) return
  await db
    .updateTable('vault.access_tokens')
    .set({ last_used_at: new Date(at) })
    .where('id', '=', row.id)
    .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<=', due)]))
    .execute()
}

interface Row {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly created_at: Date
  readonly last_used_at: Date | null
  readonly revoked_at: Date | null
}

/** A scope that another version of the program has made means nothing to this one. */
const holderOf = ({ id, name, scopes: granted }: Row): TokenHolder => ({
  id,
  name,
  scopes: scopes.filter((scope) => granted.includes(scope)),
})

const recordOf = (row: Row): TokenRecord => ({
  ...holderOf(row),
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
})

const hashOf = (secret: Buffer): string =>
  createHash('sha256').update('strongroom access token').update(secret).digest('base64url')

const isSame = (a: string, b: string): boolean => {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}

const formatToken = (id: string, secret: Buffer): string =>
  PREFIX + Buffer.concat([parseUuid(id), secret]).toString('base64url')

/** null: not a token of ours, whatever it is. 48 bytes fill 64 characters: one token has one spelling. */
const parseToken = (token: string): { readonly id: string; readonly secret: Buffer } | null => {
  if (!PATTERN.test(token)) return null
  const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url')
  try {
    return { id: formatUuid(bytes.subarray(0, UUID)), secret: bytes.subarray(UUID) }
  } catch {
    return null
  }
}
