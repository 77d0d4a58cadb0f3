/**
 * The vault holds what the events must not: each user's data key, wrapped under the master key, and the keyed look-up
 * from an e-mail address to a user. Deleting a user's row makes every box of that user unreadable for ever.
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { Database } from '../platform/database.ts'
import type { MasterKey } from './master-key.ts'
import { CannotOpen, open, seal } from './sealing.ts'

/** Keys of the whole installation, each random, wrapped, and for one purpose. Never rotated: what they keyed stays. */
const keyNames = ['email-lookup', 'session-hash', 'request-hash', 'sealed-tokens', 'links'] as const
export type KeyName = (typeof keyNames)[number]

export interface Claim {
  readonly userId: string
  /** false: the address belonged to this user id before. */
  readonly fresh: boolean
}

export interface Vault {
  key(name: KeyName): Buffer
  /** The keyed hash under which an address is filed; also names it in throttles. */
  lookupOf(email: string): string
  findUser(lookup: string): Promise<string | null>
  /** Files the address under a new random user id, or returns the id that has it. */
  claim(lookup: string): Promise<Claim>
  /** Files another address under a user id that is there. false: it belongs to somebody else, or the user is gone. */
  claimAnother(userId: string, lookup: string): Promise<boolean>
  /** Gives up all addresses of a user but this one. */
  keepOnly(userId: string, lookup: string): Promise<void>
  /** null: the person was erased, and the key with them. Never null because of a fault: that throws. */
  dataKey(userId: string): Promise<Buffer | null>
  /** As `dataKey`, of a key that this process has at hand; undefined: it has to be asked for. */
  heldKey(userId: string): Buffer | undefined
  /** The same for many at once. Erased ones are absent. */
  dataKeys(userIds: readonly string[]): Promise<ReadonlyMap<string, Buffer>>
  /** The person is being erased: from now on there is no key for them here, also while its row is still there. */
  evict(userId: string): void
  /** Erasures may have gone unheard: looks each key up again. */
  evictAll(): void
  /**
   * Does the work while the legal hold on a user stays what it is: nobody sets or lifts another one before it has ended.
   * Throws what the work throws.
   */
  withLegalHold<T>(userId: string, work: (hold: LegalHold) => Promise<T>): Promise<T>
}

export interface LegalHold {
  readonly stands: boolean
  /** Takes effect when the work ends. Of a user without a row it does nothing. */
  set(stands: boolean): Promise<void>
}

const CACHED_KEYS = 20_000
/** A belt for `evict`: however a person's erasure reaches this process, the key is not used for longer. */
const CACHED_MS = 300_000
/** By then the row of the one that falls out is long gone. */
const REMEMBERED_GONE = 100_000

/** Throws CannotOpen where the vault was written under another master key. */
export const openVault = async (db: Kysely<Database>, master: MasterKey): Promise<Vault> => {
  const named = await loadNamedKeys(db, master)
  const cache = new LRUCache<string, Buffer>({ max: CACHED_KEYS, ttl: CACHED_MS })
  const gone = new LRUCache<string, true>({ max: REMEMBERED_GONE })
  let evictions = 0
  let holding: Promise<unknown> = Promise.resolve()
  const key = (name: KeyName): Buffer => {
    const value = named.get(name)
    if (value === undefined) throw new Error(`the vault has no key ${name}`)
    return value
  }

  /** What is asked for while a key is evicted was read before: it may be used once more, and must not stay. */
  const fetchKeys = async (userIds: readonly string[]): Promise<ReadonlyMap<string, Buffer>> => {
    if (userIds.length === 0) return new Map()
    const before = evictions
    const rows = await db
      .selectFrom('vault.users')
      .select(['user_id', 'wrapped_key', 'master_key_id'])
      .where('user_id', 'in', userIds)
      .execute()
    const keys = new Map(rows.map((row) => [row.user_id, unwrap(master, row, row.user_id)]))
    if (before === evictions) for (const [userId, value] of keys) cache.set(userId, value)
    return keys
  }

  const keysOf = async (userIds: readonly string[]): Promise<ReadonlyMap<string, Buffer>> => {
    const held = new Map(userIds.flatMap((userId) => pairIfThere(userId, cache.get(userId))))
    const fetched = await fetchKeys(userIds.filter((userId) => !held.has(userId) && !gone.has(userId)))
    return new Map([...held, ...fetched].filter(([userId]) => !gone.has(userId)))
  }

  const vault: Vault = {
    key,
    lookupOf: (email) => createHmac('sha256', key('email-lookup')).update(email).digest('hex'),
    async findUser(lookup) {
      const row = await db
        .selectFrom('vault.addresses')
        .select('user_id')
        .where('email_lookup', '=', lookup)
        .executeTakeFirst()
      return row?.user_id ?? null
    },
    async claim(lookup) {
      const userId = randomUUID()
      const isOurs = await db.transaction().execute(async (trx) => {
        await trx
          .insertInto('vault.users')
          .values({ user_id: userId, ...wrap(master, randomBytes(32), userId) })
          .execute()
        if (await insertAddress(trx, userId, lookup)) return true
        await trx.deleteFrom('vault.users').where('user_id', '=', userId).execute()
        return false
      })
      if (isOurs) return { userId, fresh: true }
      const holder = await vault.findUser(lookup)
      // Erased between the two statements: the address is free again.
      return holder === null ? vault.claim(lookup) : { userId: holder, fresh: false }
    },
    async claimAnother(userId, lookup) {
      const isThere = await db
        .selectFrom('vault.users')
        .select('user_id')
        .where('user_id', '=', userId)
        .executeTakeFirst()
      if (isThere === undefined) return false
      return (await insertAddress(db, userId, lookup)) || (await vault.findUser(lookup)) === userId
    },
    async keepOnly(userId, lookup) {
      await db.deleteFrom('vault.addresses').where('user_id', '=', userId).where('email_lookup', '<>', lookup).execute()
    },
    async dataKey(userId) {
      return (await keysOf([userId])).get(userId) ?? null
    },
    heldKey: (userId) => (gone.has(userId) ? undefined : cache.get(userId)),
    async dataKeys(userIds) {
      return keysOf([...new Set(userIds)])
    },
    evict(userId) {
      evictions += 1
      gone.set(userId, true)
      cache.delete(userId)
    },
    evictAll() {
      evictions += 1
      cache.clear()
    },
    withLegalHold(userId, work) {
      // One at a time: each holds a connection of the pool while its work takes others.
      const turn = holding.then(() => underLock(db, userId, work))
      holding = turn.catch(() => {})
      return turn
    },
  }
  return vault
}

const underLock = <T>(db: Kysely<Database>, userId: string, work: (hold: LegalHold) => Promise<T>): Promise<T> =>
  db.transaction().execute(async (trx) => {
    // Weaker than FOR UPDATE, so that filing an address of the user needs not wait.
    const row = await trx
      .selectFrom('vault.users')
      .select('legal_hold')
      .where('user_id', '=', userId)
      .forNoKeyUpdate()
      .executeTakeFirst()
    return work({
      stands: row?.legal_hold ?? false,
      async set(stands) {
        await trx.updateTable('vault.users').set({ legal_hold: stands }).where('user_id', '=', userId).execute()
      },
    })
  })

/** Whether it was free. */
const insertAddress = async (db: Kysely<Database>, userId: string, lookup: string): Promise<boolean> => {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('vault.addresses')
    .values({ email_lookup: lookup, user_id: userId })
    .onConflict((conflict) => conflict.column('email_lookup').doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

const pairIfThere = (userId: string, key: Buffer | undefined): readonly (readonly [string, Buffer])[] =>
  key === undefined ? [] : [[userId, key]]

/** What is there is opened before anything is added: a start under a wrong master key must leave no trace. */
const loadNamedKeys = (db: Kysely<Database>, master: MasterKey): Promise<ReadonlyMap<string, Buffer>> =>
  db.transaction().execute(async (trx) => {
    const known = await trx.selectFrom('vault.keys').selectAll().execute()
    for (const row of known) unwrap(master, row, row.name)
    const missing = keyNames.filter((name) => !known.some((row) => row.name === name))
    if (missing.length > 0) {
      await trx
        .insertInto('vault.keys')
        .values(missing.map((name) => ({ name, ...wrap(master, randomBytes(32), name) })))
        .onConflict((conflict) => conflict.column('name').doNothing())
        .execute()
    }
    const rows = await trx.selectFrom('vault.keys').selectAll().execute()
    return new Map(rows.map((row) => [row.name, unwrap(master, row, row.name)]))
  })

interface Wrapped {
  readonly wrapped_key: string
  readonly master_key_id: string
}

const placeOf = (owner: string): string => JSON.stringify(['strongroom data key', owner])

const wrap = (master: MasterKey, key: Buffer, owner: string): Wrapped => ({
  wrapped_key: seal(master.key, key, placeOf(owner)),
  master_key_id: master.id,
})

const unwrap = (master: MasterKey, row: Wrapped, owner: string): Buffer => {
  if (row.master_key_id !== master.id) {
    throw new CannotOpen(
      `the vault was written under master key ${row.master_key_id}, and the one given is ${master.id}: ` +
        'give the master key that belongs to this database',
    )
  }
  return open(master.key, row.wrapped_key, placeOf(owner))
}
