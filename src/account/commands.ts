/**
 * What can be asked of an account, and what a decision can answer.
 *
 * A command carries facts, never secrets: the shell round the domain compared the password, and says so. EVERY FACT
 * NAMES WHAT IT WAS CHECKED AGAINST, so that a decision can tell that the world has moved on since: a log-in whose
 * password was right a moment before the owner changed it is checked again, not let in.
 */
import type { EndedReason, Idempotency, NewAccountEvent, Secret, SignInMethod } from './events.ts'

/** The password compared equal, or not, to the hash in the credential box of the event `passwordEventId`. */
export type PasswordFact = {
  readonly kind: 'passwordMatched' | 'passwordMismatched'
  readonly passwordEventId: string
}

/** The new password was compared to the hash of each of these events, and equals that of `reuses` or of none. */
export type FreshPasswordFact = {
  readonly kind: 'newPasswordCompared'
  readonly passwordEventIds: readonly string[]
  readonly reuses: string | null
}

/** Which session asks. Decided again at the append: it must be live, and its token of this generation, then. */
export interface SessionClaim {
  readonly sessionId: string
  readonly generation: number
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

export type Command =
  | { readonly kind: 'register'; readonly email: string; readonly name: string | null; readonly passwordHash: Secret }
  | {
      readonly kind: 'logIn'
      readonly fact: PasswordFact
      readonly sessionId: string
      readonly tokenHash: Secret
      /** A hash of the same password under today's stronger parameters. */
      readonly strongerHash?: Secret
    }
  | ({ readonly kind: 'logOut' } & BySession)
  | ({
      readonly kind: 'changePassword'
      readonly fact: PasswordFact
      /** Absent while the current password did not match: nothing is compared for a stranger. */
      readonly fresh?: FreshPasswordFact
      readonly passwordHash?: Secret
      readonly tokenHash: Secret
      readonly keepOtherSessions: boolean
    } & BySession)
  | ({ readonly kind: 'revokeSession'; readonly sessionId: string } & BySession)
  | ({ readonly kind: 'revokeOtherSessions' } & BySession)
  | { readonly kind: 'expireSession'; readonly sessionId: string; readonly limit: 'idle' | 'absolute' }

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
}

export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'signedIn'; readonly sessionId: string; readonly method: SignInMethod }
  | { readonly kind: 'revoked'; readonly count: number }
  /** A wrong secret: recorded, and told only once that record is in the store. */
  | { readonly kind: 'wrongPassword' }

export type Rejection =
  /** A fact was checked against something that is no longer so: check again. Never leaves the shell. */
  | { readonly code: 'fact-stale' }
  | { readonly code: 'email-taken' }
  | { readonly code: 'invalid-credentials' }
  | { readonly code: 'login-throttled'; readonly until: number }
  | { readonly code: 'unauthenticated' }
  | { readonly code: 'session-ended'; readonly reason: EndedReason }
  | { readonly code: 'session-expired'; readonly limit: 'idle' | 'absolute' | 'ended' }
  | { readonly code: 'current-session' }
  | { readonly code: 'session-not-found' }
  | { readonly code: 'password-reused' }
  | { readonly code: 'two-factor-required' }
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
