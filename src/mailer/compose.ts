/**
 * Makes a mail of an event, at the moment it is sent: address and name are what the account says then, never what
 * somebody typed, and links lead to PUBLIC_URL, whatever the request said its host was.
 */
import type { AccountEvent, Personal } from '../account/events.ts'
import { readAccountEvent } from '../account/upcast.ts'
import { type Accounts, streamOf } from '../accounts/accounts.ts'
import { identityOf, openPersonalOf } from '../accounts/identity.ts'
import type { EventStore, RecordedEvent } from '../event-store/port.ts'
import type { Vault } from '../secrets/vault.ts'
import { factsOf } from './facts.ts'
import type { MailKind } from './kinds.ts'
import { asHtml, asText } from './letter.ts'
import { type LinkPurpose, makeToken } from './link-tokens.ts'
import type { Mailbox } from './settings.ts'
import { letterOf } from './texts.ts'
import { fitToShow } from './wording.ts'

export interface Mail {
  readonly to: Mailbox
  readonly subject: string
  readonly text: string
  readonly html: string
}

export interface ComposerOptions {
  readonly store: Pick<EventStore, 'read'>
  readonly accounts: Accounts
  readonly vault: Vault
  readonly publicUrl: string
  readonly limits: { readonly resetTokenMs: number; readonly notMeMs: number }
}

/** The event a mail is about. */
export interface Reason {
  readonly userId: string
  readonly eventId: string
  readonly revision: bigint
  readonly kind: MailKind
}

export type Compose = (reason: Reason) => Promise<Mail | null>

/**
 * null: there is nobody to write to any more, the person was erased. Throws what keeps store or vault from answering,
 * and where the event is not what it was.
 */
export const openComposer = (options: ComposerOptions): Compose => {
  const { store, accounts, vault, publicUrl, limits } = options
  return async (reason) => {
    const { userId, kind } = reason
    const account = await accounts.load(userId)
    const identity = await identityOf(vault, account)
    if (identity === null || account.state.status !== 'active') return null
    const event = await eventOf(store, reason)
    const personal = await openBox(vault, userId, event)
    const address = await addressFor(kind, identity.email, personal, () => addressBefore(store, vault, event, userId))
    if (address === null) return null

    const at = Date.parse(event.metadata.occurredAt)
    const token = (purpose: LinkPurpose) => makeToken(vault.key('links'), purpose, { userId, eventId: event.id, at })
    // Behind a # a token reaches no server and no server's log; the page there sends it by POST. The page of "not me" is
    // served for its token, so that it works without the web application.
    const links = {
      reset: () => `${publicUrl}/reset-password#token=${token('reset')}`,
      confirmEmail: (which: 'old' | 'new') => `${publicUrl}/confirm-email#token=${token(`email-${which}`)}`,
      notMe: () => `${publicUrl}/v1/auth/not-me?token=${token('not-me')}`,
    }
    // Who asked for a new address may not own it: nothing of the account goes there but the question.
    const name = kind === 'email_change_new' ? null : fitToShow(identity.name)
    const letter = letterOf(kind, { event, facts: factsOf(event, personal), links, ...limits }, name)
    return { to: { name, address }, subject: letter.subject, text: asText(letter), html: asHtml(letter) }
  }
}

const addressFor = async (
  kind: MailKind,
  current: string,
  personal: Personal | null,
  before: () => Promise<string | null>,
): Promise<string | null> => {
  switch (kind) {
    case 'email_change_old':
    case 'email_changed_old':
      return before()
    case 'email_change_new':
    case 'email_changed_new':
      return personal?.email ?? null
    default:
      return current
  }
}

const eventOf = async (store: Pick<EventStore, 'read'>, reason: Reason): Promise<AccountEvent> => {
  for await (const stored of store.read(streamOf(reason.userId), { from: reason.revision, limit: 1 })) {
    if (stored.id === reason.eventId) return readAccountEvent(stored)
  }
  throw new Error('the event that a mail is about is not in the store')
}

/** The address the account had when the event came: whoever owned it then is told, also where it has been changed since. */
const addressBefore = async (
  store: Pick<EventStore, 'read'>,
  vault: Vault,
  { revision }: AccountEvent,
  userId: string,
): Promise<string | null> => {
  if (revision === 0n) return null
  const earlier = store.read(streamOf(userId), { from: revision - 1n, backwards: true })
  for await (const stored of earlier) {
    if (setsAddress(stored)) return (await openBox(vault, userId, readAccountEvent(stored)))?.email ?? null
  }
  return null
}

const setsAddress = ({ type }: RecordedEvent): boolean =>
  ['user:registered', 'user.email:changed', 'user.email:restored'].includes(type)

const openBox = (vault: Vault, userId: string, { id, type, personal }: AccountEvent): Promise<Personal | null> =>
  openPersonalOf(vault, userId, { eventId: id, type, box: personal })
