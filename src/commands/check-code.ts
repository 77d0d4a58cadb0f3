/** Establishes the fact about a code of the second factor, naming the secret or the list it was checked against. */
import type { CodeFact } from '../account/commands.ts'
import type { SignInMethod } from '../account/events.ts'
import type { Account } from '../accounts/accounts.ts'
import { matchingBackupCode } from '../secrets/backup-codes.ts'
import { matchingStep } from '../secrets/totp.ts'
import { openCredentialOf } from './open-credential.ts'
import type { Services } from './services.ts'

export type CodeMethod = Exclude<SignInMethod, 'password'>

/** Of an account without a second factor the fact names none, and the decider finds it out of date. */
export const checkCodeOf = async (
  { vault, now }: Services,
  { userId, state: { twoFactor } }: Account,
  method: CodeMethod,
  code: string,
): Promise<CodeFact> => {
  if (method === 'totp') {
    const enrollmentId = twoFactor?.enrollmentId ?? ''
    const credential = twoFactor === null ? null : await openCredentialOf(vault, userId, twoFactor.secret)
    const secret = credential?.totpSecret
    const step = secret === undefined ? null : matchingStep(secret, code, now())
    return step === null ? { kind: 'totpMismatched', enrollmentId } : { kind: 'totpMatched', enrollmentId, step }
  }
  const codeListId = twoFactor?.codes.listId ?? ''
  const credential = twoFactor === null ? null : await openCredentialOf(vault, userId, twoFactor.codes.hashes)
  const hashes = credential?.backupCodes
  const index = hashes === undefined ? null : matchingBackupCode(hashes, code)
  return index === null
    ? { kind: 'backupCodeMismatched', codeListId }
    : { kind: 'backupCodeMatched', codeListId, index }
}
