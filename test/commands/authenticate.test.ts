import { beforeEach, describe, expect, it } from 'vitest'
import type { NewAccountEvent } from '../../src/account/events.ts'
import type { Activity } from '../../src/accounts/activity.ts'
import { authenticate } from '../../src/commands/authenticate.ts'
import type { Services } from '../../src/commands/services.ts'
import { StoreUnavailable } from '../../src/event-store/port.ts'
import { formatToken, hashTokenSecret, newTokenSecret } from '../../src/secrets/session-token.ts'
import { commandId, LIMITS, minutes, START, sessionId } from '../account/given.ts'
import { aSecret, signInData } from '../account/stories.ts'
import { type BusHarness, openBusHarness, USER } from './bus-harness.ts'

const IDLE = minutes(15)
const secret = newTokenSecret()
const token = (more: Partial<Parameters<typeof formatToken>[0]> = {}) =>
  formatToken({ userId: USER, sessionId: sessionId(1), generation: 0, secret, ...more })

const past: readonly [NewAccountEvent, ...NewAccountEvent[]] = [
  {
    type: 'user:registered',
    data: {},
    personal: { email: 'ada@example.com', name: null },
    credential: { passwordHash: aSecret('hash') },
  },
  {
    type: 'user:logged_in',
    data: signInData(1),
    credential: { tokenHash: hashTokenSecret(secret) },
  },
]

let harness: BusHarness
let touched: string[]
let lastAccess: number
let now: number
let services: Services

beforeEach(async () => {
  harness = openBusHarness({ sessionAbsoluteMs: LIMITS.sessionAbsoluteMs })
  await harness.append(...past)
  touched = []
  lastAccess = START
  now = START + minutes(1)
  const activity: Pick<Activity, 'lastAccess' | 'touch'> = {
    lastAccess: async () => lastAccess,
    touch: (session) => void touched.push(session.sessionId),
  }
  services = {
    accounts: harness.accounts,
    activity,
    bus: harness.bus,
    vault: harness.vault,
    limits: LIMITS,
    session: { idleMs: IDLE },
    now: () => now,
  } as unknown as Services
})

const ask = (text: string | null, extend = true) =>
  authenticate(services, text, { extend, correlationId: commandId(3) })
const refused = (rejection: object) => ({ kind: 'refused', rejection })

describe('a request', () => {
  it('passes with the token that its session has now, and counts as use of it', async () => {
    const result = await ask(token())
    expect(result).toMatchObject({ kind: 'authenticated', authenticated: { session: { id: sessionId(1) } } })
    expect(touched).toStrictEqual([sessionId(1)])
  })

  it('does not count as use where it runs in the background', async () => {
    expect((await ask(token(), false)).kind).toBe('authenticated')
    expect(touched).toStrictEqual([])
  })

  it('is refused without a token, with junk, and with the ids alone', async () => {
    for (const text of [null, '', 'junk', sessionId(1), token().slice(0, -1)]) {
      expect(await ask(text)).toStrictEqual(refused({ code: 'unauthenticated' }))
    }
  })

  it('is refused with another secret, another session, another user or another generation', async () => {
    const forgeries = [
      token({ secret: newTokenSecret() }),
      token({ sessionId: sessionId(2) }),
      token({ userId: commandId(9) }),
      token({ generation: 1 }),
    ]
    for (const text of forgeries) expect(await ask(text)).toStrictEqual(refused({ code: 'unauthenticated' }))
    expect(touched).toStrictEqual([])
  })

  it('is refused with the old token once it was rotated, and passes with the new one', async () => {
    const next = newTokenSecret()
    await harness.append({
      type: 'user.password:changed',
      data: { by: 'owner', rotated: { sessionId: sessionId(1), generation: 1 } },
      credential: { passwordHash: aSecret('new hash'), tokenHash: hashTokenSecret(next) },
    })
    expect(await ask(token())).toStrictEqual(refused({ code: 'unauthenticated' }))
    expect(await ask(token({ generation: 1 }))).toStrictEqual(refused({ code: 'unauthenticated' }))
    expect((await ask(token({ generation: 1, secret: next }))).kind).toBe('authenticated')
  })

  it('is refused from the moment a revoke is in the store, whoever put it there', async () => {
    expect((await ask(token())).kind).toBe('authenticated')
    await harness.append({ type: 'user.session:revoked', data: { sessionId: sessionId(1), by: 'owner' } })
    expect(await ask(token())).toStrictEqual(refused({ code: 'session-ended', reason: 'revoked' }))
  })

  it('is refused where the key of the person is gone', async () => {
    harness.eraseKey()
    expect(await ask(token())).toStrictEqual(refused({ code: 'unauthenticated' }))
  })

  it('is an error, not a refusal and not a pass, where the store is away', async () => {
    harness.store.setAvailable(false)
    await expect(ask(token())).rejects.toThrow(StoreUnavailable)
  })
})

describe('an expired session', () => {
  it('was idle for its limit, to the millisecond; its end is recorded by whoever meets it', async () => {
    now = START + IDLE - 1
    expect((await ask(token())).kind).toBe('authenticated')
    now = START + IDLE
    expect(await ask(token())).toStrictEqual(refused({ code: 'session-expired', limit: 'idle' }))
    const last = (await harness.history()).at(-1)
    expect(last).toMatchObject({
      type: 'user.session:expired',
      data: { sessionId: sessionId(1), limit: 'idle' },
      metadata: { actor: { kind: 'system', id: null }, sessionId: sessionId(1) },
    })
    expect(await ask(token())).toStrictEqual(refused({ code: 'session-expired', limit: 'ended' }))
    expect((await harness.types()).filter((type) => type === 'user.session:expired')).toHaveLength(1)
  })

  it('reached its absolute limit, however active it was', async () => {
    now = START + LIMITS.sessionAbsoluteMs
    lastAccess = now
    harness.setNow(now)
    expect(await ask(token())).toStrictEqual(refused({ code: 'session-expired', limit: 'absolute' }))
    expect((await harness.history()).at(-1)?.data).toStrictEqual({ sessionId: sessionId(1), limit: 'absolute' })
  })

  it('is not ended by who does not hold its token: an id alone, learned from a list, changes nothing', async () => {
    now = START + LIMITS.sessionAbsoluteMs
    expect(await ask(token({ secret: newTokenSecret() }))).toStrictEqual(refused({ code: 'unauthenticated' }))
    expect(await harness.types()).toHaveLength(2)
  })
})
