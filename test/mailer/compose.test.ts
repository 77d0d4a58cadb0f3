import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NewAccountEvent } from '../../src/account/events.ts'
import { type Compose, type Mail, openComposer } from '../../src/mailer/compose.ts'
import type { MailKind } from '../../src/mailer/kinds.ts'
import { type LinkPurpose, openToken } from '../../src/mailer/link-tokens.ts'
import { CLIENT, type How, type MailerHarness, openMailerHarness, PUBLIC_URL } from './harness.ts'

let harness: MailerHarness
let compose: Compose

beforeAll(async () => {
  harness = await openMailerHarness()
  const limits = { resetTokenMs: 3_600_000, notMeMs: 604_800_000 }
  compose = openComposer({ ...harness, publicUrl: PUBLIC_URL, limits })
})
afterAll(() => harness.close())

const AT = Date.UTC(2026, 10, 24, 20, 15, 7)
const ID = '8c2f6d0a-3b1e-4f58-9a7c-0d1e2f3a4b5c'
const ROTATED = { sessionId: ID, generation: 2 }

/** The mail of this kind about the event, which is the last of the account's. */
const mailAbout = async (userId: string, kind: MailKind, event: NewAccountEvent, how: How = {}): Promise<Mail> => {
  const [recorded] = await harness.happen(userId, [event], { at: AT, ...how })
  const mail = await again(userId, kind, recorded)
  if (mail === null) throw new Error('nobody to write to')
  return mail
}

const again = (userId: string, kind: MailKind, recorded: { id: string; revision: bigint } | undefined) => {
  if (recorded === undefined) throw new Error('nothing was recorded')
  return compose({ userId, kind, eventId: recorded.id, revision: recorded.revision })
}

const signedIn = (unfamiliar: readonly ('device' | 'country')[]): NewAccountEvent => ({
  type: 'user:logged_in',
  data: { sessionId: ID, method: 'password', challengeId: null, step: null, unfamiliar: [...unfamiliar] },
})
const resetRequested: NewAccountEvent = { type: 'user.password:reset_requested', data: {} }
const passwordChanged: NewAccountEvent = { type: 'user.password:changed', data: { by: 'owner', rotated: null } }
const codeUsed = (remaining: number): NewAccountEvent => ({
  type: 'user.2fa:backup_code_used',
  data: { codeListId: ID, index: 0, remaining },
})

const tokenIn = ({ text }: Mail, before: string): string => {
  const start = text.indexOf(`${PUBLIC_URL}${before}`)
  if (start < 0) throw new Error(`there is no link ${before} in:\n${text}`)
  return /^[\w-]+/.exec(text.slice(start + PUBLIC_URL.length + before.length))?.[0] ?? ''
}

const expectLink = (mail: Mail, before: string, purpose: LinkPurpose, userId: string): void => {
  const token = tokenIn(mail, before)
  const claim = openToken(harness.vault.key('links'), purpose, token)
  expect(claim).toMatchObject({ userId, at: AT })
  expect(mail.html).toContain(`${PUBLIC_URL}${before}${token}`)
}

const RESET_LINK = '/reset-password#token='
const NOT_ME_LINK = '/v1/auth/not-me?token='
const CONFIRM_LINK = '/confirm-email#token='

describe('what a mail is for', () => {
  test.each<[MailKind, How]>([
    ['password_reset', { actor: { kind: 'anonymous', id: null } }],
    ['invitation', { actor: { kind: 'operator', id: 'token' } }],
    ['new_password_needed', {}],
  ])('%s has the link to set a password, with the token behind the # that no server sees', async (kind, how) => {
    const userId = await harness.register(`${kind}@example.com`)
    const mail = await mailAbout(userId, kind, resetRequested, how)
    expect(mail.to.address).toBe(`${kind}@example.com`)
    expectLink(mail, RESET_LINK, 'reset', userId)
    expect(mail.text).toContain('1 hour')
    expect(mail.text).not.toContain(NOT_ME_LINK)
  })

  test.each<[MailKind, NewAccountEvent]>([
    ['password_changed', passwordChanged],
    ['password_was_reset', { type: 'user.password:changed', data: { by: 'password_reset', rotated: null } }],
    [
      'two_factor_enabled',
      { type: 'user.2fa:enabled', data: { enrollmentId: ID, step: 1, codeListId: ID, rotated: ROTATED } },
    ],
    ['two_factor_disabled', { type: 'user.2fa:disabled', data: { enrollmentId: ID, by: 'owner', rotated: ROTATED } }],
    ['backup_codes_generated', { type: 'user.2fa:backup_codes_generated', data: { codeListId: ID } }],
    ['backup_code_used', codeUsed(7)],
    ['account_locked', { type: 'user:locked', data: { failures: 10, until: '2026-11-24T20:45:07.000Z' } }],
    ['new_sign_in', signedIn(['device'])],
    ['email_change_old', { type: 'user.email:change_requested', data: {}, personal: { email: 'new@example.com' } }],
    ['email_changed_old', { type: 'user.email:changed', data: {}, personal: { email: 'new@example.com' } }],
  ])('%s says when and from where, and has the link "this was not me"', async (kind, event) => {
    const userId = await harness.register(`${kind}@example.com`)
    const mail = await mailAbout(userId, kind, event)
    expect(mail.to.address).toBe(`${kind}@example.com`)
    expectLink(mail, NOT_ME_LINK, 'not-me', userId)
    for (const fact of ['24 November 2026', '20:15 UTC', 'desktop', 'Firefox 130', 'Windows 11', 'Berlin, Germany']) {
      expect(mail.text).toContain(fact)
      expect(mail.html).toContain(fact)
    }
    expect(mail.text).toContain('203.0.113.7')
    expect(mail.text).toContain('7 days')
  })

  test('a sign-in says what is new about it', async () => {
    const userId = await harness.register('traveller@example.com')
    expect((await mailAbout(userId, 'new_sign_in', signedIn(['device']))).text).toContain('from a new device.')
    expect((await mailAbout(userId, 'new_sign_in', signedIn(['country']))).text).toContain('from a new country.')
    const both = await mailAbout(userId, 'new_sign_in', signedIn(['device', 'country']))
    expect(both.text).toContain('from a new device in a new country.')
  })

  test('a used backup code says how many remain, and asks for new ones at three or fewer', async () => {
    const userId = await harness.register('codes@example.com')
    const textWith = async (left: number) => (await mailAbout(userId, 'backup_code_used', codeUsed(left))).text
    expect(await textWith(4)).toContain('; 4 are left.')
    expect(await textWith(4)).not.toContain('Make new ones')
    expect(await textWith(3)).toContain('Make new ones')
    expect(await textWith(1)).toContain('; 1 is left.')
    expect(await textWith(0)).toContain('; none is left.')
  })

  test('where an operator switched the second factor off it says so, and not where the operator sits', async () => {
    const userId = await harness.register('helped@example.com')
    const disabled = { type: 'user.2fa:disabled', data: { enrollmentId: ID, by: 'operator', rotated: null } } as const
    const mail = await mailAbout(userId, 'two_factor_disabled', disabled, { actor: { kind: 'operator', id: 'token' } })
    expect(mail.text).toContain('An operator has switched off')
    expect(mail.text).not.toContain(CLIENT.ip)
    expectLink(mail, NOT_ME_LINK, 'not-me', userId)
  })
})

describe('whom it goes to', () => {
  test('a change of address asks both mailboxes, each with a token of its own', async () => {
    const userId = await harness.register('old@example.com', 'Ada Lovelace')
    const requested: NewAccountEvent = {
      type: 'user.email:change_requested',
      data: {},
      personal: { email: 'wanted@example.com' },
    }
    const toOld = await mailAbout(userId, 'email_change_old', requested)
    const toNew = await mailAbout(userId, 'email_change_new', requested)
    expect([toOld.to.address, toNew.to.address]).toEqual(['old@example.com', 'wanted@example.com'])
    expectLink(toOld, CONFIRM_LINK, 'email-old', userId)
    expectLink(toNew, CONFIRM_LINK, 'email-new', userId)
    // Whoever owns that mailbox may know nothing of the account.
    for (const secret of ['Ada', 'old@example.com', NOT_ME_LINK, CLIENT.ip]) expect(toNew.text).not.toContain(secret)
    expect(toNew.to.name).toBeNull()
  })

  test('both mailboxes learn of a changed address, however often it has changed since', async () => {
    const userId = await harness.register('first@example.com')
    const changeTo = (email: string) => [{ type: 'user.email:changed', data: {}, personal: { email } }] as const
    const [second] = await harness.happen(userId, changeTo('second@example.com'))
    const [third] = await harness.happen(userId, changeTo('third@example.com'))
    const address = async (kind: MailKind, event: typeof second) => (await again(userId, kind, event))?.to.address
    expect(await address('email_changed_old', second)).toBe('first@example.com')
    expect(await address('email_changed_new', second)).toBe('second@example.com')
    expect(await address('email_changed_old', third)).toBe('second@example.com')
    expect(await address('email_changed_new', third)).toBe('third@example.com')
  })

  test('a notice goes to the address and the name that the account has when it is sent', async () => {
    const userId = await harness.register('before@example.com', 'Before')
    const [event] = await harness.happen(userId, [passwordChanged])
    await harness.happen(userId, [
      { type: 'user.email:changed', data: {}, personal: { email: 'after@example.com' } },
      { type: 'user.profile:updated', data: { fields: ['name'] }, personal: { values: { name: 'After' } } },
    ])
    const mail = await again(userId, 'password_changed', event)
    expect(mail?.to).toEqual({ name: 'After', address: 'after@example.com' })
    expect(mail?.text).toMatch(/^Hello After,/)
  })

  test('a name that is a message is not passed on', async () => {
    const bait = 'You won! Visit evil.example/claim'
    const userId = await harness.register('victim@example.com', bait)
    const mail = await mailAbout(userId, 'password_reset', resetRequested)
    expect(mail.to.name).toBeNull()
    expect(mail.text).toMatch(/^Hello,/)
    expect(mail.text + mail.html).not.toContain('evil')
  })

  test('nobody gets one of an erased account', async () => {
    const userId = await harness.register('erased@example.com')
    const [event] = await harness.happen(userId, [passwordChanged])
    await harness.happen(userId, [{ type: 'user:erased', data: {} }])
    expect(await again(userId, 'password_changed', event)).toBeNull()
  })
})

test('a browser that calls itself a link or a tag is not known', async () => {
  const userId = await harness.register('browser@example.com')
  const browser = { name: '<b>evil.example</b>', version: 'http://evil.example' }
  const mail = await mailAbout(userId, 'new_sign_in', signedIn(['device']), { client: { ...CLIENT, browser } })
  expect(mail.text).toContain('Browser: not known')
  expect(mail.text + mail.html).not.toContain('evil')
})

test('nothing in a mail is loaded from anywhere', async () => {
  const userId = await harness.register('quiet@example.com')
  const { html } = await mailAbout(userId, 'password_changed', passwordChanged)
  expect(html).not.toMatch(/<(img|script|link|iframe|style)|url\(|@import|\bsrc=/i)
  expect(new Set(html.match(/https?:\/\/[^/"<\s]+/g))).toEqual(new Set([PUBLIC_URL]))
})
