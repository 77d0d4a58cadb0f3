/** Events and commands that many tests begin with. */
import type { Command, CommandOf, FreshPasswordFact, PasswordFact, SessionClaim } from '../../src/account/commands.ts'
import type { CoarseClient, DataOf, EventType, Secret } from '../../src/account/events.ts'
import { eventId, type PastEvent, sessionId } from './given.ts'

type Details<T extends EventType> = Partial<Omit<PastEvent<T>, 'type' | 'data'>>

export const aSecret = (name: string): Secret => name as Secret

export const registered = (details: Details<'user:registered'> = {}): PastEvent => ({
  type: 'user:registered',
  data: {},
  ...details,
})

export const loggedIn = (n: number, details: Details<'user:logged_in'> = {}): PastEvent => ({
  type: 'user:logged_in',
  data: signInData(n),
  ...details,
})

/** With the password alone, from where the account is known; nothing of it is remarkable. */
export const signInData = (n: number, more: Partial<DataOf<'user:logged_in'>> = {}): DataOf<'user:logged_in'> => ({
  sessionId: sessionId(n),
  method: 'password',
  challengeId: null,
  step: null,
  unfamiliar: [],
  ...more,
})

export const failedLogIn = (failures: number, details: Details<'user:login_failed'> = {}): PastEvent => ({
  type: 'user:login_failed',
  data: { method: 'password', failures },
  ...details,
})

/** Changed inside session n, whose token is then of this generation; 'reset': from outside every session. */
export const passwordChanged = (
  n: number | 'reset',
  generation = 1,
  details: Details<'user.password:changed'> = {},
): PastEvent => ({
  type: 'user.password:changed',
  data:
    n === 'reset'
      ? { by: 'password_reset', rotated: null }
      : { by: 'owner', rotated: { sessionId: sessionId(n), generation } },
  ...details,
})

export const rehashed = (replaces: string): PastEvent => ({ type: 'user.password:rehashed', data: { replaces } })

export const loggedOut = (n: number): PastEvent => ({ type: 'user:logged_out', data: { sessionId: sessionId(n) } })

export const revoked = (n: number): PastEvent => ({
  type: 'user.session:revoked',
  data: { sessionId: sessionId(n), by: 'owner' },
})

export const expired = (n: number, limit: 'idle' | 'absolute' = 'idle'): PastEvent => ({
  type: 'user.session:expired',
  data: { sessionId: sessionId(n), limit },
})

export const erased: PastEvent = { type: 'user:erased', data: {}, personal: null, credential: null }

export const by = (n: number, generation = 0): SessionClaim => ({ sessionId: sessionId(n), generation })

export const logInWith = (
  kind: PasswordFact['kind'],
  { passwordEventId = eventId(0), session = 1, strongerHash, client = null }: LogInDetails = {},
): CommandOf<'logIn'> => ({
  kind: 'logIn',
  fact: { kind, passwordEventId },
  sessionId: sessionId(session),
  tokenHash: aSecret('token hash'),
  client,
  ...(strongerHash === undefined ? {} : { strongerHash }),
})

interface LogInDetails {
  readonly passwordEventId?: string
  readonly session?: number
  readonly strongerHash?: Secret
  readonly client?: CoarseClient | null
}

export const logOut = (claim: SessionClaim): Command => ({ kind: 'logOut', by: claim })

export const revoke = (claim: SessionClaim, n: number): CommandOf<'revokeSession'> => ({
  kind: 'revokeSession',
  by: claim,
  sessionId: sessionId(n),
})

export const revokeOthers = (claim: SessionClaim): Command => ({ kind: 'revokeOtherSessions', by: claim })

export const expire = (n: number, limit: 'idle' | 'absolute'): Command => ({
  kind: 'expireSession',
  sessionId: sessionId(n),
  limit,
})

/** The current password, that of event `passwordEvent`, matched, and the new one equals none of those compared. */
export const changePassword = (
  claim: SessionClaim,
  { passwordEvent = 0, compared = [passwordEvent], reuses = null, keepOtherSessions = false }: ChangeDetails = {},
): CommandOf<'changePassword'> => ({
  kind: 'changePassword',
  by: claim,
  fact: { kind: 'passwordMatched', passwordEventId: eventId(passwordEvent) },
  fresh: freshAgainst(compared, reuses),
  passwordHash: aSecret('new password hash'),
  tokenHash: aSecret('new token hash'),
  keepOtherSessions,
})

interface ChangeDetails {
  readonly passwordEvent?: number
  readonly compared?: readonly number[]
  readonly reuses?: number | null
  readonly keepOtherSessions?: boolean
}

const freshAgainst = (compared: readonly number[], reuses: number | null): FreshPasswordFact => ({
  kind: 'newPasswordCompared',
  passwordEventIds: compared.map(eventId),
  reuses: reuses === null ? null : eventId(reuses),
})

/** The shell sends neither comparison nor hash of a new password where the current one was wrong. */
export const changeWithWrongPassword = (claim: SessionClaim, passwordEvent = 0): CommandOf<'changePassword'> => ({
  kind: 'changePassword',
  by: claim,
  fact: { kind: 'passwordMismatched', passwordEventId: eventId(passwordEvent) },
  tokenHash: aSecret('new token hash'),
  keepOtherSessions: false,
})
