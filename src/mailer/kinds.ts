/** Which event is a reason for which mail. Nothing else decides that a mail is sent. */
import type { AccountEvent, EventType } from '../account/events.ts'

export const mailKinds = [
  'password_reset',
  'invitation',
  'new_password_needed',
  'password_changed',
  'password_was_reset',
  'two_factor_enabled',
  'two_factor_disabled',
  'backup_codes_generated',
  'backup_code_used',
  'account_locked',
  'new_sign_in',
  'email_change_old',
  'email_change_new',
  'email_changed_old',
  'email_changed_new',
] as const
export type MailKind = (typeof mailKinds)[number]
export const isMailKind = (text: string): text is MailKind => (mailKinds as readonly string[]).includes(text)

export const mailsFor = (event: AccountEvent): readonly MailKind[] => {
  const rule = RULES[event.type]
  return typeof rule === 'function' ? (rule as (of: AccountEvent) => readonly MailKind[])(event) : (rule ?? [])
}

type Rule<T extends EventType> = readonly MailKind[] | ((event: AccountEvent<T>) => readonly MailKind[])

const RULES: { readonly [T in EventType]?: Rule<T> } = {
  'user.password:reset_requested': ({ metadata }) => [RESETS[metadata.actor.kind]],
  'user.password:changed': ({ data }) => [data.by === 'owner' ? 'password_changed' : 'password_was_reset'],
  'user.2fa:enabled': ['two_factor_enabled'],
  'user.2fa:disabled': ['two_factor_disabled'],
  'user.2fa:backup_codes_generated': ['backup_codes_generated'],
  'user.2fa:backup_code_used': ['backup_code_used'],
  'user:locked': ['account_locked'],
  'user:logged_in': ({ data }) => (data.unfamiliar.length === 0 ? [] : ['new_sign_in']),
  'user.email:change_requested': ['email_change_old', 'email_change_new'],
  'user.email:changed': ['email_changed_old', 'email_changed_new'],
}

/** Who types an address is anonymous; an operator makes an account; its owner said "this was not me". */
const RESETS = {
  anonymous: 'password_reset',
  system: 'password_reset',
  operator: 'invitation',
  user: 'new_password_needed',
} as const
