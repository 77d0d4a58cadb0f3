import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { initialState } from '../../src/account/state.ts'
import { type Accounts, openAccounts, streamOf } from '../../src/accounts/accounts.ts'
import { FOLD } from '../../src/accounts/snapshot.ts'
import { openSnapshots, type Snapshots } from '../../src/accounts/snapshots.ts'
import { deleteFromVault } from '../../src/erasure/vault-rows.ts'
import { openVault, type Vault } from '../../src/secrets/vault.ts'
import { masterKeyOf, openVaultDatabase, type VaultDatabase } from '../secrets/vault-database.ts'
import { HeldStore, someEvent } from './held-store.ts'

const NOON = '2026-03-01T12:00:00.000Z'
const log = pino({ level: 'silent' })
let database: VaultDatabase
let vault: Vault

beforeAll(async () => {
  database = await openVaultDatabase()
  vault = await openVault(database.db, masterKeyOf(1))
})
afterAll(() => database.close())

let count = 0
const someUser = async (): Promise<string> => {
  const { userId } = await vault.claim(vault.lookupOf(`person-${count++}@example.com`))
  return userId
}

/** A person with so many events; `events` logs in and out in turn. */
const setUp = async (events: number, userId?: string) => {
  const user = userId ?? (await someUser())
  const store = new HeldStore()
  store.holding = false
  let revision: bigint | 'none' = 'none'
  const append = async (type: string, data: Parameters<typeof someEvent>[2] = {}): Promise<string> => {
    const event = someEvent(randomUUID(), type, data, NOON)
    revision = (await store.append(streamOf(user), [event], revision)).revision
    return event.id
  }
  const live = async (many: number) => {
    for (let n = 0; n < many; n++) {
      await append('user:logged_in', { sessionId: randomUUID(), method: 'password' })
    }
  }
  await append('user:registered')
  await live(events - 1)
  return { user, store, append, live }
}

const newProcess = (store: HeldStore): { accounts: Accounts; snapshots: Snapshots } => {
  const snapshots = openSnapshots({ db: database.db, vault, log })
  return { accounts: openAccounts(store, snapshots), snapshots }
}

const rowOf = (user: string) =>
  database.db.selectFrom('vault.snapshots').selectAll().where('user_id', '=', user).executeTakeFirst()

const written = (user: string, revision: bigint) =>
  vi.waitFor(async () => expect((await rowOf(user))?.revision).toBe(String(revision)))

/** Loads in a process that knows nothing, and tells where it began to read. */
const loadAnew = async (store: HeldStore, user: string) => {
  store.reads.length = 0
  const { accounts, snapshots } = newProcess(store)
  const account = await accounts.load(user)
  await snapshots.close()
  return { account, from: store.reads.map(({ from }) => from) }
}

const withSnapshot = async (events = 150) => {
  const person = await setUp(events)
  const { account } = { account: await newProcess(person.store).accounts.load(person.user) }
  await written(person.user, BigInt(events - 1))
  return { ...person, account }
}

describe('a long account', () => {
  it('is folded from its snapshot by a process that has never seen it, and is the same', async () => {
    const { user, store, account, live } = await withSnapshot()
    expect(await loadAnew(store, user)).toStrictEqual({ account, from: [149n] })
    await live(5)
    const { account: later, from } = await loadAnew(store, user)
    expect(from).toStrictEqual([149n])
    expect(later).toStrictEqual(await openAccounts(store).load(user))
  })

  it('gets the next snapshot about a hundred events later, and none in between', async () => {
    const { user, store, live } = await withSnapshot()
    const { accounts } = newProcess(store)
    await live(100)
    await accounts.load(user)
    await live(1)
    const { revision } = await accounts.load(user)
    expect(revision).toBe(250n)
    await written(user, 250n)
  })

  it('of no more than a hundred events gets none', async () => {
    const { user, store } = await setUp(100)
    const { accounts, snapshots } = newProcess(store)
    await accounts.load(user)
    await snapshots.close()
    expect(await rowOf(user)).toBeUndefined()
  })
})

describe('a snapshot that cannot be used', () => {
  it.each([
    ['sealed text', { sealed: `v1.${'A'.repeat(80)}` }],
    ['revision', { revision: '120' }],
    ['event', { event_id: randomUUID() }],
  ])('for its %s was changed is ignored and replaced', async (_, change) => {
    const { user, store, account } = await withSnapshot()
    await database.db.updateTable('vault.snapshots').set(change).where('user_id', '=', user).execute()
    expect(await loadAnew(store, user)).toStrictEqual({ account, from: [0n] })
    await newProcess(store).accounts.load(user)
    await vi.waitFor(async () => expect((await loadAnew(store, user)).from).toStrictEqual([149n]))
  })

  it('for it is another person’s lets nobody in', async () => {
    const mine = await withSnapshot()
    const theirs = await withSnapshot()
    const row = await rowOf(theirs.user)
    if (row === undefined) throw new Error('no snapshot')
    const { user_id: _, ...rest } = row
    await database.db.updateTable('vault.snapshots').set(rest).where('user_id', '=', mine.user).execute()
    expect(await loadAnew(mine.store, mine.user)).toStrictEqual({ account: mine.account, from: [0n] })
  })

  it('for the store is another one, or was restored to before it, is ignored and replaced', async () => {
    const { user } = await withSnapshot()
    for (const events of [150, 20]) {
      const other = await setUp(events, user)
      const { account, from } = await loadAnew(other.store, user)
      expect(from).toStrictEqual([149n, 0n])
      expect(account).toStrictEqual(await openAccounts(other.store).load(user))
      await newProcess(other.store).accounts.load(user)
      await written(user, BigInt(events - 1))
      await database.db.deleteFrom('vault.snapshots').where('user_id', '=', user).execute()
      await withSnapshotOf(user)
    }
  })

  it('for another version of the program made it is left alone until one is due', async () => {
    const { user, store, account } = await withSnapshot()
    await database.db.updateTable('vault.snapshots').set({ fold: 'another' }).where('user_id', '=', user).execute()
    expect(await loadAnew(store, user)).toStrictEqual({ account, from: [0n] })
    await newProcess(store).accounts.load(user)
    await vi.waitFor(async () => expect((await rowOf(user))?.fold).toBe(FOLD))
  })

  it('for the database does not answer holds nothing up', async () => {
    const { user, store, account } = await withSnapshot()
    const broken = { dataKey: () => Promise.reject(new Error('away')) }
    const accounts = openAccounts(store, openSnapshots({ db: database.db, vault: broken, log }))
    expect(await accounts.load(user)).toStrictEqual(account)
  })
})

/** A snapshot at revision 149 of a history that is gone. */
const withSnapshotOf = async (user: string): Promise<void> => {
  const snapshots = openSnapshots({ db: database.db, vault, log })
  snapshots.offer(user, { state: { ...initialState, status: 'active' }, revision: 149n, eventId: randomUUID() })
  await written(user, 149n)
}

describe('an erasure', () => {
  it('takes the snapshot, and none comes after it', async () => {
    const { user, store } = await withSnapshot()
    const snapshots = openSnapshots({ db: database.db, vault, log })
    await deleteFromVault(async (text, values) => (await database.pool.query(text, [...values])).rows, [user])
    expect(await rowOf(user)).toBeUndefined()
    // The key is still in the memory of this vault, as it can be in a process that has not heard yet.
    expect(await vault.dataKey(user)).not.toBeNull()
    snapshots.offer(user, { state: initialState, revision: 200n, eventId: randomUUID() })
    await newProcess(store).accounts.load(user)
    await new Promise(setImmediate)
    await snapshots.close()
    expect(await rowOf(user)).toBeUndefined()
  })

  it('is no state to keep', async () => {
    const { user, store, append } = await setUp(150)
    await append('user:erased')
    const { accounts, snapshots } = newProcess(store)
    expect((await accounts.load(user)).state.status).toBe('erased')
    await new Promise(setImmediate)
    await snapshots.close()
    expect(await rowOf(user)).toBeUndefined()
  })
})

describe('writing snapshots', () => {
  it('is done for one user one after the other, for few users at once, and for the latest state', async () => {
    const users = [await someUser(), await someUser(), await someUser()]
    const asked: string[] = []
    const gates: (() => void)[] = []
    const held: Pick<Vault, 'dataKey'> = {
      async dataKey(userId) {
        asked.push(userId)
        await new Promise<void>((resolve) => gates.push(resolve))
        return vault.dataKey(userId)
      },
    }
    const snapshots = openSnapshots({ db: database.db, vault: held, log })
    const offer = (user: string, revision: bigint) =>
      snapshots.offer(user, { state: initialState, revision, eventId: randomUUID() })
    const [first = '', second = '', third = ''] = users
    for (const user of users) offer(user, 1n)
    await vi.waitFor(() => expect(asked).toStrictEqual([first, second]))
    for (const revision of [2n, 3n, 4n]) offer(first, revision)
    expect(asked).toHaveLength(2)
    gates[0]?.()
    await vi.waitFor(() => expect(asked).toStrictEqual([first, second, third]))
    for (const open of gates.slice(1)) open()
    await vi.waitFor(() => expect(asked).toStrictEqual([first, second, third, first]))
    gates.at(-1)?.()
    await written(first, 4n)
    await snapshots.close()
    offer(second, 9n)
    await new Promise(setImmediate)
    expect(asked).toHaveLength(4)
  })
})
