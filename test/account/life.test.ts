import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { authorise } from '../../src/account/authorise.ts'
import { eventTypes } from '../../src/account/events.ts'
import { aLife, LIFE_LIMITS, type Life, live } from './life.ts'

const always = (property: (life: Life) => void, numRuns = 60): Promise<void> =>
  fc.assert(
    fc.asyncProperty(aLife, async (steps) => property(await live(steps))),
    { numRuns },
  )

/** How the history alone tells it, without the state: a session lives from its log-in to the first event that ends it. */
const endingTypes = new Set(['user:logged_out', 'user.session:revoked', 'user.session:ended', 'user.session:expired'])

describe('in every life of an account', () => {
  it('a session that ended never lives again, and no command of it is accepted', () =>
    always(({ moments }) => {
      const ended = new Set<string>()
      for (const { command, before, after, appended, rejected } of moments) {
        if (command !== null && 'by' in command && ended.has(command.by.sessionId)) {
          expect(rejected).toMatch(/^(session-ended|session-expired|unauthenticated)$/)
          expect(appended).toStrictEqual([])
        }
        const lives = new Set(after.sessions.map(({ id }) => id))
        for (const { id } of before.sessions) if (!lives.has(id)) ended.add(id)
        for (const id of ended) expect(lives.has(id)).toBe(false)
      }
    }))

  it('the live sessions are those that the history began and did not end', () =>
    always(({ moments }) => {
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
    always(({ moments }) => {
      for (const { after } of moments) expect(after.sessions.length).toBeLessThanOrEqual(LIFE_LIMITS.sessionsMax)
    }))

  it('the generation of a token only grows, by one for each rotation', () =>
    always(({ moments }) => {
      for (const { before, after, appended } of moments) {
        for (const session of after.sessions) {
          const earlier = before.sessions.find(({ id }) => id === session.id)
          const rotations = appended.filter(
            (event) => event.type === 'user.password:changed' && event.data.rotated?.sessionId === session.id,
          ).length
          expect(session.generation).toBe((earlier?.generation ?? 0) + rotations)
        }
      }
    }))

  it('a command of a session appends only where that session may act at that very moment', () =>
    always(({ moments }) => {
      for (const { command, before, at, appended } of moments) {
        if (command === null || !('by' in command) || appended.length === 0) continue
        expect(authorise(before, command.by, { now: at, limits: LIFE_LIMITS })).toBeNull()
      }
    }))

  it('nobody signs in while the door is closed', () =>
    always(({ moments }) => {
      let until = 0
      for (const { at, appended } of moments) {
        for (const event of appended) {
          if (event.type === 'user:logged_in' || event.type === 'user:login_failed') {
            expect(at).toBeGreaterThanOrEqual(until)
          }
          if (event.type === 'user:locked') until = Date.parse(event.data.until)
          if (event.type === 'user:unlocked') until = 0
        }
      }
    }))

  it('a row of failures without a long pause closes the door exactly at the limit', () =>
    always(({ moments }) => {
      let row = 0
      let last = 0
      for (const { at, appended } of moments) {
        for (const { type } of appended) {
          if (type === 'user:login_failed') {
            row = at - last > LIFE_LIMITS.lockMs ? 1 : row + 1
            last = at
          }
          if (type === 'user:locked') expect(row).toBe(LIFE_LIMITS.lockAfterFailures)
          if (type === 'user:logged_in' || type === 'user:locked' || type === 'user:unlocked') row = 0
        }
        expect(row).toBeLessThan(LIFE_LIMITS.lockAfterFailures)
      }
    }))

  it('the sequence has no gap: event i has revision i', () =>
    always(({ stored }) => {
      expect(stored.map(({ revision }) => revision)).toStrictEqual(stored.map((_, index) => BigInt(index)))
    }))

  it('the same key is never carried out twice within its time', () =>
    always(({ moments }) => {
      const carriedOut = new Map<string, number>()
      for (const { command, at, appended } of moments) {
        if (command === null || !('by' in command) || command.repeat === undefined || appended.length === 0) continue
        const last = carriedOut.get(command.repeat.commandId)
        if (last !== undefined) expect(at - last).toBeGreaterThan(LIFE_LIMITS.idempotencyMs)
        carriedOut.set(command.repeat.commandId, at)
      }
    }))

  it('no open field of what is stored holds a secret or a personal detail', () =>
    always(({ stored, secrets }) => {
      for (const { data, metadata } of stored) {
        const text = JSON.stringify({ data, metadata })
        for (const secret of secrets) expect(text).not.toContain(secret)
      }
    }))

  it('nothing follows an erasure but refusals', () =>
    always(({ moments }) => {
      const erasure = moments.findIndex(({ appended }) => appended.some(({ type }) => type === 'user:erased'))
      if (erasure === -1) return
      for (const { command, appended, after } of moments.slice(erasure + 1)) {
        if (command !== null) expect(appended).toStrictEqual([])
        expect(after.status).toBe('erased')
        expect(after.sessions).toStrictEqual([])
        expect(after.password).toBeNull()
      }
    }))
})

/** Properties hold easily of lives in which nothing happens. */
describe('the lives that these tests look at', () => {
  it('know every event that a decision of today can lead to, and every refusal of a session', async () => {
    const seen = new Set<string>()
    const refusals = new Set<string>()
    for (const steps of fc.sample(aLife, { numRuns: 60, seed: 4 })) {
      const { stored, moments } = await live(steps)
      for (const { type } of stored) seen.add(type)
      for (const { rejected } of moments) if (rejected !== null) refusals.add(rejected)
    }
    const notYetDecided = [
      'user.password:reset_requested',
      'user.profile:updated',
      'user.preferences:updated',
      'user.2fa:enabled',
      'user.2fa:disabled',
    ]
    expect([...seen].sort()).toStrictEqual(eventTypes.filter((type) => !notYetDecided.includes(type)).sort())
    expect([...refusals].sort()).toStrictEqual([
      'current-session',
      'email-taken',
      'fact-stale',
      'idempotency-mismatch',
      'invalid-credentials',
      'login-throttled',
      'session-ended',
      'session-expired',
      'session-not-found',
      'unauthenticated',
    ])
  })
})
