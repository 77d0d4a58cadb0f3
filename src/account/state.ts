/**
 * What an account is, folded from its history. `evolve` is total: it accepts every event of the catalogue in any
 * state, judges nothing and forgets what can no longer matter, so that the state stays bounded however long the
 * history grows. Boxes stay closed in it.
 */
import type { AccountEvent, EndedReason, EventType, Idempotency, MaybeBox } from './events.ts'

/** A sealed value and what it is bound to: without these two names the box cannot be opened. */
export interface BoxRef {
  readonly eventId: string
  readonly type: EventType
  readonly box: MaybeBox
}

export interface Session {
  readonly id: string
  /** Grows by one with each rotation of the token; a token of an older generation is dead. */
  readonly generation: number
  /** The credential box that holds the hash of the current token. */
  readonly token: BoxRef
  readonly signedInAt: number
  /** When the person last proved who they are in this session; opens the sudo window. Milliseconds since 1970. */
  readonly provenAt: number
  /** Wrong passwords and codes entered inside this session since the last right one. */
  readonly failures: number
}

export interface EndedSession {
  readonly id: string
  readonly reason: EndedReason
}

export interface RecentCommand {
  readonly commandId: string
  readonly at: number
  readonly idempotency: Idempotency
}

export interface TwoFactor {
  readonly enrollmentId: string
  readonly enabledAt: number
  readonly lastStep: number
  readonly codeListId: string
  readonly secret: BoxRef
}

export interface AccountState {
  readonly status: 'none' | 'active' | 'erased'
  readonly registeredAt: number
  /** Personal box with the current e-mail address and the name given at registration. */
  readonly identity: BoxRef | null
  readonly password: BoxRef | null
  readonly passwordChangedAt: number
  /** Hashes of the passwords before the current one, newest first. */
  readonly formerPasswords: readonly BoxRef[]
  readonly twoFactor: TwoFactor | null
  /** Grows with every change of password or factor; a log-in half done under an older epoch is dead. */
  readonly credentialEpoch: number
  /** Failed sign-ins in a row. A pause longer than the lock time starts a new row. */
  readonly failures: { readonly count: number; readonly lastAt: number }
  readonly lockedUntil: number
  /** Oldest first. */
  readonly sessions: readonly Session[]
  /** The last ones, oldest first. */
  readonly ended: readonly EndedSession[]
  readonly lastLogIn: AccountEvent<'user:logged_in'> | null
  readonly recentCommands: readonly RecentCommand[]
}

export const FORMER_PASSWORDS = 3
export const ENDED_SESSIONS = 1_000
export const RECENT_COMMANDS = 256

export const initialState: AccountState = {
  status: 'none',
  registeredAt: 0,
  identity: null,
  password: null,
  passwordChangedAt: 0,
  formerPasswords: [],
  twoFactor: null,
  credentialEpoch: 0,
  failures: { count: 0, lastAt: 0 },
  lockedUntil: 0,
  sessions: [],
  ended: [],
  lastLogIn: null,
  recentCommands: [],
}

export const evolve = (before: AccountState, event: AccountEvent): AccountState => remember(apply(before, event), event)

const apply = (state: AccountState, event: AccountEvent): AccountState => {
  const at = Date.parse(event.metadata.occurredAt)
  switch (event.type) {
    case 'user:registered':
      return {
        ...state,
        status: 'active',
        registeredAt: at,
        identity: ref(event, event.personal),
        password: ref(event, event.credential),
        passwordChangedAt: at,
      }
    case 'user:logged_in':
      return {
        ...state,
        sessions: [...state.sessions, newSession(event, at)],
        failures: { count: 0, lastAt: 0 },
        lastLogIn: event,
      }
    case 'user:logged_out':
      return end(state, event.data.sessionId, 'logged_out')
    case 'user:login_failed':
      return { ...state, failures: { count: event.data.failures, lastAt: at } }
    case 'user:locked':
      return { ...state, failures: { count: 0, lastAt: 0 }, lockedUntil: Date.parse(event.data.until) }
    case 'user:unlocked':
      return { ...state, failures: { count: 0, lastAt: 0 }, lockedUntil: 0 }
    case 'user:erased':
      return erase(state)
    case 'user.password:changed':
      return {
        ...rotate(state, event, event.data.rotated, at),
        password: ref(event, event.credential),
        passwordChangedAt: at,
        formerPasswords: (state.password === null ? [] : [state.password])
          .concat(state.formerPasswords)
          .slice(0, FORMER_PASSWORDS),
        credentialEpoch: state.credentialEpoch + 1,
      }
    case 'user.password:change_failed':
      return updateSession(state, event.data.sessionId, (session) => ({ ...session, failures: session.failures + 1 }))
    case 'user.password:rehashed':
      return { ...state, password: ref(event, event.credential) }
    case 'user.2fa:enabled':
      return {
        ...rotate(state, event, event.data.rotated, at),
        twoFactor: {
          enrollmentId: event.data.enrollmentId,
          enabledAt: at,
          lastStep: event.data.step,
          codeListId: event.data.codeListId,
          secret: ref(event, event.credential),
        },
        credentialEpoch: state.credentialEpoch + 1,
      }
    case 'user.2fa:disabled':
      return {
        ...rotate(state, event, event.data.rotated, at),
        twoFactor: null,
        credentialEpoch: state.credentialEpoch + 1,
      }
    case 'user.session:revoked':
      return end(state, event.data.sessionId, 'revoked')
    case 'user.session:ended':
      return end(state, event.data.sessionId, event.data.reason)
    case 'user.session:expired':
      return end(state, event.data.sessionId, 'expired')
    case 'user.session:others_revoked':
    case 'user.password:reset_requested':
    case 'user.profile:updated':
    case 'user.preferences:updated':
      return state
    default:
      return unreachable(event)
  }
}

const unreachable = (event: never): never => {
  throw new Error(`evolve does not know the event type ${(event as AccountEvent).type}`)
}

const ref = (event: AccountEvent, box: MaybeBox): BoxRef => ({ eventId: event.id, type: event.type, box })

const newSession = (event: AccountEvent<'user:logged_in'>, at: number): Session => ({
  id: event.data.sessionId,
  generation: 0,
  token: ref(event, event.credential),
  signedInAt: at,
  provenAt: at,
  failures: 0,
})

const end = (state: AccountState, sessionId: string, reason: EndedReason): AccountState =>
  state.sessions.some((session) => session.id === sessionId)
    ? {
        ...state,
        sessions: state.sessions.filter((session) => session.id !== sessionId),
        ended: [...state.ended, { id: sessionId, reason }].slice(-ENDED_SESSIONS),
      }
    : state

const updateSession = (state: AccountState, id: string, change: (session: Session) => Session): AccountState => ({
  ...state,
  sessions: state.sessions.map((session) => (session.id === id ? change(session) : session)),
})

/** A new token for the session that changed a credential: it just proved who it is, and its old token is dead. */
const rotate = (
  state: AccountState,
  event: AccountEvent,
  rotated: { readonly sessionId: string; readonly generation: number } | null,
  at: number,
): AccountState =>
  rotated === null
    ? state
    : updateSession(state, rotated.sessionId, (session) => ({
        ...session,
        generation: rotated.generation,
        token: ref(event, event.credential),
        provenAt: at,
        failures: 0,
      }))

/** Nothing that could sign in or name the person survives; which sessions there were does. */
const erase = (state: AccountState): AccountState => ({
  ...initialState,
  status: 'erased',
  registeredAt: state.registeredAt,
  credentialEpoch: state.credentialEpoch + 1,
  ended: [...state.ended, ...state.sessions.map(({ id }) => ({ id, reason: 'erased' as const }))].slice(
    -ENDED_SESSIONS,
  ),
})

const remember = (state: AccountState, event: AccountEvent): AccountState => {
  const { idempotency, commandId, occurredAt } = event.metadata
  if (idempotency === undefined || state.status === 'erased') return state
  const command = { commandId, at: Date.parse(occurredAt), idempotency }
  // A key used again after its time counts from then on, or the repeat of that request would be carried out once more.
  const others = state.recentCommands.filter((earlier) => earlier.commandId !== commandId)
  return { ...state, recentCommands: [...others, command].slice(-RECENT_COMMANDS) }
}
