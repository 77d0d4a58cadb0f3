/**
 * What can be asked of an account, and what a decision can answer.
 *
 * A command carries facts, never secrets: the shell round the domain compared the password, and says so. EVERY FACT
 * NAMES WHAT IT WAS CHECKED AGAINST, so that a decision can tell that the world has moved on since: a log-in whose
 * password was right a moment before the owner changed it is checked again, not let in.
 */
import type {
  CoarseClient,
  EndedReason,
  Idempotency,
  NewAccountEvent,
  Personal,
  Secret,
  SignInMethod,
} from './events.ts'

/** The password compared equal, or not, to the hash in the credential box of the event `passwordEventId`. */
export type PasswordFact = {
  readonly kind: 'passwordMatched' | 'passwordMismatched'
  /** null: the account has no password yet. */
  readonly passwordEventId: string | null
}

/** The new password was compared to the hash of each of these events, and equals that of `reuses` or of none. */
export type FreshPasswordFact = {
  readonly kind: 'newPasswordCompared'
  readonly passwordEventIds: readonly string[]
  readonly reuses: string | null
}

/** The code is that of `step` (RFC 6238) under the secret of this enrolment, or that of no step that is due. */
export type TotpFact =
  | { readonly kind: 'totpMatched'; readonly enrollmentId: string; readonly step: number }
  | { readonly kind: 'totpMismatched'; readonly enrollmentId: string }

/** The code is the one at `index` of this list, or none of it. */
export type BackupCodeFact =
  | { readonly kind: 'backupCodeMatched'; readonly codeListId: string; readonly index: number }
  | { readonly kind: 'backupCodeMismatched'; readonly codeListId: string }

export type CodeFact = TotpFact | BackupCodeFact

/** Whether the account must be kept as it is. The vault says so, and keeps it so until the append is done. */
export interface LegalHoldFact {
  readonly kind: 'underLegalHold' | 'noLegalHold'
}

/** Which session asks. Decided again at the append: it must be live, and its token of this generation, then. */
export interface SessionClaim {
  readonly sessionId: string
  readonly generation: number
  /** The command needs a recent proof of identity. */
  readonly sudo?: true
}

/** An Idempotency-Key, bound to who sent it and where to, and what was sent under it. */
export interface RepeatClaim {
  readonly commandId: string
  readonly bodyHash: string
}

export interface BySession {
  readonly by: SessionClaim
  readonly repeat?: RepeatClaim
}

/** Asked with an access token: whether it may is decided by its scopes, outside the account. */
export interface ByOperator {
  readonly as: 'operator'
  readonly repeat?: RepeatClaim
}

/** A new token for the session that asks, valid from the answer on. */
interface Rotating {
  readonly tokenHash: Secret
}

interface NewSession extends Rotating {
  readonly sessionId: string
  /** Where the sign-in comes from. */
  readonly client: CoarseClient | null
}

interface NewPassword {
  /** Absent while what has to be right first is not: nothing is compared for a stranger. */
  readonly fresh?: FreshPasswordFact
  readonly passwordHash?: Secret
}

export type FieldValues = NonNullable<Personal['values']>

export type Command =
  | { readonly kind: 'register'; readonly email: string; readonly name: string | null; readonly passwordHash: Secret }
  | ({
      readonly kind: 'logIn'
      readonly fact: PasswordFact
      /** A hash of the same password under today's stronger parameters. */
      readonly strongerHash?: Secret
    } & NewSession)
  | ({
      readonly kind: 'completeLogIn'
      /** What the first step left behind: its id, and the credentials it was of. */
      readonly challenge: { readonly id: string; readonly credentialEpoch: number }
      readonly fact: CodeFact
    } & NewSession)
  | ({ readonly kind: 'logOut' } & BySession)
  | ({ readonly kind: 'reauthenticate'; readonly fact: PasswordFact | TotpFact } & Rotating & BySession)
  | ({
      readonly kind: 'changePassword'
      readonly fact: PasswordFact
      readonly keepOtherSessions: boolean
    } & NewPassword &
      Rotating &
      BySession)
  | { readonly kind: 'requestPasswordReset' }
  | ({ readonly kind: 'resetPassword'; readonly resetId: string } & NewPassword)
  /** `eventId`, `at`: what was reported to the owner, and when it happened. */
  | {
      readonly kind: 'reportCompromise'
      readonly eventId: string
      readonly at: number
      /** The former address, where the report comes from there; whether it could be filed for the account again. */
      readonly restore?: { readonly email: string; readonly standing: 'filed' | 'taken' }
    }
  | ({ readonly kind: 'startEnrollment'; readonly enrollmentId: string; readonly totpSecret: Secret } & BySession)
  | ({
      readonly kind: 'verifyEnrollment'
      readonly fact: TotpFact
      readonly totpSecret: Secret
      readonly codeListId: string
      readonly backupCodes: Secret
    } & Rotating &
      BySession)
  | ({ readonly kind: 'regenerateBackupCodes'; readonly codeListId: string; readonly backupCodes: Secret } & BySession)
  | ({
      readonly kind: 'disableTwoFactor'
      readonly password: PasswordFact
      /** Absent while the password did not match. */
      readonly code?: CodeFact
    } & Rotating &
      BySession)
  | ({ readonly kind: 'revokeSession'; readonly sessionId: string } & BySession)
  | ({ readonly kind: 'revokeOtherSessions' } & BySession)
  | { readonly kind: 'expireSession'; readonly sessionId: string; readonly limit: 'idle' | 'absolute' }
  | ({
      readonly kind: 'updateProfile' | 'updatePreferences'
      /** The version the change is based on. */
      readonly version: string
      /** Only fields whose values differ from those of that version. */
      readonly values: FieldValues
    } & BySession)
  | ({ readonly kind: 'requestEmailChange'; readonly fact: PasswordFact; readonly email: string } & BySession)
  | {
      readonly kind: 'confirmEmailChange'
      readonly changeId: string
      readonly address: 'old' | 'new'
      /** The new one, as it was requested. */
      readonly email: string
      /** What the look-up of addresses says of it. Not asked before both mailboxes have confirmed. */
      readonly standing: 'filed' | 'taken' | 'notAsked'
    }
  | ({ readonly kind: 'createUser'; readonly email: string; readonly name: string | null } & ByOperator)
  | ({ readonly kind: 'unlock' | 'revokeAllSessions' | 'disableTwoFactorOf' } & ByOperator)
  | ({ readonly kind: 'erase'; readonly fact: LegalHoldFact } & ByOperator)

export type CommandKind = Command['kind']
export type CommandOf<K extends CommandKind> = Extract<Command, { readonly kind: K }>

/** What the decision depends on besides command and state. Times in milliseconds. */
export interface Circumstances {
  readonly now: number
  readonly limits: Limits
}

export interface Limits {
  readonly lockAfterFailures: number
  readonly lockMs: number
  readonly sessionAbsoluteMs: number
  readonly sudoMs: number
  readonly sessionsMax: number
  readonly idempotencyMs: number
  /** Between password and second factor. */
  readonly challengeMs: number
  readonly enrollmentMs: number
  /** How long the links of a password reset and of an e-mail change work. */
  readonly resetTokenMs: number
  readonly notMeMs: number
  readonly resetMailsPerHour: number
}

export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'signedIn'; readonly sessionId: string; readonly method: SignInMethod }
  /** The password was right, and a second factor is asked for. Nothing has happened to the account yet. */
  | { readonly kind: 'secondFactorRequired'; readonly credentialEpoch: number }
  | { readonly kind: 'revoked'; readonly count: number }
  /** A wrong secret: recorded, and told only once that record is in the store. */
  | { readonly kind: 'wrongPassword' }
  | { readonly kind: 'wrongCode' }
  /** Of an e-mail change: the other address has to confirm too. */
  | { readonly kind: 'halfConfirmed' }

export type Rejection =
  /** A fact was checked against something that is no longer so: check again. Never leaves the shell. */
  | { readonly code: 'fact-stale' }
  | { readonly code: 'email-taken' }
  | { readonly code: 'invalid-credentials' }
  | { readonly code: 'login-throttled'; readonly until: number }
  | { readonly code: 'challenge-expired' }
  | { readonly code: 'unauthenticated' }
  | { readonly code: 'session-ended'; readonly reason: EndedReason }
  | { readonly code: 'session-expired'; readonly limit: 'idle' | 'absolute' | 'ended' }
  | { readonly code: 'reauthentication-required' }
  /** With a second factor on, a code from the app opens the sudo window, and nothing else does. */
  | { readonly code: 'totp-required' }
  | { readonly code: 'current-session' }
  | { readonly code: 'session-not-found' }
  | { readonly code: 'password-reused' }
  | { readonly code: 'token-invalid' }
  | { readonly code: 'two-factor-already-enabled' }
  | { readonly code: 'two-factor-not-enabled' }
  | { readonly code: 'enrollment-expired' }
  /** Somebody else changed it meanwhile. */
  | { readonly code: 'version-stale' }
  | { readonly code: 'account-not-found' }
  | { readonly code: 'legal-hold' }
  | { readonly code: 'too-many-requests'; readonly until: number }
  | { readonly code: 'idempotency-mismatch' }

export type Decision =
  | { readonly kind: 'accepted'; readonly events: readonly NewAccountEvent[]; readonly outcome: Outcome }
  /** The very command, done before: nothing is appended, and its answer is given again. */
  | { readonly kind: 'repeated'; readonly idempotency: Idempotency }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }

export const accept = (events: readonly NewAccountEvent[], outcome: Outcome = { kind: 'done' }): Decision => ({
  kind: 'accepted',
  events,
  outcome,
})

export const reject = (rejection: Rejection): Decision => ({ kind: 'rejected', rejection })
