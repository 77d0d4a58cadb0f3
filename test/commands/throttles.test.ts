import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decide } from '../../src/account/decide.ts'
import { type AccountState, evolve } from '../../src/account/state.ts'
import { countedFailures } from '../../src/account/throttle.ts'
import { openThrottles, type Throttles } from '../../src/commands/throttles.ts'
import { given, LIMITS, minutes, START, toAccountEvent } from '../account/given.ts'
import { logInWith, registered } from '../account/stories.ts'
import { openVaultDatabase, type VaultDatabase } from '../secrets/vault-database.ts'

const limits = { ...LIMITS, lockAfterFailures: 3 }
let database: VaultDatabase
let throttles: Throttles
beforeAll(async () => {
  database = await openVaultDatabase()
  throttles = openThrottles(database.db, limits)
})
afterAll(() => database.close())

let count = 0
const someLookup = (): string => `look-up ${count++}`
const open = (failures: number) => ({ failures, lockedUntil: 0 })

describe('an address without an account', () => {
  it('is open until somebody fails', async () => {
    expect(await throttles.standing(someLookup(), START)).toStrictEqual(open(0))
  })

  it('locks at the limit, for its time, and then begins anew', async () => {
    const lookup = someLookup()
    expect(await throttles.fail(lookup, START)).toStrictEqual(open(0))
    expect(await throttles.fail(lookup, START)).toStrictEqual(open(1))
    expect(await throttles.fail(lookup, START)).toStrictEqual(open(2))
    const lockedUntil = START + limits.lockMs
    expect(await throttles.standing(lookup, START)).toStrictEqual({ failures: 0, lockedUntil })
    expect(await throttles.standing(lookup, lockedUntil - 1)).toStrictEqual({ failures: 0, lockedUntil })
    expect(await throttles.standing(lookup, lockedUntil)).toStrictEqual(open(0))
  })

  it('does not lock for longer because of tries meanwhile', async () => {
    const lookup = someLookup()
    for (let n = 0; n < 3; n++) await throttles.fail(lookup, START)
    const lockedUntil = START + limits.lockMs
    expect(await throttles.fail(lookup, START + minutes(10))).toStrictEqual({ failures: 0, lockedUntil })
    expect(await throttles.standing(lookup, lockedUntil)).toStrictEqual(open(0))
  })

  it('forgets a row of failures after a pause longer than the lock', async () => {
    const lookup = someLookup()
    await throttles.fail(lookup, START)
    expect(await throttles.standing(lookup, START + limits.lockMs)).toStrictEqual(open(1))
    expect(await throttles.standing(lookup, START + limits.lockMs + 1)).toStrictEqual(open(0))
  })

  it('counts failures at once one after another, also those of different processes', async () => {
    const lookup = someLookup()
    const other = openThrottles(database.db, limits)
    const before = await Promise.all(
      Array.from({ length: 9 }, (_, n) => (n % 2 === 0 ? throttles : other).fail(lookup, START)),
    )
    expect(before.filter(({ lockedUntil }) => lockedUntil === 0).map(({ failures }) => failures)).toHaveLength(3)
  })

  it('is not affected by another address', async () => {
    const [one, other] = [someLookup(), someLookup()]
    for (let n = 0; n < 3; n++) await throttles.fail(one, START)
    expect(await throttles.standing(other, START)).toStrictEqual(open(0))
  })

  it('cannot be told by its lock from one with an account: the same tries close both doors at the same moments', async () => {
    const pauses = fc.array(fc.constantFrom(0, 1, minutes(5), limits.lockMs, limits.lockMs + 1), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(pauses, async (steps) => {
        const lookup = someLookup()
        let { state } = given([registered()])
        let now = START
        for (const pause of steps) {
          now += pause
          expect(await throttles.standing(lookup, now)).toStrictEqual(standingOf(state, now))
          await throttles.fail(lookup, now)
          state = failLogIn(state, now)
        }
        expect(await throttles.standing(lookup, now)).toStrictEqual(standingOf(state, now))
      }),
      { numRuns: 40 },
    )
  })
})

const failLogIn = (state: AccountState, at: number): AccountState => {
  const decision = decide(logInWith('passwordMismatched'), state, { now: at, limits })
  if (decision.kind !== 'accepted') return state
  return decision.events
    .map((event, n) => toAccountEvent({ ...event, at, personal: null, credential: null } as never, n))
    .reduce(evolve, state)
}

const standingOf = (state: AccountState, now: number) =>
  state.lockedUntil > now
    ? { failures: 0, lockedUntil: state.lockedUntil }
    : open(countedFailures(state.failures, now, limits))

describe('the table of throttles', () => {
  it('forgets what can no longer matter, and keeps what still does', async () => {
    const small = await openVaultDatabase()
    try {
      const some = openThrottles(small.db, limits)
      const late = START + 2 * limits.lockMs
      for (let n = 0; n < 50; n++) await some.fail(`old ${n}`, START)
      for (let n = 0; n < 3; n++) await some.fail('locked', late - 1)
      for (let n = 0; n < 47; n++) await some.fail(`new ${n}`, late)
      const rows = await small.db.selectFrom('vault.throttles').select('lookup').execute()
      const lookups = rows.map(({ lookup }) => lookup)
      expect(lookups.filter((lookup) => lookup.startsWith('old'))).toStrictEqual([])
      expect(lookups.filter((lookup) => lookup.startsWith('new'))).toHaveLength(47)
      expect(lookups).toContain('locked')
    } finally {
      await small.close()
    }
  })
})
