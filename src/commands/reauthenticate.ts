/** Proving again who one is: with the password, or with a code from the app where the second factor is on. */
import type { Command, Outcome } from '../account/commands.ts'
import { runBySession, type SessionRequest } from './by-session.ts'
import { checkCodeOf } from './check-code.ts'
import { checkPasswordOf } from './check-password.ts'
import type { Answer, CommandResult } from './command-bus.ts'
import { guardGuesses, nextToken } from './in-session.ts'
import type { Services } from './services.ts'

/** There is none for backup codes: they are for who lost the phone, and a stolen list must not open everything. */
export type Proof =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'totp'; readonly code: string }

/** `token`: for the cookie, where it is accepted. */
export const reauthenticate = async (
  services: Services,
  request: SessionRequest,
  proof: Proof,
  answer: (outcome: Outcome) => Answer,
): Promise<{ readonly result: CommandResult; readonly token: string }> => {
  const { state } = request.who.account
  // What cannot open the window is not checked: it would be a guess that nobody counts.
  if (proof.kind === 'password' && state.twoFactor !== null) return refused('totp-required')
  if (proof.kind === 'totp' && state.twoFactor === null) return refused('two-factor-not-enabled')
  const { tokenHash, token } = nextToken(request.who)
  const attempt = () =>
    runBySession(
      services,
      request,
      async (account) => {
        const fact =
          proof.kind === 'password'
            ? (await checkPasswordOf(services, account, proof.password)).fact
            : await checkCodeOf(services, account, 'totp', proof.code)
        return { kind: 'reauthenticate', fact, tokenHash } as ReauthenticateCommand
      },
      answer,
    )
  return { result: await guardGuesses(services, request.who, attempt), token }
}

type ReauthenticateCommand = Omit<Extract<Command, { readonly kind: 'reauthenticate' }>, 'by' | 'repeat'>

const refused = (code: 'totp-required' | 'two-factor-not-enabled') => ({
  result: { kind: 'rejected', rejection: { code } } as const,
  token: '',
})
