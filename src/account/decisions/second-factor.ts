/** Is this code right now? A right one that was used before, or is older than one that was, is a wrong one. */
import type { CodeFact } from '../commands.ts'
import type { NewAccountEvent, SignInMethod } from '../events.ts'
import type { TwoFactor } from '../factor.ts'
import type { AccountState } from '../state.ts'

export type CodeVerdict =
  /** `step`: of the TOTP code, used up from now on. `events`: what the use of a backup code leaves behind. */
  | { readonly kind: 'right'; readonly step: number | null; readonly events: readonly NewAccountEvent[] }
  | { readonly kind: 'wrong' }
  /** Checked against a secret or a list that the account no longer has. */
  | { readonly kind: 'stale' }

export const BACKUP_CODES = 10

export const judgeCode = (fact: CodeFact, { twoFactor }: Pick<AccountState, 'twoFactor'>): CodeVerdict => {
  if (twoFactor === null) return { kind: 'stale' }
  switch (fact.kind) {
    case 'totpMatched':
    case 'totpMismatched':
      if (fact.enrollmentId !== twoFactor.enrollmentId) return { kind: 'stale' }
      if (fact.kind === 'totpMismatched' || fact.step <= twoFactor.lastStep) return { kind: 'wrong' }
      return { kind: 'right', step: fact.step, events: [] }
    case 'backupCodeMatched':
    case 'backupCodeMismatched':
      if (fact.codeListId !== twoFactor.codes.listId) return { kind: 'stale' }
      if (fact.kind === 'backupCodeMismatched' || isUsed(twoFactor, fact.index)) return { kind: 'wrong' }
      return { kind: 'right', step: null, events: [used(twoFactor, fact.index)] }
  }
}

export const methodOf = (fact: CodeFact): Exclude<SignInMethod, 'password'> =>
  fact.kind === 'totpMatched' || fact.kind === 'totpMismatched' ? 'totp' : 'backup_code'

export const remainingCodes = ({ codes }: TwoFactor): number => BACKUP_CODES - codes.used.length

const isUsed = ({ codes }: TwoFactor, index: number): boolean => codes.used.some((code) => code.index === index)

const used = (twoFactor: TwoFactor, index: number): NewAccountEvent => ({
  type: 'user.2fa:backup_code_used',
  data: { codeListId: twoFactor.codes.listId, index, remaining: remainingCodes(twoFactor) - 1 },
})
