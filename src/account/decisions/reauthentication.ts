/** Proving again who one is, inside a session: opens the sudo window and gives the session a new token. */
import { accept, type Circumstances, type CommandOf, type Decision, reject } from '../commands.ts'
import type { AccountState } from '../state.ts'
import { rotated } from './ending.ts'
import { wrongGuess } from './guess.ts'
import { judgeCode } from './second-factor.ts'

export const reauthenticate = (
  { by, fact, tokenHash }: CommandOf<'reauthenticate'>,
  state: AccountState,
  circumstances: Circumstances,
): Decision => {
  const { sessionId } = by
  const proven = (method: 'password' | 'totp', step: number | null): Decision =>
    accept([
      {
        type: 'user:reauthenticated',
        data: { sessionId, method, step, rotated: rotated(by) },
        credential: { tokenHash },
      },
    ])
  const wrong = (method: 'password' | 'totp'): Decision =>
    wrongGuess({ type: 'user:reauthentication_failed', data: { sessionId, method } }, by, state, circumstances, {
      kind: method === 'password' ? 'wrongPassword' : 'wrongCode',
    })

  if (fact.kind === 'totpMatched' || fact.kind === 'totpMismatched') {
    if (state.twoFactor === null) return reject({ code: 'two-factor-not-enabled' })
    const verdict = judgeCode(fact, state)
    if (verdict.kind === 'stale') return reject({ code: 'fact-stale' })
    return verdict.kind === 'wrong' ? wrong('totp') : proven('totp', verdict.step)
  }
  if (state.twoFactor !== null) return reject({ code: 'totp-required' })
  if (fact.passwordEventId !== (state.password?.eventId ?? null)) return reject({ code: 'fact-stale' })
  return fact.kind === 'passwordMismatched' ? wrong('password') : proven('password', null)
}
