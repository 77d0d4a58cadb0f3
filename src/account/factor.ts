/** What an account keeps of its second factor, and how its events change that. */
import { type BoxRef, credentialOf } from './box-ref.ts'
import type { AccountEvent } from './events.ts'

/** A second factor being set up: it asks nobody for a code before it is verified. */
export interface Enrollment {
  readonly id: string
  readonly expiresAt: number
  readonly secret: BoxRef
}

export interface TwoFactor {
  readonly enrollmentId: string
  readonly enabledAt: number
  /** Time step of the last code accepted, wherever it was: this one and all before it are used up. */
  readonly lastStep: number
  readonly secret: BoxRef
  readonly codes: BackupCodes
}

interface BackupCodes {
  readonly listId: string
  readonly generatedAt: number
  readonly hashes: BoxRef
  readonly used: readonly { readonly index: number; readonly at: number }[]
}

export const enrollmentOf = (event: AccountEvent<'user.2fa:enrollment_started'>): Enrollment => ({
  id: event.data.enrollmentId,
  expiresAt: Date.parse(event.data.expiresAt),
  secret: credentialOf(event),
})

export const factorOf = (event: AccountEvent<'user.2fa:enabled'>, at: number): TwoFactor => ({
  enrollmentId: event.data.enrollmentId,
  enabledAt: at,
  lastStep: event.data.step,
  secret: credentialOf(event),
  codes: codesOf(event, at),
})

export const withNewCodes = (
  factor: TwoFactor | null,
  event: AccountEvent<'user.2fa:backup_codes_generated'>,
  at: number,
): TwoFactor | null => (factor === null ? null : { ...factor, codes: codesOf(event, at) })

/** Of another list than today's: that list is dead, and which of its codes were used no longer matters. */
export const withCodeUsed = (
  factor: TwoFactor | null,
  { data: { codeListId, index } }: AccountEvent<'user.2fa:backup_code_used'>,
  at: number,
): TwoFactor | null => {
  if (factor === null || factor.codes.listId !== codeListId) return factor
  const used = [...factor.codes.used.filter((code) => code.index !== index), { index, at }]
  return { ...factor, codes: { ...factor.codes, used } }
}

export const withStepUsed = (factor: TwoFactor | null, step: number | null): TwoFactor | null =>
  factor === null || step === null ? factor : { ...factor, lastStep: Math.max(factor.lastStep, step) }

const codesOf = (
  event: AccountEvent<'user.2fa:enabled' | 'user.2fa:backup_codes_generated'>,
  at: number,
): TwoFactor['codes'] => ({
  listId: event.data.codeListId,
  generatedAt: at,
  hashes: credentialOf(event),
  used: [],
})
