import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UnreadableEvent } from '../../src/account/upcast.ts'
import { type Account, type Accounts, openAccounts, streamOf, userOf } from '../../src/accounts/accounts.ts'
import { StoreUnavailable } from '../../src/event-store/port.ts'
import { HeldStore, someEvent } from './held-store.ts'

const USER = '0a000000-0000-4000-8000-000000000001'
const OTHER = '0a000000-0000-4000-8000-000000000002'
const NOON = '2026-03-01T12:00:00.000Z'

const setUp = (holding = true) => {
  const store = new HeldStore()
  store.holding = holding
  const revisions = new Map<string, bigint>()
  /** Appended and acknowledged when it resolves. */
  const append = async (type: string, data: Parameters<typeof someEvent>[2] = {}, user = USER): Promise<bigint> => {
    const expected = revisions.get(user) ?? 'none'
    const event = someEvent(randomUUID(), type, data, NOON)
    const { revision } = await store.append(streamOf(user), [event], expected)
    revisions.set(user, revision)
    return revision
  }
  const logIn = (user = USER) => append('user:logged_in', { sessionId: randomUUID(), method: 'password' }, user)
  return { store, accounts: openAccounts(store), append, logIn }
}

/** All that can happen without the store's answer has happened. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await turn()
}

const answerAll = async (store: HeldStore): Promise<void> => {
  for (let answered = 0; answered < store.reads.length; answered++) {
    store.reads[answered]?.answer()
    await settle()
  }
}

const revisionsOf = (accounts: readonly Account[]) => accounts.map(({ revision }) => revision)

describe('loading an account', () => {
  it('folds its events, and knows the revision and position of the last', async () => {
    const { accounts, append, logIn } = setUp(false)
    await append('user:registered', {}, OTHER)
    await append('user:registered')
    await logIn()
    const account = await accounts.load(USER)
    expect(account.userId).toBe(USER)
    expect(account.revision).toBe(1n)
    expect(account.position).toBe(3n)
    expect(account.state.status).toBe('active')
    expect(account.state.sessions).toHaveLength(1)
  })

  it('finds nothing where there is nothing', async () => {
    const { accounts } = setUp(false)
    expect(await accounts.load(USER)).toMatchObject({ revision: 'none', position: null, state: { status: 'none' } })
  })

  it('reads the whole history once, and only what was appended since from then on', async () => {
    const { store, accounts, append, logIn } = setUp(false)
    await append('user:registered')
    await logIn()
    await accounts.load(USER)
    await accounts.load(USER)
    await logIn()
    const account = await accounts.load(USER)
    await accounts.load(USER)
    expect(store.reads.map(({ from }) => from)).toStrictEqual([0n, 2n, 2n, 3n])
    expect(account.state.sessions).toHaveLength(2)
  })

  it('never skips the read: it cannot know what others have written', async () => {
    const { store, accounts, append } = setUp(false)
    await append('user:registered')
    const known = await accounts.load(USER)
    expect(await accounts.load(USER)).toBe(known)
    expect(store.reads).toHaveLength(2)
  })

  it('begins anew after an eviction', async () => {
    const { store, accounts, append } = setUp(false)
    await append('user:registered')
    await accounts.load(USER)
    accounts.evict(USER)
    const account = await accounts.load(USER)
    expect(store.reads.map(({ from }) => from)).toStrictEqual([0n, 0n])
    expect(account.revision).toBe(0n)
  })

  it('refuses what it cannot read, each time, rather than to leave it out', async () => {
    const { accounts, append } = setUp(false)
    await append('user:registered')
    await append('user:teleported')
    await expect(accounts.load(USER)).rejects.toThrow(UnreadableEvent)
    await append('user:registered')
    await expect(accounts.load(USER)).rejects.toThrow(UnreadableEvent)
  })
})

describe('reads that are shared', () => {
  it('are never joined by a request that came after they were sent: what was acknowledged before it is seen', async () => {
    const { store, accounts, append, logIn } = setUp()
    await append('user:registered')
    const early = accounts.load(USER)
    const revoked = await logIn()
    const late = accounts.load(USER)
    await settle()
    expect(store.reads).toHaveLength(1)
    store.reads[0]?.answer()
    expect((await early).revision).toBe(0n)
    await settle()
    expect(store.reads).toHaveLength(2)
    store.reads[1]?.answer()
    expect((await late).revision).toBe(revoked)
  })

  it('are one for ten newcomers, all behind the one that runs', async () => {
    const { store, accounts, append, logIn } = setUp()
    await append('user:registered')
    const first = accounts.load(USER)
    const newcomers = Array.from({ length: 10 }, () => accounts.load(USER))
    const last = await logIn()
    await answerAll(store)
    expect(store.reads).toHaveLength(2)
    expect((await first).revision).toBe(0n)
    expect(revisionsOf(await Promise.all(newcomers))).toStrictEqual(Array(10).fill(last))
  })

  it('wait for the next one again, once the waiting one was sent', async () => {
    const { store, accounts, append, logIn } = setUp()
    await append('user:registered')
    const first = accounts.load(USER)
    const second = accounts.load(USER)
    store.reads[0]?.answer()
    await first
    await settle()
    expect(store.reads).toHaveLength(2)
    const acknowledged = await logIn()
    const third = accounts.load(USER)
    store.reads[1]?.answer()
    expect((await second).revision).toBe(0n)
    await settle()
    store.reads[2]?.answer()
    expect((await third).revision).toBe(acknowledged)
    expect(store.reads).toHaveLength(3)
  })

  it('hold nobody up who asks for another account', async () => {
    const { store, accounts, append } = setUp()
    await append('user:registered')
    await append('user:registered', {}, OTHER)
    const held = accounts.load(USER)
    const other = accounts.load(OTHER)
    store.reads.find(({ stream }) => stream === streamOf(OTHER))?.answer()
    expect((await other).revision).toBe(0n)
    store.reads[0]?.answer()
    await held
  })

  it('fail for those that shared them, and for nobody after', async () => {
    const { store, accounts, append, logIn } = setUp()
    await append('user:registered')
    const first = accounts.load(USER)
    const waiting = [accounts.load(USER), accounts.load(USER)]
    const failure = new StoreUnavailable('notCommitted')
    store.reads[0]?.fail(failure)
    await expect(first).rejects.toBe(failure)
    await settle()
    store.reads[1]?.fail(failure)
    for (const each of waiting) await expect(each).rejects.toBe(failure)
    const last = await logIn()
    const next = accounts.load(USER)
    await settle()
    store.reads[2]?.answer()
    expect((await next).revision).toBe(last)
  })

  it('answer the one behind a failure', async () => {
    const { store, accounts, append } = setUp()
    await append('user:registered')
    const first = accounts.load(USER)
    const second = accounts.load(USER)
    store.reads[0]?.fail(new StoreUnavailable('notCommitted'))
    await expect(first).rejects.toThrow(StoreUnavailable)
    await settle()
    store.reads[1]?.answer()
    expect((await second).revision).toBe(0n)
  })

  it('leave no half of a history behind when they break off', async () => {
    const { store, accounts, append, logIn } = setUp(false)
    await append('user:registered')
    await logIn()
    store.corruptEvent(streamOf(USER), 1n)
    await expect(accounts.load(USER)).rejects.toThrow()
    await expect(accounts.load(USER)).rejects.toThrow()
    expect(store.reads.map(({ from }) => from)).toStrictEqual([0n, 0n])
  })

  it('show every request all that was acknowledged before it came, in any order of things', async () => {
    const step = fc.constantFrom('append', 'load', 'load', 'answer', 'fail', 'evict', 'turn')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const { store, accounts, append, logIn } = setUp()
        let acknowledged = await append('user:registered')
        let answered = 0
        const loads: { readonly atLeast: bigint; readonly result: Promise<Account | null> }[] = []
        for (const each of steps) {
          if (each === 'append') acknowledged = await logIn()
          if (each === 'load') loads.push({ atLeast: acknowledged, result: orNull(accounts, USER) })
          if (each === 'answer') store.reads[answered++]?.answer()
          if (each === 'fail') store.reads[answered++]?.fail(new StoreUnavailable('notCommitted'))
          if (each === 'evict') accounts.evict(USER)
          if (each === 'turn') await settle()
        }
        await answerAll(store)
        for (const { atLeast, result } of loads) {
          const account = await result
          if (account === null) continue
          expect(account.revision).toBeGreaterThanOrEqual(atLeast)
          expect(account.state.sessions).toHaveLength(Number(account.revision))
        }
        expect(store.reads.length).toBeLessThanOrEqual(loads.length)
      }),
      { numRuns: 150 },
    )
  })
})

const orNull = (accounts: Accounts, userId: string): Promise<Account | null> =>
  accounts.load(userId).catch((error: unknown) => {
    if (error instanceof StoreUnavailable) return null
    throw error
  })

describe('the name of a stream', () => {
  it('is that of its user, there and back, and of nobody where it is another kind of stream', () => {
    expect(streamOf(USER)).toBe(`user-${USER}`)
    expect(userOf(streamOf(USER))).toBe(USER)
    expect(userOf('access-1234')).toBeNull()
    expect(userOf('superuser-1234')).toBeNull()
  })
})
