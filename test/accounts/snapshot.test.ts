import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { endedSessions, noneEnded, withEnded } from '../../src/account/ended.ts'
import { type AccountEvent, endCauses } from '../../src/account/events.ts'
import { type AccountState, evolve, initialState, STATE_VERSION } from '../../src/account/state.ts'
import { readAccountEvent } from '../../src/account/upcast.ts'
import { stateFromText, stateToText } from '../../src/accounts/snapshot.ts'
import { fixtureNames, readFixture } from '../account/golden.ts'
import { inEveryLife } from '../account/life.ts'

describe('a snapshot', () => {
  it('taken anywhere in a life and followed by the rest of it is the whole life, exactly', () =>
    inEveryLife(({ stored }) => {
      const events = stored.map((event) => readAccountEvent(event))
      const whole = events.reduce(evolve, initialState)
      let state = initialState
      for (const [n, event] of events.entries()) {
        state = evolve(state, event)
        const restored = stateFromText(stateToText(state))
        expect(restored).toStrictEqual(state)
        if (n % 7 === 0) expect(events.slice(n + 1).reduce(evolve, restored)).toStrictEqual(whole)
      }
    }, 20))

  it('keeps revisions that no number holds', () => {
    const [logIn] = goldenEvents().filter(({ type }) => type === 'user:logged_in')
    if (logIn === undefined) throw new Error('there is no log-in among the fixtures')
    const state = evolve(initialState, { ...logIn, revision: 9_007_199_254_740_993n })
    expect(stateFromText(stateToText(state)).lastLogIn?.revision).toBe(9_007_199_254_740_993n)
  })

  it('tells of every way a session can end, and of a thousand ended ones in less than 25 kB', () => {
    const reasons = ['logged_out', 'revoked', 'expired', 'erased', ...endCauses] as const
    const sessions = Array.from({ length: 1_000 }, (_, n) => ({
      id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
      reason: reasons[n % reasons.length] ?? 'erased',
    }))
    const text = stateToText({ ...initialState, ended: sessions.reduce(withEnded, noneEnded) })
    expect(text.length).toBeLessThan(25_000)
    expect(endedSessions(stateFromText(text).ended)).toStrictEqual(sessions)
  })

  it('holds no box open', () =>
    inEveryLife(({ moments, secrets }) => {
      const text = stateToText(moments.at(-1)?.after ?? initialState)
      for (const secret of secrets) expect(text).not.toContain(secret)
    }, 10))
})

/**
 * What this version of the fold makes of the golden fixtures. It differs? Then snapshots made before would be used for
 * what they are not: raise STATE_VERSION, and file the new value under it.
 */
const FOLDS: Readonly<Record<number, string>> = {
  1: '7ce617a2e5581ffe7530df1aae272e865d82a3958aa948a3bea8ec943f6b5387',
  2: '300dce9505ec47a1e0390ef394c4fd419c22e59cca8dc088eb502b24d792425e',
  3: '24d1c11f6776a0da4f6f132df2fddb698bfa1ec52e2c7c567bbdefd7eb95848e',
}

describe('the version of the state', () => {
  it('goes up with each change of its shape, or of what is made of a history', () => {
    expect(foldOfFixtures()).toBe(FOLDS[STATE_VERSION])
  })

  it('is watched over states in which something is: no part of them is empty all the way', () => {
    const seen = new Set<string>()
    for (const state of statesOfFixtures()) {
      for (const name of Object.keys(initialState) as (keyof AccountState)[]) {
        if (!isDeepStrictEqual(state[name], initialState[name])) seen.add(name)
      }
    }
    expect([...seen].sort()).toStrictEqual(Object.keys(initialState).sort())
  })
})

const goldenEvents = (): readonly AccountEvent[] =>
  [...fixtureNames()].sort().map((name) => readAccountEvent(readFixture(name).stored))

/** In an order that looks random and is always the same, so that events of all kinds meet. */
const statesOfFixtures = (): readonly AccountState[] => {
  const events = goldenEvents()
  const states = [initialState]
  let n = 1
  for (let step = 0; step < 2_000; step++) {
    n = (n * 48_271) % 2_147_483_647
    const event = events[n % events.length]
    const before = states.at(-1)
    // Erased is erased: one time in a hundred of its turns, and then from the beginning.
    if (event === undefined || before === undefined || (event.type === 'user:erased' && n % 7 !== 0)) continue
    states.push(evolve(before.status === 'erased' ? initialState : before, event))
  }
  return states
}

const foldOfFixtures = (): string => {
  const hash = createHash('sha256')
  for (const state of statesOfFixtures()) hash.update(stateToText(state))
  return hash.digest('hex')
}
