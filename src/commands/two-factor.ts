/** Setting up the second factor, its backup codes, and turning it off. */
import { randomUUID } from 'node:crypto'
import type { CommandOf, Outcome, Rejection, TotpFact } from '../account/commands.ts'
import { refuseEnrollment } from '../account/decisions/two-factor.ts'
import type { Secret } from '../account/events.ts'
import type { Account } from '../accounts/accounts.ts'
import { hashBackupCodes, newBackupCodes } from '../secrets/backup-codes.ts'
import { matchingStep, newTotpSecret } from '../secrets/totp.ts'
import { runBySession, type SessionRequest } from './by-session.ts'
import { type CodeMethod, checkCodeOf } from './check-code.ts'
import { checkPasswordOf } from './check-password.ts'
import type { Answer, CommandResult } from './command-bus.ts'
import { guardGuesses, nextToken } from './in-session.ts'
import { openCredentialOf } from './open-credential.ts'
import type { Services } from './services.ts'

type Answering = (outcome: Outcome) => Answer

/** Needs the sudo window: whoever sets up a factor of his own shuts the owner out. */
export const startEnrollment = async (
  services: Services,
  request: SessionRequest,
  answer: Answering,
): Promise<{ readonly result: CommandResult; readonly enrollmentId: string; readonly secret: Secret }> => {
  const enrollmentId = randomUUID()
  const secret = newTotpSecret() as Secret
  const start = () => ({ kind: 'startEnrollment', enrollmentId, totpSecret: secret }) as const
  return { result: await runBySession(services, request, start, answer, { sudo: true }), enrollmentId, secret }
}

/** The secret of the enrolment under way, to be shown once more as a picture. */
export const enrollmentSecret = async (
  { vault, now }: Services,
  account: Account,
  enrollmentId: string,
): Promise<
  { readonly kind: 'found'; readonly secret: Secret } | { readonly kind: 'refused'; readonly rejection: Rejection }
> => {
  const rejection = refuseEnrollment(enrollmentId, account.state, now())
  if (rejection !== null) return { kind: 'refused', rejection }
  const secret = await pendingSecret(vault, account)
  return secret === null ? { kind: 'refused', rejection: { code: 'enrollment-expired' } } : { kind: 'found', secret }
}

/** `backupCodes`, `token`: to be shown and set only where the command is accepted with `done`. */
export const verifyEnrollment = async (
  services: Services,
  request: SessionRequest,
  { enrollmentId, code }: { readonly enrollmentId: string; readonly code: string },
  answer: Answering,
): Promise<{ readonly result: CommandResult; readonly backupCodes: readonly string[]; readonly token: string }> => {
  const backupCodes = newBackupCodes()
  const { tokenHash, token } = nextToken(request.who)
  const codes = { codeListId: randomUUID(), backupCodes: hashBackupCodes(backupCodes) }
  const establish = async (account: Account): Promise<Verification> => {
    const isUnderWay = refuseEnrollment(enrollmentId, account.state, services.now()) === null
    const totpSecret = isUnderWay ? await pendingSecret(services.vault, account) : null
    const step = totpSecret === null ? null : matchingStep(totpSecret, code, services.now())
    const fact: TotpFact =
      step === null ? { kind: 'totpMismatched', enrollmentId } : { kind: 'totpMatched', enrollmentId, step }
    return { kind: 'verifyEnrollment', fact, totpSecret: totpSecret ?? ('' as Secret), tokenHash, ...codes }
  }
  const attempt = () => runBySession(services, request, establish, answer)
  return { result: await guardGuesses(services, request.who, attempt), backupCodes, token }
}

type Verification = Omit<CommandOf<'verifyEnrollment'>, 'by' | 'repeat'>

const pendingSecret = async (vault: Services['vault'], { userId, state }: Account): Promise<Secret | null> => {
  if (state.enrollment === null) return null
  return (await openCredentialOf(vault, userId, state.enrollment.secret))?.totpSecret ?? null
}

export const regenerateBackupCodes = async (
  services: Services,
  request: SessionRequest,
  answer: Answering,
): Promise<{ readonly result: CommandResult; readonly backupCodes: readonly string[] }> => {
  const backupCodes = newBackupCodes()
  const command = {
    kind: 'regenerateBackupCodes',
    codeListId: randomUUID(),
    backupCodes: hashBackupCodes(backupCodes),
  } as const
  return { result: await runBySession(services, request, () => command, answer, { sudo: true }), backupCodes }
}

/** `token`: for the cookie, where it is accepted. */
export const disableTwoFactor = async (
  services: Services,
  request: SessionRequest,
  proof: { readonly password: string; readonly method: CodeMethod; readonly code: string },
  answer: Answering,
): Promise<{ readonly result: CommandResult; readonly token: string }> => {
  const { tokenHash, token } = nextToken(request.who)
  const establish = async (account: Account): Promise<Omit<CommandOf<'disableTwoFactor'>, 'by' | 'repeat'>> => {
    const { fact: password } = await checkPasswordOf(services, account, proof.password)
    const command = { kind: 'disableTwoFactor', password, tokenHash } as const
    if (password.kind === 'passwordMismatched') return command
    return { ...command, code: await checkCodeOf(services, account, proof.method, proof.code) }
  }
  // Without a factor there is nothing to disable, and a password checked here would be a guess that nobody counts.
  if (request.who.account.state.twoFactor === null) {
    return { result: { kind: 'rejected', rejection: { code: 'two-factor-not-enabled' } }, token }
  }
  return {
    result: await guardGuesses(services, request.who, () => runBySession(services, request, establish, answer)),
    token,
  }
}
