/**
 * A forgotten password: a link is asked for by whoever types an address, and used by whoever reads its mail. What was
 * asked for is answered alike and at the same time whether the address is known or not.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Rejection } from '../account/commands.ts'
import { refuseReset } from '../account/decisions/password.ts'
import type { Secret } from '../account/events.ts'
import { openToken } from '../mailer/link-tokens.ts'
import type { PasswordProblem } from '../secrets/password-policy.ts'
import type { Standing } from './admission.ts'
import { compareNewPassword } from './check-password.ts'
import type { CommandResult } from './command-bus.ts'
import { findOwner } from './log-in.ts'
import type { CommandContext } from './seal-events.ts'
import type { Services } from './services.ts'
import { weighPassword } from './weigh-password.ts'

type Context = Omit<CommandContext, 'actor' | 'sessionId'>

/**
 * Resolves, or fails, only at whole multiples of this after the call, in milliseconds: an append, which only a known
 * address costs, is lost in it. A multiple, so that a slow store does not bring the difference back.
 */
export const RESET_STEP_MS = 400

/** Nothing of the outcome is told. Throws StoreUnavailable, and does so for unknown addresses too. */
export const requestPasswordReset = (services: Services, email: string, context: Context): Promise<void> =>
  onTheStep(async () => {
    const userId = await findOwner(services, services.vault.lookupOf(email), email)
    if (userId === null) return
    await services.bus.run({
      userId,
      // Who types an address has proved nothing.
      context: { ...context, actor: { kind: 'anonymous', id: null }, sessionId: null },
      establish: () => ({ kind: 'requestPasswordReset' }),
    })
  })

const onTheStep = async <T>(work: () => Promise<T>): Promise<T> => {
  const began = performance.now()
  try {
    return await work()
  } finally {
    const step = began + Math.ceil((performance.now() - began) / RESET_STEP_MS) * RESET_STEP_MS
    // Again, because a timer counts from when the event loop last looked at the clock: it may be early.
    for (let rest = step - performance.now(); rest > 0; rest = step - performance.now()) await delay(rest)
  }
}

export type ResetPasswordResult =
  | { readonly kind: 'passwordRefused'; readonly problems: readonly PasswordProblem[] }
  | { readonly kind: 'ran'; readonly result: CommandResult }

/** Whatever is wrong with the link is found before any password is hashed, so that junk costs nothing. */
export const resetPassword = async (
  services: Services,
  { token, newPassword }: { readonly token: string; readonly newPassword: string },
  context: Context,
): Promise<ResetPasswordResult> => {
  const link = openToken(services.vault.key('links'), 'reset', token)
  if (link === null) return refused
  const { userId, eventId: resetId } = link
  const account = await services.accounts.load(userId)
  const isRefused = ({ state }: typeof account): boolean =>
    refuseReset(resetId, state, { now: services.now(), limits: services.limits }) !== null
  if (isRefused(account)) return refused
  const problems = await weighPassword(services, account, newPassword)
  if (problems.length > 0) return { kind: 'passwordRefused', problems }

  const standing = async (): Promise<Standing> =>
    isRefused(await services.accounts.load(userId)) ? { kind: 'closed' } : { kind: 'open', failures: 0 }
  const attempt = () =>
    services.bus.run({
      userId,
      context: { ...context, actor: { kind: 'user', id: userId }, sessionId: null },
      async establish(fresh) {
        const command = { kind: 'resetPassword', resetId } as const
        if (isRefused(fresh)) return command
        const compared = await compareNewPassword(services, fresh, newPassword, null)
        if (compared.reuses !== null) return { ...command, fresh: compared }
        return { ...command, fresh: compared, passwordHash: (await services.hasher.hash(newPassword)) as Secret }
      },
    })
  // One at a time: of many tries with one link the first that passes spares the others their hashes.
  const result = await services.admission.run(`reset ${resetId}`, 1, standing, attempt)
  return result === null ? refused : { kind: 'ran', result }
}

const tokenInvalid: Rejection = { code: 'token-invalid' }
const refused: ResetPasswordResult = { kind: 'ran', result: { kind: 'rejected', rejection: tokenInvalid } }
