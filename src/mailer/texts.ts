/** What the mails say. All their words are here. */
import type { AccountEvent, DataOf, EventType } from '../account/events.ts'
import type { Facts } from './facts.ts'
import type { MailKind } from './kinds.ts'
import type { Letter, Part } from './letter.ts'
import { spanOf, timeOf } from './wording.ts'

export interface Occasion {
  readonly event: AccountEvent
  readonly facts: Facts
  readonly links: {
    reset(): string
    notMe(): string
    confirmEmail(address: 'old' | 'new'): string
  }
  /** How long the links work. */
  readonly resetTokenMs: number
  readonly notMeMs: number
}

/** `name`: how to address the person; null where that is not known or not fit to be shown. */
export const letterOf = (kind: MailKind, occasion: Occasion, name: string | null): Letter => {
  const { subject, parts } = LETTERS[kind](occasion)
  return { subject, parts: [name === null ? 'Hello,' : `Hello ${name},`, ...parts, SIGNATURE] }
}

const SIGNATURE = 'Strongroom sends this because it concerns the security of your account. Nobody reads answers to it.'

/** No later than a few backup codes the owner is asked to make new ones. */
const FEW_CODES = 3

const LETTERS: { readonly [K in MailKind]: (occasion: Occasion) => Letter } = {
  password_reset: (occasion) => ({
    subject: 'Reset your password',
    parts: [
      'Somebody, probably you, asked to reset the password of your account.',
      { link: occasion.links.reset(), label: 'Choose a new password' },
      `The link works once, for ${spanOf(occasion.resetTokenMs)}, and only until a newer one is asked for.`,
      'If it was not you, leave this mail alone: without the link nothing changes.',
      { facts: occasion.facts },
    ],
  }),
  invitation: (occasion) => ({
    subject: 'Set the password of your new account',
    parts: [
      'An account was made for you. Set a password to sign in.',
      { link: occasion.links.reset(), label: 'Set your password' },
      `The link works once, for ${spanOf(occasion.resetTokenMs)}. Later, ask for another one where you would reset a password.`,
    ],
  }),
  new_password_needed: (occasion) => ({
    subject: 'Choose a new password',
    parts: [
      'You told us that somebody else was in your account. Every session has been ended, and the password no longer ' +
        'opens the account until you choose a new one.',
      { link: occasion.links.reset(), label: 'Choose a new password' },
      `The link works once, for ${spanOf(occasion.resetTokenMs)}. Then look through the sessions and settings of your account.`,
    ],
  }),
  password_changed: (occasion) => ({
    subject: 'Your password was changed',
    parts: ['The password of your account was changed.', ...aftermath(occasion)],
  }),
  password_was_reset: (occasion) => ({
    subject: 'Your password was reset',
    parts: [
      'A new password was set for your account, with a link that we had mailed to you. Every session has been ended.',
      ...aftermath(occasion),
    ],
  }),
  two_factor_enabled: (occasion) => ({
    subject: 'Two-factor authentication is on',
    parts: ['Signing in to your account now takes a code beside the password.', ...aftermath(occasion)],
  }),
  two_factor_disabled: (occasion) => {
    const { by } = dataOf(occasion, 'user.2fa:disabled')
    return {
      subject: 'Two-factor authentication is off',
      parts: [
        by === 'operator'
          ? 'An operator has switched off two-factor authentication of your account. If you did not ask for that, act now.'
          : 'Two-factor authentication of your account was switched off.',
        'Signing in now takes the password alone.',
        ...aftermath(occasion),
      ],
    }
  },
  backup_codes_generated: (occasion) => ({
    subject: 'New backup codes were made',
    parts: ['New backup codes were made for your account. The earlier ones no longer work.', ...aftermath(occasion)],
  }),
  backup_code_used: (occasion) => {
    const { remaining } = dataOf(occasion, 'user.2fa:backup_code_used')
    const left = remaining === 0 ? 'none is left' : remaining === 1 ? '1 is left' : `${remaining} are left`
    const parts: readonly Part[] =
      remaining <= FEW_CODES ? ['Make new ones before you need them: under Security, Backup codes.'] : []
    return {
      subject: remaining <= FEW_CODES ? `A backup code was used: ${left}` : 'A backup code was used',
      parts: [`A backup code of your account was used; ${left}.`, ...parts, ...aftermath(occasion)],
    }
  },
  account_locked: (occasion) => {
    const { failures, until } = dataOf(occasion, 'user:locked')
    return {
      subject: 'Signing in to your account is locked for a while',
      parts: [
        `After ${failures} failed tries in a row nobody can sign in to your account until ${timeOf(new Date(until))}. ` +
          'Sessions that are signed in go on.',
        ...aftermath(occasion),
      ],
    }
  },
  new_sign_in: (occasion) => {
    const { unfamiliar } = dataOf(occasion, 'user:logged_in')
    const what = unfamiliar.map((thing) => `a new ${thing}`).join(' in ')
    return {
      subject: 'New sign-in to your account',
      parts: [`Your account was signed in to from ${what}.`, ...aftermath(occasion)],
    }
  },
  email_change_old: (occasion) => ({
    subject: 'Confirm the change of your e-mail address',
    parts: [
      'Your account is to get another e-mail address. That takes a confirmation from this address and one from the new.',
      { link: occasion.links.confirmEmail('old'), label: 'Yes, change it' },
      `The link works for ${spanOf(occasion.resetTokenMs)}.`,
      ...aftermath(occasion),
    ],
  }),
  email_change_new: (occasion) => ({
    subject: 'Confirm your new e-mail address',
    parts: [
      'Somebody asked for this to become the e-mail address of an account. That takes a confirmation from this address ' +
        'and one from the present one.',
      { link: occasion.links.confirmEmail('new'), label: 'Yes, this is my address' },
      `The link works for ${spanOf(occasion.resetTokenMs)}. If you know nothing of it, leave this mail alone.`,
    ],
  }),
  email_changed_old: (occasion) => ({
    subject: 'The e-mail address of your account was changed',
    parts: [
      'Your account has another e-mail address now. This is the last mail about it to this one.',
      ...aftermath(occasion),
    ],
  }),
  email_changed_new: () => ({
    subject: 'The e-mail address of your account was changed',
    parts: ['This is the e-mail address of your account now. Mail about its security comes here from now on.'],
  }),
}

/** The facts, and the way out. */
const aftermath = ({ facts, links, notMeMs }: Occasion): readonly Part[] => [
  { facts },
  'If this was you, there is nothing to do. If not: the next link ends every session, shuts the password out and lets ' +
    `you choose a new one. It shows a page first, and works for ${spanOf(notMeMs)}.`,
  { link: links.notMe(), label: 'This was not me' },
]

/** The open data of an event whose kind of mail says which type it is of. */
const dataOf = <T extends EventType>(occasion: Occasion, type: T): DataOf<T> => {
  if (occasion.event.type !== type) throw new Error(`a mail about ${type} cannot be about ${occasion.event.type}`)
  return occasion.event.data as DataOf<T>
}
