import { describe, expect, it } from 'vitest'
import { checkPasswordOf, compareNewPassword } from '../../src/commands/check-password.ts'
import type { Services } from '../../src/commands/services.ts'
import { aSecret } from '../account/stories.ts'
import { openBusHarness, USER } from './bus-harness.ts'

/** "Hashes" that are their own password; every comparison is noted. */
const setUp = async (...passwords: readonly [string, ...string[]]) => setUpWith({ outgrown: false }, ...passwords)

const setUpWith = async ({ outgrown }: { outgrown: boolean }, ...passwords: readonly [string, ...string[]]) => {
  const harness = openBusHarness()
  const [first, ...later] = passwords
  await harness.append(
    { type: 'user:registered', data: {}, credential: { passwordHash: aSecret(first) } },
    ...later.map(
      (password) =>
        ({
          type: 'user.password:changed',
          data: { by: 'password_reset', rotated: null },
          credential: { passwordHash: aSecret(password) },
        }) as const,
    ),
  )
  const compared: string[] = []
  const services = {
    vault: harness.vault,
    hasher: {
      needsRehash: () => outgrown,
      verify: async (hash: string, password: string) => {
        compared.push(hash)
        return hash === password
      },
      verifyNothing: async () => {
        compared.push('nothing')
        return false
      },
    },
  } as unknown as Services
  const ids = (await harness.history()).map(({ id }) => id)
  return { harness, services, compared, ids, account: await harness.accounts.load(USER) }
}

describe('checking a password', () => {
  it('names the event whose hash it was compared with', async () => {
    const { services, account, ids } = await setUp('first', 'second')
    expect(await checkPasswordOf(services, account, 'second')).toStrictEqual({
      fact: { kind: 'passwordMatched', passwordEventId: ids[1] },
      hash: 'second',
    })
    expect((await checkPasswordOf(services, account, 'first')).fact).toStrictEqual({
      kind: 'passwordMismatched',
      passwordEventId: ids[1],
    })
  })

  it('costs a wrong guess the work of today where the hash is of weaker days, so that the address stays unknown', async () => {
    const { services, account, compared } = await setUpWith({ outgrown: true }, 'first')
    expect((await checkPasswordOf(services, account, 'wrong')).fact.kind).toBe('passwordMismatched')
    expect(compared).toStrictEqual(['first', 'nothing'])
    // A right one pays for its new hash instead.
    expect((await checkPasswordOf(services, account, 'first')).fact.kind).toBe('passwordMatched')
    expect(compared).toStrictEqual(['first', 'nothing', 'first'])
  })

  it('costs the same where the key was erased, and matches nothing', async () => {
    const { services, account, harness, compared } = await setUp('first')
    harness.eraseKey()
    expect((await checkPasswordOf(services, account, 'first')).fact.kind).toBe('passwordMismatched')
    expect(compared).toStrictEqual(['nothing'])
  })
})

describe('comparing a new password', () => {
  it('covers the current one and all former ones, and finds what it equals', async () => {
    const { services, account, ids } = await setUp('one', 'two', 'three', 'four', 'five')
    const all = [ids[4], ids[3], ids[2], ids[1]]
    const compare = (next: string) => compareNewPassword(services, account, next, { current: 'five' })
    const fact = (reuses: string | null | undefined) => ({
      kind: 'newPasswordCompared',
      passwordEventIds: all,
      reuses,
    })
    expect(await compare('six')).toStrictEqual(fact(null))
    expect(await compare('five')).toStrictEqual(fact(ids[4]))
    expect(await compare('four')).toStrictEqual(fact(ids[3]))
    expect(await compare('two')).toStrictEqual(fact(ids[1]))
    expect(await compare('one')).toStrictEqual(fact(null))
  })

  it('hashes against the current one too where its text is not at hand: a reset knows none', async () => {
    const { services, account, ids, compared } = await setUp('one', 'two')
    expect((await compareNewPassword(services, account, 'two', null)).reuses).toBe(ids[1])
    expect((await compareNewPassword(services, account, 'one', null)).reuses).toBe(ids[0])
    expect((await compareNewPassword(services, account, 'three', null)).reuses).toBeNull()
    expect(compared).toHaveLength(6)
  })

  it('spares the hash of the current one, whose text is at hand, also in another Unicode form', async () => {
    const { services, account, ids, compared } = await setUp('caf\u00E9')
    const fact = await compareNewPassword(services, account, 'cafe\u0301', { current: 'caf\u00E9' })
    expect(fact.reuses).toBe(ids[0])
    expect(compared).toStrictEqual([])
  })
})
