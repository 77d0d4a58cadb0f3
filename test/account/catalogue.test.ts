import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { catalogue, currentSchema, currentVersion, eventTypes, isEventType } from '../../src/account/events.ts'

/** The product's codes and messages: other systems and people's habits rest on them, so they are never renamed. */
const theNine = {
  'user:logged_in': 'Logged in',
  'user:logged_out': 'Logged out',
  'user:login_failed': 'Login failed',
  'user.password:reset_requested': 'Requested a password reset',
  'user.profile:updated': 'Profile updated',
  'user.preferences:updated': 'Preferences updated',
  'user.password:changed': 'Password changed',
  'user.2fa:enabled': '2FA enabled',
  'user.2fa:disabled': '2FA disabled',
} as const

describe('the catalogue', () => {
  it.each(Object.entries(theNine))('has the code %s with the message "%s"', (code, message) => {
    expect(isEventType(code) && catalogue[code].message).toBe(message)
  })

  it.each(eventTypes)('spells %s in its grammar: subject, perhaps a part, and what happened', (type) => {
    expect(type).toMatch(/^user(\.[a-z0-9]+)?:[a-z]+(_[a-z]+)*$/)
  })

  it('calls a failure what failed, and nothing else', () => {
    expect(eventTypes.filter((type) => catalogue[type].outcome === 'failure')).toStrictEqual([
      'user:login_failed',
      'user:locked',
      'user:reauthentication_failed',
      'user.password:change_failed',
      'user.email:change_failed',
      'user.2fa:enrollment_failed',
      'user.2fa:disable_failed',
    ])
  })

  it('shows a message of its own for each', () => {
    expect(new Set(eventTypes.map((type) => catalogue[type].message)).size).toBe(eventTypes.length)
  })

  it.each(eventTypes)('refuses a field of %s that it does not know', (type) => {
    expect(z.toJSONSchema(currentSchema(type))).toMatchObject({ type: 'object', additionalProperties: false })
    expect(currentVersion(type)).toBeGreaterThanOrEqual(1)
  })

  it('does not take what every object has for an event type', () => {
    for (const name of ['toString', '__proto__', 'hasOwnProperty', '']) expect(isEventType(name)).toBe(false)
  })
})
