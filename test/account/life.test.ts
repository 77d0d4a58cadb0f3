/** What holds of sessions, and of what is stored, in every life. Of passwords and codes: life-credentials.test.ts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { authorise } from '../../src/account/authorise.ts'
import { ENDED_SESSIONS, endedSessions } from '../../src/account/ended.ts'
import { eventTypes } from '../../src/account/events.ts'
import { evolve, FORMER_PASSWORDS, initialState, RECENT_COMMANDS } from '../../src/account/state.ts'
import { readAccountEvent } from '../../src/account/upcast.ts'
import { aLife } from './attempts.ts'
import { inEveryLife, LIFE_LIMITS, live } from './life.ts'

/** How the history alone tells it, without the state: a session lives from its log-in to the first event that ends it. */
const endingTypes = new Set(['user:logged_out', 'user.session:revoked', 'user.session:ended', 'user.session:expired'])

describe('in every life of an account', () => {
  it('a session that ended never lives again, and no command of it is accepted', () =>
    inEveryLife(({ moments }) => {
      const ended = new Set<string>()
      for (const { command, before, after, appended, rejected } of moments) {
        if ('by' in command && ended.has(command.by.sessionId)) {
          expect(rejected).toMatch(/^(session-ended|session-expired|unauthenticated)$/)
          expect(appended).toStrictEqual([])
        }
        const lives = new Set(after.sessions.map(({ id }) => id))
        for (const { id } of before.sessions) if (!lives.has(id)) ended.add(id)
        for (const id of ended) expect(lives.has(id)).toBe(false)
        expect(endedSessions(after.ended).filter(({ id }) => lives.has(id))).toStrictEqual([])
      }
    }))

  it('the live sessions are those that the history began and did not end', () =>
    inEveryLife(({ moments }) => {
      const lives = new Set<string>()
      for (const { appended, after } of moments) {
        for (const event of appended) {
          if (event.type === 'user:erased') lives.clear()
          else if (event.type === 'user:logged_in') lives.add(event.data.sessionId)
          else if (endingTypes.has(event.type) && 'sessionId' in event.data) lives.delete(event.data.sessionId)
        }
        expect(after.sessions.map(({ id }) => id)).toStrictEqual([...lives])
      }
    }))

  it('there are never more live sessions than allowed', () =>
    inEveryLife(({ moments }) => {
      for (const { after } of moments) expect(after.sessions.length).toBeLessThanOrEqual(LIFE_LIMITS.sessionsMax)
    }))

  it('the generation of a token only grows, by one for each rotation', () =>
    inEveryLife(({ moments }) => {
      for (const { before, after, appended } of moments) {
        for (const session of after.sessions) {
          const earlier = before.sessions.find(({ id }) => id === session.id)
          const rotations = appended.filter(
            ({ data }) => 'rotated' in data && data.rotated?.sessionId === session.id,
          ).length
          expect(session.generation).toBe((earlier?.generation ?? 0) + rotations)
        }
      }
    }))

  it('a command of a session appends only where that session may act at that very moment', () =>
    inEveryLife(({ moments }) => {
      for (const { command, before, at, appended } of moments) {
        if (!('by' in command) || appended.length === 0) continue
        expect(authorise(before, command.by, { now: at, limits: LIFE_LIMITS })).toBeNull()
      }
    }))

  it('is folded from what is stored to the same state again', () =>
    inEveryLife(({ stored, moments }) => {
      const replayed = stored.map((event) => readAccountEvent(event)).reduce(evolve, initialState)
      expect(replayed).toStrictEqual(moments.at(-1)?.after ?? initialState)
    }))

  it('the state keeps within its bounds', () =>
    inEveryLife(({ moments }) => {
      for (const { after } of moments) {
        expect(endedSessions(after.ended).length).toBeLessThanOrEqual(ENDED_SESSIONS)
        expect(after.recentCommands.length).toBeLessThanOrEqual(RECENT_COMMANDS)
        expect(after.formerPasswords.length).toBeLessThanOrEqual(FORMER_PASSWORDS)
        expect(after.emailChange?.confirmed.length ?? 0).toBeLessThan(2)
        expect(after.twoFactor?.codes.used.length ?? 0).toBeLessThanOrEqual(10)
      }
    }))

  it('the sequence has no gap: event i has revision i', () =>
    inEveryLife(({ stored }) => {
      expect(stored.map(({ revision }) => revision)).toStrictEqual(stored.map((_, index) => BigInt(index)))
    }))

  it('the same key is never carried out twice within its time', () =>
    inEveryLife(({ moments }) => {
      const carriedOut = new Map<string, number>()
      for (const { command, at, appended } of moments) {
        if (!('repeat' in command) || command.repeat === undefined) continue
        if (appended.length === 0) continue
        const last = carriedOut.get(command.repeat.commandId)
        if (last !== undefined) expect(at - last).toBeGreaterThan(LIFE_LIMITS.idempotencyMs)
        carriedOut.set(command.repeat.commandId, at)
      }
    }))

  it('no open field of what is stored holds a secret or a personal detail', () =>
    inEveryLife(({ stored, secrets }) => {
      for (const { data, metadata } of stored) {
        const text = JSON.stringify({ data, metadata })
        for (const secret of secrets) expect(text).not.toContain(secret)
      }
    }))

  it('nothing follows an erasure but refusals', () =>
    inEveryLife(({ moments }) => {
      const erasure = moments.findIndex(({ appended }) => appended.some(({ type }) => type === 'user:erased'))
      if (erasure === -1) return
      for (const { appended, after } of moments.slice(erasure + 1)) {
        expect(appended).toStrictEqual([])
        expect(after.status).toBe('erased')
        expect(after.sessions).toStrictEqual([])
        expect(after.password).toBeNull()
      }
    }))
})

/** Properties hold easily of lives in which nothing happens. */
describe('the lives that these tests look at', () => {
  it('know every event that a decision can lead to, and every refusal', async () => {
    const seen = new Set<string>()
    const refusals = new Set<string>()
    for (const steps of fc.sample(aLife, { numRuns: 120, seed: 4 })) {
      const { stored, moments } = await live(steps)
      for (const { type } of stored) seen.add(type)
      for (const { rejected } of moments) if (rejected !== null) refusals.add(rejected)
    }
    expect([...seen].sort()).toStrictEqual([...eventTypes].sort())
    expect([...refusals].sort()).toStrictEqual([
      'account-not-found',
      'challenge-expired',
      'current-session',
      'email-taken',
      'enrollment-expired',
      'fact-stale',
      'idempotency-mismatch',
      'invalid-credentials',
      'legal-hold',
      'login-throttled',
      'reauthentication-required',
      'session-ended',
      'session-expired',
      'session-not-found',
      'token-invalid',
      'too-many-requests',
      'totp-required',
      'two-factor-already-enabled',
      'two-factor-not-enabled',
      'unauthenticated',
      'version-stale',
    ])
  })
})
