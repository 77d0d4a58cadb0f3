import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CannotOpen } from '../../src/secrets/sealing.ts'
import { openSessionHash } from '../../src/secrets/session-hash.ts'
import { openVault, type Vault } from '../../src/secrets/vault.ts'
import { masterKeyOf, openVaultDatabase, type VaultDatabase } from './vault-database.ts'

const master = masterKeyOf(1)
let database: VaultDatabase
let vault: Vault

beforeAll(async () => {
  database = await openVaultDatabase()
  vault = await openVault(database.db, master)
})
afterAll(() => database.close())

/** Another process on the same database: nothing in its memory. */
const anotherProcess = (): Promise<Vault> => openVault(database.db, master)

let count = 0
const someLookup = (): string => vault.lookupOf(`person-${count++}@example.com`)

/** What the reactor of an erasure will do. */
const deleteUser = (userId: string) =>
  database.db.deleteFrom('vault.users').where('user_id', '=', userId).executeTakeFirstOrThrow()

describe('claiming an address', () => {
  it('files it under a new user, who has a key from then on', async () => {
    const lookup = someLookup()
    expect(await vault.findUser(lookup)).toBeNull()
    const { userId, fresh } = await vault.claim(lookup)
    expect(fresh).toBe(true)
    expect(await vault.findUser(lookup)).toBe(userId)
    expect(await vault.dataKey(userId)).toHaveLength(32)
  })

  it('adopts an earlier claim under the id that was claimed, with its key', async () => {
    const lookup = someLookup()
    const first = await vault.claim(lookup)
    const key = await vault.dataKey(first.userId)
    const later = await anotherProcess()
    expect(await later.claim(lookup)).toStrictEqual({ userId: first.userId, fresh: false })
    expect(await later.dataKey(first.userId)).toStrictEqual(key)
  })

  it('gives one id to all who claim one address at once, and calls one of them fresh', async () => {
    const lookup = someLookup()
    const vaults = [vault, await anotherProcess()]
    const claims = await Promise.all(Array.from({ length: 24 }, (_, n) => vaults[n % 2]?.claim(lookup)))
    expect(new Set(claims.map((claim) => claim?.userId)).size).toBe(1)
    expect(claims.filter((claim) => claim?.fresh)).toHaveLength(1)
  })

  it('gives different addresses different users with different keys', async () => {
    const claims = await Promise.all(Array.from({ length: 10 }, () => vault.claim(someLookup())))
    const keys = await Promise.all(claims.map(({ userId }) => vault.dataKey(userId)))
    expect(new Set(claims.map(({ userId }) => userId)).size).toBe(10)
    expect(new Set(keys.map((key) => key?.toString('hex'))).size).toBe(10)
  })

  it('gives an address that became free to somebody new', async () => {
    const lookup = someLookup()
    const { userId } = await vault.claim(lookup)
    await deleteUser(userId)
    const next = await vault.claim(lookup)
    expect(next.fresh).toBe(true)
    expect(next.userId).not.toBe(userId)
  })
})

describe('the look-up of an address', () => {
  it('is the same in every process, and different for every address', async () => {
    const other = await anotherProcess()
    expect(other.lookupOf('ada@example.com')).toBe(vault.lookupOf('ada@example.com'))
    expect(vault.lookupOf('ada@example.com')).not.toBe(vault.lookupOf('ada@example.org'))
  })

  it('is keyed: another installation has another one, so a list of addresses cannot be tried on a stolen table', async () => {
    const elsewhere = await openVaultDatabase()
    try {
      const other = await openVault(elsewhere.db, master)
      expect(other.lookupOf('ada@example.com')).not.toBe(vault.lookupOf('ada@example.com'))
    } finally {
      await elsewhere.close()
    }
  })
})

describe('the key of a person', () => {
  it('is null once the person was erased, in a process that never had it', async () => {
    const { userId } = await vault.claim(someLookup())
    await deleteUser(userId)
    expect(await (await anotherProcess()).dataKey(userId)).toBeNull()
  })

  it('is null once the person was erased and this process told to forget', async () => {
    const { userId } = await vault.claim(someLookup())
    expect(await vault.dataKey(userId)).not.toBeNull()
    await deleteUser(userId)
    vault.evict(userId)
    expect(await vault.dataKey(userId)).toBeNull()
  })

  it('is an error, not null, where the database fails: a fault must never look like an erasure', async () => {
    const { userId } = await vault.claim(someLookup())
    const broken = await openVaultDatabase()
    const other = await openVault(broken.db, master)
    await broken.close()
    await expect(other.dataKey(userId)).rejects.toThrow()
    await expect(other.dataKeys([userId])).rejects.toThrow()
    await expect(other.findUser(someLookup())).rejects.toThrow()
  })

  it('comes for many at once: each under its name, the erased ones absent, the doubled ones once', async () => {
    const [a, b, gone] = await Promise.all([1, 2, 3].map(() => vault.claim(someLookup())))
    if (a === undefined || b === undefined || gone === undefined) throw new Error('three claims give three users')
    await deleteUser(gone.userId)
    const fresh = await anotherProcess()
    const known = await fresh.dataKey(a.userId)
    const keys = await fresh.dataKeys([a.userId, b.userId, gone.userId, b.userId, randomUUID()])
    expect([...keys.keys()].sort()).toStrictEqual([a.userId, b.userId].sort())
    expect(keys.get(a.userId)).toStrictEqual(known)
    expect(keys.get(b.userId)).toStrictEqual(await vault.dataKey(b.userId))
    expect(await fresh.dataKeys([])).toStrictEqual(new Map())
  })

  it('does not open in the row of somebody else', async () => {
    const [a, b] = await Promise.all([1, 2].map(() => vault.claim(someLookup())))
    if (a === undefined || b === undefined) throw new Error('two claims give two users')
    const { wrapped_key } = await database.db
      .selectFrom('vault.users')
      .select('wrapped_key')
      .where('user_id', '=', a.userId)
      .executeTakeFirstOrThrow()
    await database.db.updateTable('vault.users').set({ wrapped_key }).where('user_id', '=', b.userId).execute()
    await expect((await anotherProcess()).dataKey(b.userId)).rejects.toThrow(CannotOpen)
  })

  it('lies in no row as it is', async () => {
    const { userId } = await vault.claim(someLookup())
    const key = await vault.dataKey(userId)
    const rows = JSON.stringify(await database.db.selectFrom('vault.users').selectAll().execute())
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      expect(rows).not.toContain(key?.toString(encoding))
    }
  })
})

describe('the keys of the installation', () => {
  it('are made once, also by many that start at once', async () => {
    const empty = await openVaultDatabase()
    try {
      const vaults = await Promise.all(Array.from({ length: 8 }, () => openVault(empty.db, master)))
      expect(new Set(vaults.map((each) => each.key('session-hash').toString('hex'))).size).toBe(1)
      expect(new Set(vaults.map((each) => each.lookupOf('ada@example.com'))).size).toBe(1)
    } finally {
      await empty.close()
    }
  })

  it('are each for one purpose', () => {
    const names = ['email-lookup', 'session-hash', 'request-hash', 'sealed-tokens'] as const
    expect(new Set(names.map((name) => vault.key(name).toString('hex'))).size).toBe(4)
  })

  it('are refused to another master key, which is told apart by its name and gets the advice', async () => {
    const wrong = masterKeyOf(2)
    const opening = openVault(database.db, wrong)
    await expect(opening).rejects.toThrow(CannotOpen)
    await expect(openVault(database.db, wrong)).rejects.toThrow(
      `the vault was written under master key ${master.id}, and the one given is ${wrong.id}`,
    )
    expect(await anotherProcess()).toBeDefined()
  })

  it('are not added to by a start under another master key, which would shut out the right one for good', async () => {
    await database.db.deleteFrom('vault.keys').where('name', '=', 'request-hash').execute()
    await expect(openVault(database.db, masterKeyOf(2))).rejects.toThrow(CannotOpen)
    expect(await anotherProcess()).toBeDefined()
  })

  it('are refused where the name of the master key is right and the key is not', async () => {
    await expect(openVault(database.db, { ...masterKeyOf(3), id: master.id })).rejects.toThrow(CannotOpen)
  })
})

describe('the hash of a session', () => {
  it('is the same in every process, different for every session, and is not the id', async () => {
    const hash = openSessionHash(vault)
    const id = randomUUID()
    expect(hash(id)).toMatch(/^[0-9a-f]{40}$/)
    expect(openSessionHash(await anotherProcess())(id)).toBe(hash(id))
    expect(hash(randomUUID())).not.toBe(hash(id))
    expect(hash(id)).not.toContain(id.slice(0, 8))
  })
})

describe('a person who is being erased', () => {
  it('has no key here any more, also while the row is still there, and nobody else is without', async () => {
    const [gone, other] = [await vault.claim(someLookup()), await vault.claim(someLookup())]
    const fresh = await anotherProcess()
    fresh.evict(gone.userId)
    expect(await fresh.dataKey(gone.userId)).toBeNull()
    expect([...(await fresh.dataKeys([gone.userId, other.userId])).keys()]).toEqual([other.userId])
  })

  it('has none at hand either, whether it was held before or not', async () => {
    const { userId } = await vault.claim(someLookup())
    const fresh = await anotherProcess()
    expect(fresh.heldKey(userId)).toBeUndefined()
    const key = await fresh.dataKey(userId)
    expect(fresh.heldKey(userId)).toStrictEqual(key)
    fresh.evict(userId)
    expect(fresh.heldKey(userId)).toBeUndefined()
  })

  it('whose key was on its way when it was evicted, leaves none behind', async () => {
    const { userId } = await vault.claim(someLookup())
    const fresh = await anotherProcess()
    const fetching = [fresh.dataKey(userId), fresh.dataKeys([userId])]
    fresh.evict(userId)
    await Promise.all(fetching)
    expect(await fresh.dataKey(userId)).toBeNull()
  })

  it('is looked up again where the process cannot know what it missed, also what was on its way', async () => {
    const [held, fetched] = [await vault.claim(someLookup()), await vault.claim(someLookup())]
    const fresh = await anotherProcess()
    await fresh.dataKey(held.userId)
    const fetching = fresh.dataKey(fetched.userId)
    fresh.evictAll()
    await fetching
    await deleteUser(held.userId)
    await deleteUser(fetched.userId)
    expect(await fresh.dataKey(held.userId)).toBeNull()
    expect(await fresh.dataKey(fetched.userId)).toBeNull()
  })
})

const waitingForLocks = async (): Promise<number> => {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0]?.count ?? 0
}

describe('a legal hold', () => {
  it('stands until it is lifted, for every process', async () => {
    const { userId } = await vault.claim(someLookup())
    const elsewhere = await anotherProcess()
    const stands = () => elsewhere.withLegalHold(userId, async (hold) => hold.stands)
    expect(await stands()).toBe(false)
    await vault.withLegalHold(userId, (hold) => hold.set(true))
    expect(await stands()).toBe(true)
    await vault.withLegalHold(userId, (hold) => hold.set(false))
    expect(await stands()).toBe(false)
  })

  it('is what it is for as long as somebody acts upon it, in this process and in others', async () => {
    const { userId } = await vault.claim(someLookup())
    const elsewhere = await anotherProcess()
    const order: string[] = []
    let release = (): void => {}
    let entered = (): void => {}
    const inside = new Promise<void>((resolve) => {
      entered = resolve
    })
    const erasing = vault.withLegalHold(userId, async ({ stands }) => {
      entered()
      await new Promise<void>((resolve) => {
        release = resolve
      })
      order.push(`erased, hold ${stands}`)
    })
    await inside
    const holding = [vault, elsewhere].map((each) =>
      each.withLegalHold(userId, async (hold) => {
        order.push('held')
        await hold.set(true)
      }),
    )
    // Filing an address needs not wait for it.
    expect(await elsewhere.claimAnother(userId, someLookup())).toBe(true)
    await vi.waitFor(async () => expect((await waitingForLocks()) + order.length).toBe(1))
    release()
    await Promise.all([erasing, ...holding])
    expect(order).toEqual(['erased, hold false', 'held', 'held'])
  })

  it('is not set by work that fails, and what comes after is not kept waiting', async () => {
    const { userId } = await vault.claim(someLookup())
    const failing = vault.withLegalHold(userId, async (hold) => {
      await hold.set(true)
      throw new Error('it cannot be')
    })
    await expect(failing).rejects.toThrow('it cannot be')
    expect(await vault.withLegalHold(userId, async (hold) => hold.stands)).toBe(false)
  })

  it('of nobody does not stand', async () => {
    expect(await vault.withLegalHold(randomUUID(), async (hold) => hold.stands)).toBe(false)
  })
})
