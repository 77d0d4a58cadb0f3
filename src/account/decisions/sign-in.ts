/** Signing in: the account's lock, the failure that may close it, the second factor, and the session a success begins. */
import { accept, type Circumstances, type CommandOf, type Decision, reject } from '../commands.ts'
import type { NewAccountEvent, SignInMethod } from '../events.ts'
import { unfamiliarOf } from '../familiar.ts'
import type { AccountState } from '../state.ts'
import { closedUntil, countedFailures } from '../throttle.ts'
import { judgeCode, methodOf } from './second-factor.ts'

export const logIn = (command: CommandOf<'logIn'>, state: AccountState, circumstances: Circumstances): Decision => {
  if (state.status !== 'active') return reject({ code: 'invalid-credentials' })
  // The lock comes before the verdict: a locked account tells nobody whether a password was right.
  const until = closedUntil(state, circumstances.now, circumstances.limits)
  if (until > 0) return reject({ code: 'login-throttled', until })
  if (command.fact.passwordEventId !== (state.password?.eventId ?? null)) return reject({ code: 'fact-stale' })
  if (command.fact.kind === 'passwordMismatched') return failure('password', state, circumstances)
  const stronger = strengthened(command)
  // A right password alone forgives no failures: whoever has it must not try codes for ever.
  if (state.twoFactor !== null) {
    return accept(stronger, { kind: 'secondFactorRequired', credentialEpoch: state.credentialEpoch })
  }
  return accept(
    [...stronger, ...begin(command, { method: 'password', challengeId: null, step: null }, state, circumstances)],
    {
      kind: 'signedIn',
      sessionId: command.sessionId,
      method: 'password',
    },
  )
}

/** The second step. A change of password or factor since the first makes the first void. */
export const completeLogIn = (
  command: CommandOf<'completeLogIn'>,
  state: AccountState,
  circumstances: Circumstances,
): Decision => {
  const { challenge, fact, sessionId } = command
  if (state.status !== 'active') return reject({ code: 'challenge-expired' })
  const until = closedUntil(state, circumstances.now, circumstances.limits)
  if (until > 0) return reject({ code: 'login-throttled', until })
  if (isVoid(challenge, state)) return reject({ code: 'challenge-expired' })
  const verdict = judgeCode(fact, state)
  if (verdict.kind === 'stale') return reject({ code: 'fact-stale' })
  const method = methodOf(fact)
  if (verdict.kind === 'wrong') return failure(method, state, circumstances)
  const proof = { method, challengeId: challenge.id, step: verdict.step }
  return accept([...verdict.events, ...begin(command, proof, state, circumstances)], {
    kind: 'signedIn',
    sessionId,
    method,
  })
}

/** Asked too before a code is checked. */
export const isVoid = (
  challenge: CommandOf<'completeLogIn'>['challenge'],
  { credentialEpoch, usedChallenges }: AccountState,
): boolean => challenge.credentialEpoch !== credentialEpoch || usedChallenges.includes(challenge.id)

const failure = (method: SignInMethod, state: AccountState, { now, limits }: Circumstances): Decision => {
  const failures = countedFailures(state.failures, now, limits) + 1
  const events: NewAccountEvent[] = [{ type: 'user:login_failed', data: { method, failures } }]
  if (failures >= limits.lockAfterFailures) {
    events.push({
      type: 'user:locked',
      data: { failures, until: new Date(now + limits.lockMs).toISOString() },
    })
  }
  return accept(events, { kind: method === 'password' ? 'wrongPassword' : 'wrongCode' })
}

const strengthened = (command: CommandOf<'logIn'>): readonly NewAccountEvent[] =>
  command.strongerHash === undefined || command.fact.passwordEventId === null
    ? []
    : [
        {
          type: 'user.password:rehashed',
          data: { replaces: command.fact.passwordEventId },
          credential: { passwordHash: command.strongerHash },
        },
      ]

const begin = (
  { sessionId, tokenHash, client }: CommandOf<'logIn' | 'completeLogIn'>,
  proof: { readonly method: SignInMethod; readonly challengeId: string | null; readonly step: number | null },
  state: AccountState,
  circumstances: Circumstances,
): readonly NewAccountEvent[] => [
  ...makeRoom(state, circumstances),
  {
    type: 'user:logged_in',
    data: { sessionId, ...proof, unfamiliar: unfamiliarOf(state.familiar, client) },
    credential: { tokenHash },
  },
]

/** The new session takes the place of those past their absolute limit, then of the oldest. */
const makeRoom = (state: AccountState, { now, limits }: Circumstances): readonly NewAccountEvent[] => {
  const isExpired = (signedInAt: number) => now >= signedInAt + limits.sessionAbsoluteMs
  const expired = state.sessions.filter((session) => isExpired(session.signedInAt))
  const live = state.sessions.filter((session) => !isExpired(session.signedInAt))
  const oldest = live.slice(0, Math.max(0, live.length + 1 - limits.sessionsMax))
  return [
    ...expired.map(
      ({ id }): NewAccountEvent => ({ type: 'user.session:expired', data: { sessionId: id, limit: 'absolute' } }),
    ),
    ...oldest.map(
      ({ id }): NewAccountEvent => ({ type: 'user.session:ended', data: { sessionId: id, reason: 'limit' } }),
    ),
  ]
}
