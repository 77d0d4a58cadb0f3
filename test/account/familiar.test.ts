import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CoarseClient } from '../../src/account/events.ts'
import { FAMILIAR_THINGS, familiarWith, forgotten, nothingFamiliar, unfamiliarOf } from '../../src/account/familiar.ts'
import { eventId, given, type PastEvent, sessionId } from './given.ts'
import { aSecret, loggedIn, logInWith, registered, signInData } from './stories.ts'

const client = (more: Partial<CoarseClient> = {}): CoarseClient => ({
  country: 'PT',
  deviceType: 'desktop',
  browser: { name: 'Firefox', version: '140' },
  os: { name: 'Linux', version: null },
  geoVersion: 'g1',
  uaVersion: 'u1',
  ...more,
})
const phone = client({ deviceType: 'mobile', browser: { name: 'Mobile Safari', version: '18' } })
const known = (...clients: readonly (CoarseClient | null)[]) => clients.reduce(familiarWith, nothingFamiliar)

describe('a sign-in', () => {
  it('is not remarkable where it is the first of the account', () => {
    expect(unfamiliarOf(nothingFamiliar, phone)).toStrictEqual([])
  })

  it('is not remarkable from a device and a country that were seen before, on whatever occasion', () => {
    const familiar = known(client(), client({ ...phone, country: 'BR' }))
    expect(unfamiliarOf(familiar, client())).toStrictEqual([])
    expect(unfamiliarOf(familiar, client({ country: 'BR' }))).toStrictEqual([])
    expect(unfamiliarOf(familiar, phone)).toStrictEqual([])
  })

  it('is remarkable from another kind of device, browser or system', () => {
    for (const other of [
      client({ deviceType: 'tablet' }),
      client({ browser: { name: 'Chrome', version: '140' } }),
      client({ browser: { name: null, version: null } }),
      client({ os: { name: 'Windows', version: null } }),
    ]) {
      expect(unfamiliarOf(known(client()), other)).toStrictEqual(['device'])
    }
  })

  it('is not remarkable because browser or system brought themselves up to date', () => {
    const newer = client({ browser: { name: 'Firefox', version: '141' }, os: { name: 'Linux', version: '7' } })
    expect(unfamiliarOf(known(client()), newer)).toStrictEqual([])
  })

  it('is remarkable from another country, and from both at once', () => {
    expect(unfamiliarOf(known(client()), client({ country: 'BR' }))).toStrictEqual(['country'])
    expect(unfamiliarOf(known(client()), client({ ...phone, country: 'BR' }))).toStrictEqual(['device', 'country'])
  })

  it('is from no country where the address has none, and remarkable for none where no country is known', () => {
    expect(unfamiliarOf(known(client()), client({ country: null }))).toStrictEqual([])
    expect(unfamiliarOf(known(client({ country: null })), client())).toStrictEqual([])
  })

  it('is not remarkable where nothing is known of the client', () => {
    expect(unfamiliarOf(known(client()), null)).toStrictEqual([])
  })

  it('is remarkable where the first one was of a client that nothing was known of', () => {
    expect(unfamiliarOf(known(null), client())).toStrictEqual(['device'])
  })
})

describe('what is familiar', () => {
  it('keeps the last things alone, and of those each once', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(80), fc.nat(80)), { maxLength: 300, size: 'max' }), (pairs) => {
        const clients = pairs.map(([os, country]) =>
          client({ os: { name: `system ${os}`, version: null }, country: `country ${country}` }),
        )
        const familiar = known(...clients)
        for (const things of [familiar.devices, familiar.countries]) {
          expect(things.length).toBeLessThanOrEqual(FAMILIAR_THINGS)
          expect(new Set(things).size).toBe(things.length)
        }
        const last = clients.at(-1)
        if (last !== undefined) expect(unfamiliarOf(familiar, last)).toStrictEqual([])
      }),
      { numRuns: 30 },
    )
  })

  it('is nothing after a report that it was somebody else, and the next sign-in is remarkable', () => {
    expect(unfamiliarOf(forgotten, client())).toStrictEqual(['device'])
    const past: readonly PastEvent[] = [
      registered(),
      loggedIn(1, { client: phone }),
      { type: 'user:compromise_reported', data: { eventId: eventId(1) } },
    ]
    expect(given(past).state.familiar).toStrictEqual(forgotten)
  })

  it('is nothing of an erased account', () => {
    const { state } = given([
      registered(),
      loggedIn(1, { client: phone }),
      { type: 'user:erased', data: {}, personal: null, credential: null },
    ])
    expect(state.familiar).toStrictEqual(nothingFamiliar)
  })
})

describe('the event of a sign-in', () => {
  const signedIn = { kind: 'signedIn', sessionId: sessionId(9), method: 'password' } as const
  const from = (at: CoarseClient) => logInWith('passwordMatched', { session: 9, client: at })

  it('says what was unfamiliar, and only what the history of this account did not know', () => {
    const past = [registered(), loggedIn(1, { client: client() })]
    given(past)
      .when(from(client({ ...phone, country: 'BR' })))
      .then(
        [
          {
            type: 'user:logged_in',
            data: signInData(9, { unfamiliar: ['device', 'country'] }),
            credential: { tokenHash: aSecret('token hash') },
          },
        ],
        signedIn,
      )
    given([...past, loggedIn(2, { client: client({ ...phone, country: 'BR' }) })])
      .when(from(client({ ...phone, country: 'BR' })))
      .then(
        [{ type: 'user:logged_in', data: signInData(9), credential: { tokenHash: aSecret('token hash') } }],
        signedIn,
      )
  })

  it('makes nothing familiar where it failed', () => {
    const failed: PastEvent = {
      type: 'user:login_failed',
      data: { method: 'password', failures: 1 },
      client: phone,
    }
    expect(given([registered(), loggedIn(1, { client: client() }), failed]).state.familiar).toStrictEqual(
      known(client()),
    )
  })
})
