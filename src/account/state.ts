/**
 * What an account is, folded from its history. `evolve` is total: it accepts every event of the catalogue in any
 * state, judges nothing and forgets what can no longer matter, so that the state stays bounded however long the
 * history grows. Boxes stay closed in it.
 */
import { type BoxRef, credentialOf, personalOf } from './box-ref.ts'
import { type EndedSessions, noneEnded, withEnded } from './ended.ts'
import type { AccountEvent, EndedReason, Idempotency } from './events.ts'
import {
  type Enrollment,
  enrollmentOf,
  factorOf,
  type TwoFactor,
  withCodeUsed,
  withNewCodes,
  withStepUsed,
} from './factor.ts'
import { type Familiar, familiarWith, forgotten, nothingFamiliar } from './familiar.ts'

export interface Session {
  readonly id: string
  /** Grows by one with each rotation of the token; a token of an older generation is dead. */
  readonly generation: number
  /** The credential box that holds the hash of the current token. */
  readonly token: BoxRef
  readonly signedInAt: number
  /** When the person last proved who they are in this session; opens the sudo window. Milliseconds since 1970. */
  readonly provenAt: number
  readonly guesses: Guesses
}

/**
 * Wrong secrets entered inside a session. A right one forgives wrong ones of its own kind alone: whoever has one of the
 * two (a phone that was borrowed, an app of his own) must not try the other for ever.
 */
export interface Guesses {
  readonly password: number
  readonly code: number
}

export interface RecentCommand {
  readonly commandId: string
  readonly at: number
  readonly idempotency: Idempotency
}

/** Boxed values by field, each in the box of the event that set it last. */
export interface Fields {
  /** The event of the last change, or of the registration: what a change says it is based on. */
  readonly version: string
  readonly values: Readonly<Record<string, BoxRef>>
}

export interface EmailChange {
  readonly eventId: string
  readonly at: number
  /** Personal box with the new address. */
  readonly address: BoxRef
  readonly confirmed: readonly ('old' | 'new')[]
}

/**
 * Goes up with every change of the state's shape, or of what `evolve` makes of a history: snapshots of another version
 * are not used. A test notices a change that forgot it.
 */
export const STATE_VERSION = 3

export interface AccountState {
  readonly status: 'none' | 'active' | 'erased'
  readonly registeredAt: number
  /** Personal box with the name given at registration. */
  readonly registration: BoxRef | null
  /** Personal box with the current e-mail address. */
  readonly email: BoxRef | null
  /** The address before it, and until when it was the account's: its owner may still say that it was not them. */
  readonly formerEmail: { readonly address: BoxRef; readonly until: number } | null
  readonly emailChange: EmailChange | null
  readonly profile: Fields
  readonly preferences: Fields
  /** null: none was ever set; an operator made the account. */
  readonly password: BoxRef | null
  readonly passwordChangedAt: number
  /** Hashes of the passwords before the current one, newest first. */
  readonly formerPasswords: readonly BoxRef[]
  /** The reset that a link was mailed for last; a newer one and any change of the password put an end to it. */
  readonly reset: { readonly eventId: string; readonly at: number } | null
  /** When resets were requested, oldest first: no more than some an hour are mailed. */
  readonly resetRequests: readonly number[]
  /** When another e-mail address was asked for, oldest first: each request mails an address that nobody has confirmed. */
  readonly emailChangeRequests: readonly number[]
  readonly enrollment: Enrollment | null
  readonly twoFactor: TwoFactor | null
  /** Grows with every change of password or factor; a log-in half done under an older epoch is dead. */
  readonly credentialEpoch: number
  /** The last ones, oldest first. One lives for minutes, and each took a right code: none of those still alive falls out. */
  readonly usedChallenges: readonly string[]
  /** Failed sign-ins in a row. A pause longer than the lock time starts a new row. */
  readonly failures: { readonly count: number; readonly lastAt: number }
  readonly lockedUntil: number
  /** Somebody else was in the account: the password opens nothing until it is reset. */
  readonly compromised: boolean
  /** Events that were reported as not the owner's, oldest first: each link to do so works once. */
  readonly reported: readonly string[]
  /** Oldest first. */
  readonly sessions: readonly Session[]
  readonly ended: EndedSessions
  readonly familiar: Familiar
  readonly lastLogIn: AccountEvent<'user:logged_in'> | null
  readonly recentCommands: readonly RecentCommand[]
}

export const FORMER_PASSWORDS = 3
export const RECENT_COMMANDS = 256
export const USED_CHALLENGES = 256
export const RESET_REQUESTS = 100
export const REPORTED_EVENTS = 100

const noFields: Fields = { version: '', values: {} }
const noFailures = { count: 0, lastAt: 0 }
const noGuesses: Guesses = { password: 0, code: 0 }

export const initialState: AccountState = {
  status: 'none',
  registeredAt: 0,
  registration: null,
  email: null,
  formerEmail: null,
  emailChange: null,
  profile: noFields,
  preferences: noFields,
  password: null,
  passwordChangedAt: 0,
  formerPasswords: [],
  reset: null,
  resetRequests: [],
  emailChangeRequests: [],
  enrollment: null,
  twoFactor: null,
  credentialEpoch: 0,
  usedChallenges: [],
  failures: noFailures,
  lockedUntil: 0,
  compromised: false,
  reported: [],
  sessions: [],
  ended: noneEnded,
  familiar: nothingFamiliar,
  lastLogIn: null,
  recentCommands: [],
}

export const evolve = (before: AccountState, event: AccountEvent): AccountState => remember(apply(before, event), event)

const apply = (state: AccountState, event: AccountEvent): AccountState => {
  const at = Date.parse(event.metadata.occurredAt)
  switch (event.type) {
    case 'user:registered':
      return register(state, event, at)
    case 'user:logged_in':
      return logIn(state, event, at)
    case 'user:logged_out':
      return end(state, event.data.sessionId, 'logged_out')
    case 'user:login_failed':
      return { ...state, failures: { count: event.data.failures, lastAt: at } }
    case 'user:locked':
      return { ...state, failures: noFailures, lockedUntil: Date.parse(event.data.until) }
    case 'user:unlocked':
      return {
        ...state,
        failures: noFailures,
        lockedUntil: 0,
        // An operator opens a lock; what somebody else knows, only a new password makes worthless.
        compromised: event.data.by === 'operator' && state.compromised,
      }
    case 'user:reauthenticated':
      return {
        ...rotate(state, event, event.data.rotated, at, [event.data.method === 'password' ? 'password' : 'code']),
        twoFactor: withStepUsed(state.twoFactor, event.data.step),
      }
    case 'user:compromise_reported':
      return {
        ...state,
        compromised: true,
        emailChange: null,
        enrollment: null,
        // The intruder signed in too: what he made familiar must not pass unnoticed.
        familiar: forgotten,
        reported: [...state.reported, event.data.eventId].slice(-REPORTED_EVENTS),
        credentialEpoch: state.credentialEpoch + 1,
      }
    case 'user:erased':
      return erase(state)
    case 'user.password:reset_requested':
      return {
        ...state,
        reset: { eventId: event.id, at },
        resetRequests: [...state.resetRequests, at].slice(-RESET_REQUESTS),
      }
    case 'user.password:changed':
      return changePassword(state, event, at)
    case 'user.password:rehashed':
      return { ...state, password: credentialOf(event) }
    case 'user.profile:updated':
      return { ...state, profile: updateFields(state.profile, event) }
    case 'user.preferences:updated':
      return { ...state, preferences: updateFields(state.preferences, event) }
    case 'user.email:change_requested':
      return {
        ...state,
        emailChange: { eventId: event.id, at, address: personalOf(event), confirmed: [] },
        emailChangeRequests: [...state.emailChangeRequests, at].slice(-RESET_REQUESTS),
      }
    case 'user.email:change_confirmed':
      return confirmEmailChange(state, event.data.address)
    case 'user.email:changed':
      // A link for the old address, or one asked for under it, must not open the account under its new one.
      return {
        ...state,
        email: personalOf(event),
        formerEmail: state.email === null ? null : { address: state.email, until: at },
        emailChange: null,
        reset: null,
      }
    case 'user.email:restored':
      // Who is put out here gets no say of his own from the address that was his.
      return { ...state, email: personalOf(event), formerEmail: null }
    case 'user.2fa:enrollment_started':
      return { ...state, enrollment: enrollmentOf(event) }
    case 'user.2fa:enabled':
      return {
        // The code was of an app that the session itself has just chosen: it proves nothing about the account.
        ...rotate(state, event, event.data.rotated, at, []),
        enrollment: null,
        twoFactor: factorOf(event, at),
        credentialEpoch: state.credentialEpoch + 1,
      }
    case 'user.2fa:disabled':
      return {
        ...rotate(state, event, event.data.rotated, at, ['password', 'code']),
        twoFactor: null,
        credentialEpoch: state.credentialEpoch + 1,
      }
    case 'user.2fa:backup_codes_generated':
      return { ...state, twoFactor: withNewCodes(state.twoFactor, event, at) }
    case 'user.2fa:backup_code_used':
      return { ...state, twoFactor: withCodeUsed(state.twoFactor, event, at) }
    case 'user.password:change_failed':
    case 'user.email:change_failed':
      return countGuess(state, event.data.sessionId, 'password')
    case 'user.2fa:enrollment_failed':
      return countGuess(state, event.data.sessionId, 'code')
    case 'user.2fa:disable_failed':
    case 'user:reauthentication_failed':
      return countGuess(state, event.data.sessionId, event.data.method === 'password' ? 'password' : 'code')
    case 'user.session:revoked':
      return end(state, event.data.sessionId, 'revoked')
    case 'user.session:ended':
      return end(state, event.data.sessionId, event.data.reason)
    case 'user.session:expired':
      return end(state, event.data.sessionId, 'expired')
    case 'user.session:others_revoked':
      return state
    default:
      return unreachable(event)
  }
}

const unreachable = (event: never): never => {
  throw new Error(`evolve does not know the event type ${(event as AccountEvent).type}`)
}

const register = (state: AccountState, event: AccountEvent<'user:registered'>, at: number): AccountState => {
  const person = personalOf(event)
  return {
    ...state,
    status: 'active',
    registeredAt: at,
    registration: person,
    email: person,
    profile: { ...state.profile, version: event.id },
    preferences: { ...state.preferences, version: event.id },
    password: event.credential === null ? null : credentialOf(event),
    passwordChangedAt: at,
  }
}

const logIn = (state: AccountState, event: AccountEvent<'user:logged_in'>, at: number): AccountState => {
  const { challengeId, method, step, sessionId } = event.data
  const session: Session = {
    id: sessionId,
    generation: 0,
    token: credentialOf(event),
    signedInAt: at,
    // A backup code lets in who lost the phone. A stolen list of them must not open everything.
    provenAt: method === 'backup_code' ? 0 : at,
    guesses: noGuesses,
  }
  return {
    ...state,
    sessions: [...state.sessions, session],
    failures: noFailures,
    twoFactor: withStepUsed(state.twoFactor, step),
    usedChallenges:
      challengeId === null ? state.usedChallenges : [...state.usedChallenges, challengeId].slice(-USED_CHALLENGES),
    familiar: familiarWith(state.familiar, event.metadata.client),
    lastLogIn: event,
  }
}

const changePassword = (
  state: AccountState,
  event: AccountEvent<'user.password:changed'>,
  at: number,
): AccountState => ({
  // With a factor on, the password alone proves too little to open the sudo window.
  ...rotate(state, event, event.data.rotated, state.twoFactor === null ? at : null, ['password']),
  password: credentialOf(event),
  passwordChangedAt: at,
  formerPasswords: (state.password === null ? [] : [state.password])
    .concat(state.formerPasswords)
    .slice(0, FORMER_PASSWORDS),
  reset: null,
  // Asked for with the password before: who changes it may do so because somebody else knew it.
  emailChange: null,
  credentialEpoch: state.credentialEpoch + 1,
})

const confirmEmailChange = (state: AccountState, address: 'old' | 'new'): AccountState => {
  const { emailChange } = state
  if (emailChange === null || emailChange.confirmed.includes(address)) return state
  return { ...state, emailChange: { ...emailChange, confirmed: [...emailChange.confirmed, address] } }
}

const updateFields = (
  fields: Fields,
  event: AccountEvent<'user.profile:updated' | 'user.preferences:updated'>,
): Fields => ({
  version: event.id,
  values: {
    ...fields.values,
    ...Object.fromEntries(event.data.fields.map((field) => [field, personalOf(event)])),
  },
})

const end = (state: AccountState, sessionId: string, reason: EndedReason): AccountState =>
  state.sessions.some((session) => session.id === sessionId)
    ? {
        ...state,
        sessions: state.sessions.filter((session) => session.id !== sessionId),
        ended: withEnded(state.ended, { id: sessionId, reason }),
      }
    : state

const updateSession = (state: AccountState, id: string, change: (session: Session) => Session): AccountState => ({
  ...state,
  sessions: state.sessions.map((session) => (session.id === id ? change(session) : session)),
})

const countGuess = (state: AccountState, sessionId: string, kind: keyof Guesses): AccountState =>
  updateSession(state, sessionId, ({ guesses, ...session }) => ({
    ...session,
    guesses: { ...guesses, [kind]: guesses[kind] + 1 },
  }))

/**
 * A new token for the session that proved who it is: its old token is dead, and its wrong guesses of the kinds it got
 * right are forgotten. `provenAt`: null where what it proved does not open the sudo window.
 */
const rotate = (
  state: AccountState,
  event: AccountEvent,
  rotated: { readonly sessionId: string; readonly generation: number } | null,
  provenAt: number | null,
  gotRight: readonly (keyof Guesses)[],
): AccountState =>
  rotated === null
    ? state
    : updateSession(state, rotated.sessionId, (session) => ({
        ...session,
        generation: rotated.generation,
        token: credentialOf(event),
        provenAt: provenAt ?? session.provenAt,
        guesses: { ...session.guesses, ...Object.fromEntries(gotRight.map((kind) => [kind, 0])) },
      }))

/** Nothing that could sign in or name the person survives; which sessions there were does. */
const erase = (state: AccountState): AccountState => ({
  ...initialState,
  status: 'erased',
  registeredAt: state.registeredAt,
  credentialEpoch: state.credentialEpoch + 1,
  ended: state.sessions.reduce((ended, { id }) => withEnded(ended, { id, reason: 'erased' }), state.ended),
})

const remember = (state: AccountState, event: AccountEvent): AccountState => {
  const { idempotency, commandId, occurredAt } = event.metadata
  if (idempotency === undefined || state.status === 'erased') return state
  const command = { commandId, at: Date.parse(occurredAt), idempotency }
  // A key used again after its time counts from then on, or the repeat of that request would be carried out once more.
  const others = state.recentCommands.filter((earlier) => earlier.commandId !== commandId)
  return { ...state, recentCommands: [...others, command].slice(-RECENT_COMMANDS) }
}
