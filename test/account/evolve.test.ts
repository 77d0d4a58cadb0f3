import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENDED_SESSIONS, endedSessions } from '../../src/account/ended.ts'
import { eventTypes } from '../../src/account/events.ts'
import { type AccountState, evolve, FORMER_PASSWORDS, initialState, RECENT_COMMANDS } from '../../src/account/state.ts'
import { anyEvent, anyEventOf, deepFreeze } from './any-event.ts'
import { eventId, given, sessionId } from './given.ts'
import { erased, loggedIn, passwordChanged, registered } from './stories.ts'

const anyHistory = fc.array(anyEvent, { maxLength: 80, size: 'max' })

describe('evolve', () => {
  it.each(eventTypes)('takes %s in any state, and writes to nothing it was given', (type) => {
    fc.assert(
      fc.property(anyHistory, anyEventOf(type), (history, event) => {
        const state = history.reduce<AccountState>((before, each) => deepFreeze(evolve(before, each)), initialState)
        expect(() => evolve(state, deepFreeze(event))).not.toThrow()
      }),
      { numRuns: 20 },
    )
  })

  it('gives the same state for the same history', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        expect(history.reduce(evolve, initialState)).toStrictEqual(history.reduce(evolve, initialState))
      }),
      { numRuns: 50 },
    )
  })

  it('holds no secret open: of credential and personal boxes the state has references alone', () => {
    const { state } = given([registered(), loggedIn(1), passwordChanged(1)])
    const person = { eventId: eventId(0), type: 'user:registered', box: 'personal box of event 0' }
    expect(state.registration).toStrictEqual(person)
    expect(state.email).toStrictEqual(person)
    expect(state.sessions[0]?.token.box).toBe('credential box of event 2')
  })

  it('reaches into no other account state: what was folded before stays as it was', () => {
    const before = given([registered(), loggedIn(1)]).state
    const copy = structuredClone(before)
    given([registered(), loggedIn(1), loggedIn(2), erased])
    expect(before).toStrictEqual(copy)
  })

  it('throws on a type that got past the catalogue: a bug, not an event', () => {
    const event = { ...fc.sample(anyEvent, 1)[0], type: 'user:teleported' }
    expect(() => evolve(initialState, event as never)).toThrow('evolve does not know the event type user:teleported')
  })
})

describe('the size of the state', () => {
  it('stays bounded, however long and strange the history', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1_500, maxLength: 3_000, size: 'max' }), (history) => {
        const state = history.reduce(evolve, initialState)
        expect(endedSessions(state.ended).length).toBeLessThanOrEqual(ENDED_SESSIONS)
        expect(state.recentCommands.length).toBeLessThanOrEqual(RECENT_COMMANDS)
        expect(state.formerPasswords.length).toBeLessThanOrEqual(FORMER_PASSWORDS)
      }),
      { numRuns: 5 },
    )
  })

  it('reaches its bounds and stays there', () => {
    const sessions = Array.from({ length: ENDED_SESSIONS + 50 }, (_, n) => [
      loggedIn(n),
      {
        type: 'user.session:revoked',
        data: { sessionId: sessionId(n), by: 'owner' },
        idempotency: { bodyHash: 'hash', status: 204, body: null, secret: false },
      } as const,
      passwordChanged('reset'),
    ])
    const { state } = given([registered(), ...sessions.flat()])
    expect(endedSessions(state.ended)).toHaveLength(1_000)
    expect(state.recentCommands).toHaveLength(256)
    expect(state.formerPasswords).toHaveLength(3)
    expect(state.sessions).toHaveLength(0)
  })
})
