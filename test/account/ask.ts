/** From an attempt, which is plain data, to the command that the shell round the domain would make of it. */
import type {
  CodeFact,
  Command,
  FreshPasswordFact,
  PasswordFact,
  RepeatClaim,
  SessionClaim,
  TotpFact,
} from '../../src/account/commands.ts'
import type { AccountEvent, CoarseClient, EventType, Secret } from '../../src/account/events.ts'
import type { AccountState } from '../../src/account/state.ts'
import type { Asking, Attempt, CodeGuess, PasswordGuess } from './attempts.ts'
import { commandId, eventId, seconds, sessionId } from './given.ts'

export interface Challenge {
  readonly id: string
  readonly credentialEpoch: number
}

/** What whoever attempts something has at hand. */
export interface Hand {
  readonly state: AccountState
  readonly now: number
  readonly past: readonly AccountEvent[]
  /** Handed out by right passwords so far. */
  readonly challenges: readonly Challenge[]
  readonly newSecret: (name: string) => Secret
  readonly clientOf: (n: number) => CoarseClient | null
}

export const NEW_EMAIL = 'ada-new-secret@example.com'
export const FIELD_VALUE = 'a secret field value'

export const ask = (attempt: Attempt, hand: Hand): Command => {
  const { state, now, past, newSecret, clientOf } = hand
  const known = eventsOf(past, 'user:logged_in').map(({ data }) => data.sessionId)
  const newSession = (client: number) => ({
    // The shell makes a random id for each log-in.
    sessionId: sessionId(known.length + 1),
    tokenHash: newSecret('tokenHash'),
    client: clientOf(client),
  })
  const rotating = () => ({ tokenHash: newSecret('rotatedTokenHash') })
  const claim = (asking: Asking, sudo = false) => claimOf(asking, attempt.kind, state, known, sudo)
  switch (attempt.kind) {
    case 'register':
      return { kind: 'register', ...PERSON, passwordHash: newSecret('passwordHash') }
    case 'createUser':
      return { kind: 'createUser', ...PERSON, as: 'operator' }
    case 'erase':
      return { kind: 'erase', fact: { kind: attempt.held ? 'underLegalHold' : 'noLegalHold' }, as: 'operator' }
    case 'logIn': {
      const { client, password, stronger } = attempt
      const strongerHash = stronger ? { strongerHash: newSecret('strongerHash') } : {}
      return { kind: 'logIn', fact: passwordFact(password, state), ...newSession(client), ...strongerHash }
    }
    case 'completeLogIn': {
      const challenge = fromEnd(hand.challenges, attempt.newest) ?? { id: sessionId(0xbad), credentialEpoch: 0 }
      const fact = codeFact(attempt.code, state, now)
      return { kind: 'completeLogIn', challenge, fact, ...newSession(attempt.client) }
    }
    case 'reauthenticate': {
      const fact = 'method' in attempt.with ? totpFact(attempt.with, state, now) : passwordFact(attempt.with, state)
      return { kind: 'reauthenticate', ...claim(attempt.by), fact, ...rotating() }
    }
    case 'changePassword':
      return {
        kind: 'changePassword',
        ...claim(attempt.by),
        fact: passwordFact(attempt.password, state),
        ...newPassword(state, newSecret),
        ...rotating(),
        keepOtherSessions: attempt.keepOtherSessions,
      }
    case 'requestPasswordReset':
      return { kind: 'requestPasswordReset' }
    case 'resetPassword': {
      const resetId = newestId(past, 'user.password:reset_requested', attempt.newest)
      return { kind: 'resetPassword', resetId, ...newPassword(state, newSecret) }
    }
    case 'reportCompromise': {
      const told = past.filter(({ type }) => toldByMail.includes(type))
      const event = fromEnd(told, attempt.newest)
      if (event === undefined) return { kind: 'requestPasswordReset' }
      const at = Date.parse(event.metadata.occurredAt)
      const restore = { email: NEW_EMAIL, standing: attempt.standing }
      return { kind: 'reportCompromise', eventId: event.id, at, ...(state.formerEmail === null ? {} : { restore }) }
    }
    case 'startEnrollment': {
      const enrollmentId = eventId(0x1000 + past.length)
      return { kind: 'startEnrollment', ...claim(attempt.by, true), enrollmentId, totpSecret: newSecret('totpSecret') }
    }
    case 'verifyEnrollment': {
      const started = fromEnd(eventsOf(past, 'user.2fa:enrollment_started'), attempt.newest)
      const enrollmentId = started?.data.enrollmentId ?? eventId(0xbad)
      return {
        kind: 'verifyEnrollment',
        ...claim(attempt.by),
        fact: attempt.matched
          ? { kind: 'totpMatched', enrollmentId, step: stepAt(now) }
          : { kind: 'totpMismatched', enrollmentId },
        totpSecret: newSecret('totpSecret'),
        ...newCodes(past, newSecret),
        ...rotating(),
      }
    }
    case 'regenerateBackupCodes':
      return { kind: 'regenerateBackupCodes', ...claim(attempt.by, true), ...newCodes(past, newSecret) }
    case 'disableTwoFactor': {
      const password = passwordFact(attempt.password, state)
      const code = password.kind === 'passwordMatched' ? { code: codeFact(attempt.code, state, now) } : {}
      return { kind: 'disableTwoFactor', ...claim(attempt.by), password, ...code, ...rotating() }
    }
    case 'logOut':
    case 'revokeOtherSessions':
      return { kind: attempt.kind, ...claim(attempt.by) }
    case 'revokeSession':
      return { kind: 'revokeSession', ...claim(attempt.by), sessionId: anyOf(known, attempt.target) }
    case 'expireSession':
      return { kind: 'expireSession', sessionId: anyOf(known, attempt.target), limit: attempt.limit }
    case 'updateProfile':
    case 'updatePreferences': {
      const { version } = attempt.kind === 'updateProfile' ? state.profile : state.preferences
      const values = Object.fromEntries(attempt.fields.map((field) => [field, FIELD_VALUE]))
      return { kind: attempt.kind, ...claim(attempt.by), version: attempt.stale ? 'another' : version, values }
    }
    case 'requestEmailChange': {
      const fact = passwordFact(attempt.password, state)
      return { kind: 'requestEmailChange', ...claim(attempt.by), fact, email: NEW_EMAIL }
    }
    case 'confirmEmailChange': {
      const changeId = newestId(past, 'user.email:change_requested', attempt.newest)
      // The shell asks once it sees that this is the second of the two.
      const standing = (state.emailChange?.confirmed ?? []).length === 0 ? 'notAsked' : attempt.standing
      return { kind: 'confirmEmailChange', changeId, address: attempt.address, email: NEW_EMAIL, standing }
    }
    case 'unlock':
    case 'revokeAllSessions':
    case 'disableTwoFactorOf':
      return { kind: attempt.kind, as: 'operator', ...repeatOf(attempt.key, attempt.kind) }
  }
}

export const PERSON = { email: 'ada-secret@example.com', name: 'Ada Secret' }

/** Events whose owner is told of them, with a link that says "this was not me". */
const toldByMail: readonly EventType[] = [
  'user:logged_in',
  'user.password:changed',
  'user.2fa:enabled',
  'user.2fa:disabled',
  'user.email:change_requested',
  'user.email:changed',
]

export const stepAt = (now: number): number => Math.floor(now / seconds(30))

const eventsOf = <T extends EventType>(past: readonly AccountEvent[], type: T): readonly AccountEvent<T>[] =>
  past.filter((event) => event.type === type) as unknown as readonly AccountEvent<T>[]

const newestId = (past: readonly AccountEvent[], type: EventType, newest: number): string =>
  fromEnd(eventsOf(past, type), newest)?.id ?? eventId(0xbad)

const fromEnd = <T>(list: readonly T[], n: number): T | undefined => list[list.length - 1 - n]

/** One of those there ever were, or one that nobody began. */
const anyOf = (known: readonly string[], n: number): string => known[n % (known.length + 1)] ?? sessionId(0xbad)

const claimOf = (
  { session, isLive, generationOff, key }: Asking,
  kind: string,
  state: AccountState,
  known: readonly string[],
  sudo: boolean,
): { readonly by: SessionClaim; readonly repeat?: RepeatClaim } => {
  const live = state.sessions[session % Math.max(1, state.sessions.length)]?.id
  const id = isLive && live !== undefined ? live : anyOf(known, session)
  const generation = (state.sessions.find((each) => each.id === id)?.generation ?? 0) + generationOff
  const by = { sessionId: id, generation, ...(sudo ? { sudo: true as const } : {}) }
  return { by, ...repeatOf(key, kind) }
}

const repeatOf = (key: number | null, kind: string): { readonly repeat?: RepeatClaim } =>
  key === null ? {} : { repeat: { commandId: commandId(key), bodyHash: `body ${kind}` } }

const passwordFact = ({ matched, stale }: PasswordGuess, { password }: AccountState): PasswordFact => ({
  // Without a password nothing equals it.
  kind: matched && password !== null ? 'passwordMatched' : 'passwordMismatched',
  passwordEventId: stale ? eventId(0xdead) : (password?.eventId ?? null),
})

const totpFact = ({ matched, stale, stepOff }: CodeGuess, { twoFactor }: AccountState, now: number): TotpFact => {
  const enrollmentId = stale || twoFactor === null ? eventId(0xdead) : twoFactor.enrollmentId
  return matched
    ? { kind: 'totpMatched', enrollmentId, step: stepAt(now) + stepOff }
    : { kind: 'totpMismatched', enrollmentId }
}

const codeFact = (guess: CodeGuess, state: AccountState, now: number): CodeFact => {
  if (guess.method === 'totp') return totpFact(guess, state, now)
  const codeListId = guess.stale ? eventId(0xdead) : (state.twoFactor?.codes.listId ?? eventId(0xdead))
  return guess.matched
    ? { kind: 'backupCodeMatched', codeListId, index: guess.index }
    : { kind: 'backupCodeMismatched', codeListId }
}

const newPassword = (
  { password, formerPasswords }: AccountState,
  newSecret: Hand['newSecret'],
): { readonly fresh: FreshPasswordFact; readonly passwordHash: Secret } => ({
  fresh: {
    kind: 'newPasswordCompared',
    passwordEventIds: [...(password === null ? [] : [password]), ...formerPasswords].map((former) => former.eventId),
    reuses: null,
  },
  passwordHash: newSecret('newPasswordHash'),
})

const newCodes = (past: readonly AccountEvent[], newSecret: Hand['newSecret']) => ({
  codeListId: eventId(0x2000 + past.length),
  backupCodes: newSecret('backupCodes'),
})
