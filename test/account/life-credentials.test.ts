/**
 * What holds of passwords, codes, locks and links in every life. Each property is told from the history alone, in a
 * second way: it would be no test to ask the state what the state has decided.
 */
import { describe, expect, it } from 'vitest'
import type { AccountEvent, EventType } from '../../src/account/events.ts'
import { hours } from './given.ts'
import { inEveryLife, LIFE_LIMITS, type Moment } from './life.ts'

/** Walks the events of a life in their order, each with the moment that it belongs to. */
const eachEvent = (moments: readonly Moment[], visit: (event: AccountEvent, moment: Moment) => void): void => {
  for (const moment of moments) for (const event of moment.appended) visit(event, moment)
}

/** What puts an end to a log-in half done. */
const credentialChanges: readonly EventType[] = [
  'user.password:changed',
  'user.2fa:enabled',
  'user.2fa:disabled',
  'user:compromise_reported',
]

describe('in every life of an account, the lock', () => {
  it('lets nobody in while it is closed', () =>
    inEveryLife(({ moments }) => {
      let until = 0
      eachEvent(moments, (event, { at }) => {
        if (event.type === 'user:logged_in' || event.type === 'user:login_failed') {
          expect(at).toBeGreaterThanOrEqual(until)
        }
        if (event.type === 'user:locked') until = Math.max(until, Date.parse(event.data.until))
        if (event.type === 'user:compromise_reported') until = Number.POSITIVE_INFINITY
        if (event.type === 'user:unlocked') until = 0
      })
    }))

  it('closes exactly at the limit of a row of failures without a long pause, whatever the method was', () =>
    inEveryLife(({ moments }) => {
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

  it('stays away from who guesses inside a session: that session ends, exactly at the limit', () =>
    inEveryLife(({ moments }) => {
      const guesses = new Map<string, { password: number; code: number }>()
      const of = (sessionId: string) => guesses.get(sessionId) ?? { password: 0, code: 0 }
      const countOf = (sessionId: string) => of(sessionId).password + of(sessionId).code
      for (const { appended } of moments) {
        for (const event of appended) {
          const { type, data } = event
          // A right secret forgives the wrong ones of its own kind.
          if ('rotated' in data && data.rotated !== null) {
            const { sessionId } = data.rotated
            const right = 'method' in data ? data.method : type
            const isPassword = ['password', 'user.password:changed', 'user.2fa:disabled'].includes(right)
            const isCode = ['totp', 'user.2fa:disabled'].includes(right)
            const { password, code } = of(sessionId)
            guesses.set(sessionId, { password: isPassword ? 0 : password, code: isCode ? 0 : code })
          }
          if (/:(.*_)?failed$/.test(type) && 'sessionId' in data) {
            const { sessionId } = data
            const method = 'method' in data ? data.method : type === 'user.2fa:enrollment_failed' ? 'totp' : 'password'
            const kind = method === 'password' ? 'password' : 'code'
            guesses.set(sessionId, { ...of(sessionId), [kind]: of(sessionId)[kind] + 1 })
          }
          if (type === 'user.session:ended' && data.reason === 'guessing') {
            expect(countOf(data.sessionId)).toBe(LIFE_LIMITS.lockAfterFailures)
          }
          if (/^user\.session:(ended|revoked|expired)$/.test(type) && 'sessionId' in data)
            guesses.delete(data.sessionId)
        }
        for (const sessionId of guesses.keys()) expect(countOf(sessionId)).toBeLessThan(LIFE_LIMITS.lockAfterFailures)
      }
    }))
})

describe('in every life of an account, the second factor', () => {
  it('is asked for from the event that turns it on to the one that turns it off', () =>
    inEveryLife(({ moments }) => {
      let isOn = false
      eachEvent(moments, ({ type, data }) => {
        if (type === 'user.2fa:enabled') isOn = true
        if (type === 'user.2fa:disabled') isOn = false
        if (type === 'user:logged_in' && 'method' in data) expect(data.method === 'password').toBe(!isOn)
        if (type === 'user:reauthenticated' && 'method' in data) expect(data.method === 'totp').toBe(isOn)
      })
    }))

  it('accepts no step at or below the last that it accepted', () =>
    inEveryLife(({ moments }) => {
      let last = -1
      eachEvent(moments, (event, { command }) => {
        if (event.type === 'user.2fa:enabled') last = event.data.step
        if (event.type === 'user:logged_in' || event.type === 'user:reauthenticated') {
          if (event.data.step !== null) expect(event.data.step).toBeGreaterThan(last)
          last = event.data.step ?? last
        }
        if (event.type === 'user.2fa:disabled' && command.kind === 'disableTwoFactor') {
          if (command.code?.kind === 'totpMatched') expect(command.code.step).toBeGreaterThan(last)
        }
      })
    }))

  it('accepts each backup code once, of the newest list alone, and counts down', () =>
    inEveryLife(({ moments }) => {
      let list = ''
      const used = new Set<number>()
      eachEvent(moments, ({ type, data }) => {
        if (type === 'user.2fa:enabled' || type === 'user.2fa:backup_codes_generated') {
          list = 'codeListId' in data ? data.codeListId : ''
          used.clear()
        }
        if (type !== 'user.2fa:backup_code_used' || !('remaining' in data)) return
        expect(data.codeListId).toBe(list)
        expect(used.has(data.index)).toBe(false)
        used.add(data.index)
        expect(data.remaining).toBe(10 - used.size)
      })
    }))

  it('accepts each challenge once, and none from before a change of the credentials', () =>
    inEveryLife(({ moments }) => {
      let changes = 0
      const issued: number[] = []
      const used = new Set<string>()
      for (const { command, outcome, appended } of moments) {
        const isCompleted = command.kind === 'completeLogIn' && outcome?.kind === 'signedIn'
        if (isCompleted) {
          const { id } = command.challenge
          expect(used.has(id)).toBe(false)
          used.add(id)
          expect(issued[Number.parseInt(id.slice(-12), 16) - 0x1000]).toBe(changes)
        }
        if (outcome?.kind === 'secondFactorRequired') issued.push(changes)
        changes += appended.filter(({ type }) => credentialChanges.includes(type)).length
      }
    }))
})

describe('in every life of an account, the sudo window', () => {
  it('lets pass what needs it within its time of the last proof alone', () =>
    inEveryLife(({ moments }) => {
      const provenAt = new Map<string, number>()
      let isOn = false
      for (const { command, at, appended } of moments) {
        if ('by' in command && command.by.sudo === true && appended.length > 0) {
          expect(at).toBeLessThan((provenAt.get(command.by.sessionId) ?? 0) + LIFE_LIMITS.sudoMs)
        }
        for (const { type, data } of appended) {
          if (type === 'user:logged_in' && 'sessionId' in data) provenAt.set(data.sessionId, at)
          // With a factor on, the password alone opens nothing.
          const proves = type !== 'user.password:changed' || !isOn
          if ('rotated' in data && data.rotated !== null && proves) provenAt.set(data.rotated.sessionId, at)
          if (type === 'user.2fa:enabled') isOn = true
          if (type === 'user.2fa:disabled') isOn = false
        }
      }
    }))
})

describe('in every life of an account, a link', () => {
  it('to reset the password is asked for no more than so often an hour', () =>
    inEveryLife(({ moments }) => {
      const requested: number[] = []
      for (const { command, at, appended } of moments) {
        const count = appended.filter(({ type }) => type === 'user.password:reset_requested').length
        if (command.kind === 'requestPasswordReset' && count > 0) {
          const recent = requested.filter((earlier) => at - earlier < hours(1))
          expect(recent.length).toBeLessThan(LIFE_LIMITS.resetMailsPerHour)
        }
        for (let i = 0; i < count; i++) requested.push(at)
      }
    }))

  it('to reset the password works once, in its time, and until anything newer makes it void', () =>
    inEveryLife(({ moments }) => {
      let open: { readonly id: string; readonly at: number } | null = null
      eachEvent(moments, (event, { command, at }) => {
        if (event.type === 'user.password:reset_requested') open = { id: event.id, at }
        if (event.type === 'user.password:changed') {
          if (event.data.by === 'password_reset') {
            expect(command.kind === 'resetPassword' && command.resetId).toBe(open?.id)
            expect(at).toBeLessThan((open?.at ?? 0) + LIFE_LIMITS.resetTokenMs)
          }
          open = null
        }
        if (event.type === 'user.email:changed') open = null
      })
    }))

  it('that reports somebody else works once and in its time, and leaves no session', () =>
    inEveryLife(({ moments }) => {
      const reported = new Set<string>()
      eachEvent(moments, (event, { command, at, after }) => {
        if (event.type !== 'user:compromise_reported' || command.kind !== 'reportCompromise') return
        expect(reported.has(event.data.eventId)).toBe(false)
        reported.add(event.data.eventId)
        expect(at).toBeLessThan(command.at + LIFE_LIMITS.notMeMs)
        expect(after.sessions).toStrictEqual([])
      })
    }))

  it('changes the e-mail address only where both mailboxes confirmed the newest request, in its time', () =>
    inEveryLife(({ moments }) => {
      let asked = 0
      let confirmed: string[] = []
      const voids: readonly EventType[] = ['user.password:changed', 'user:compromise_reported', 'user.email:changed']
      eachEvent(moments, (event, { at }) => {
        if (event.type === 'user.email:change_requested') {
          asked = at
          confirmed = []
        }
        if (event.type === 'user.email:change_confirmed') {
          expect(at).toBeLessThan(asked + LIFE_LIMITS.resetTokenMs)
          confirmed.push(event.data.address)
        }
        if (event.type === 'user.email:changed') expect([...confirmed].sort()).toStrictEqual(['new', 'old'])
        if (voids.includes(event.type)) {
          asked = 0
          confirmed = []
        }
      })
    }))
})
