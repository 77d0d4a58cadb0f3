/** Setting up the second factor, its backup codes, and turning it off. */
import { accept, type Circumstances, type CommandOf, type Decision, type Rejection, reject } from '../commands.ts'
import type { AccountState } from '../state.ts'
import { endSessions, rotated } from './ending.ts'
import { wrongGuess } from './guess.ts'
import { judgeCode, methodOf } from './second-factor.ts'

/** A newer enrolment takes the place of the one before it: only the newest can be verified. */
export const startEnrollment = (
  { enrollmentId, totpSecret }: CommandOf<'startEnrollment'>,
  state: AccountState,
  { now, limits }: Circumstances,
): Decision =>
  state.twoFactor !== null
    ? reject({ code: 'two-factor-already-enabled' })
    : accept([
        {
          type: 'user.2fa:enrollment_started',
          data: { enrollmentId, expiresAt: new Date(now + limits.enrollmentMs).toISOString() },
          credential: { totpSecret },
        },
      ])

export const verifyEnrollment = (
  command: CommandOf<'verifyEnrollment'>,
  state: AccountState,
  circumstances: Circumstances,
): Decision => {
  const { by, fact, codeListId, totpSecret, backupCodes, tokenHash } = command
  const { enrollmentId } = fact
  const refusal = refuseEnrollment(enrollmentId, state, circumstances.now)
  if (refusal !== null) return reject(refusal)
  if (fact.kind === 'totpMismatched') {
    const failure = { type: 'user.2fa:enrollment_failed', data: { sessionId: by.sessionId, enrollmentId } } as const
    return wrongGuess(failure, by, state, circumstances, { kind: 'wrongCode' })
  }
  return accept([
    {
      type: 'user.2fa:enabled',
      data: { enrollmentId, step: fact.step, codeListId, rotated: rotated(by) },
      credential: { totpSecret, backupCodes, tokenHash },
    },
    ...endSessions(state, 'two_factor_changed', by.sessionId),
  ])
}

/** Is this the enrolment under way, and in time? Asked too before its code is checked or its picture shown. */
export const refuseEnrollment = (enrollmentId: string, state: AccountState, now: number): Rejection | null => {
  if (state.twoFactor !== null) return { code: 'two-factor-already-enabled' }
  const { enrollment } = state
  return enrollment?.id === enrollmentId && now < enrollment.expiresAt ? null : { code: 'enrollment-expired' }
}

/** The list before is dead from here on, its unused codes too. */
export const regenerateBackupCodes = (
  { codeListId, backupCodes }: CommandOf<'regenerateBackupCodes'>,
  state: AccountState,
): Decision =>
  state.twoFactor === null
    ? reject({ code: 'two-factor-not-enabled' })
    : accept([{ type: 'user.2fa:backup_codes_generated', data: { codeListId }, credential: { backupCodes } }])

/** Needs both: the password alone must not take the factor off, nor a borrowed phone alone. */
export const disableTwoFactor = (
  command: CommandOf<'disableTwoFactor'>,
  state: AccountState,
  circumstances: Circumstances,
): Decision => {
  const { by, password, code, tokenHash } = command
  const { twoFactor } = state
  if (twoFactor === null) return reject({ code: 'two-factor-not-enabled' })
  if (password.passwordEventId !== (state.password?.eventId ?? null)) return reject({ code: 'fact-stale' })
  const wrong = (method: 'password' | 'totp' | 'backup_code'): Decision => {
    const failure = { type: 'user.2fa:disable_failed', data: { sessionId: by.sessionId, method } } as const
    return wrongGuess(failure, by, state, circumstances, {
      kind: method === 'password' ? 'wrongPassword' : 'wrongCode',
    })
  }
  if (password.kind === 'passwordMismatched') return wrong('password')
  const verdict = code === undefined ? { kind: 'stale' as const } : judgeCode(code, state)
  if (code === undefined || verdict.kind === 'stale') return reject({ code: 'fact-stale' })
  if (verdict.kind === 'wrong') return wrong(methodOf(code))
  return accept([
    ...verdict.events,
    {
      type: 'user.2fa:disabled',
      data: { enrollmentId: twoFactor.enrollmentId, by: 'owner', rotated: rotated(by) },
      credential: { tokenHash },
    },
    ...endSessions(state, 'two_factor_changed', by.sessionId),
  ])
}
