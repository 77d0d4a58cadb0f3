/** Erasing a person, and the legal hold that forbids it. */
import type { Outcome } from '../account/commands.ts'
import { type OperatorRequest, runByOperator } from './by-operator.ts'
import type { Answer, CommandResult } from './command-bus.ts'
import type { Services } from './services.ts'

/**
 * Appends the account's last event; what is held of the person goes because of it (see src/erasure). Of who was erased
 * before nothing is appended again. Rejected as `account-not-found` or `legal-hold`.
 */
export const erase = (
  services: Pick<Services, 'bus' | 'vault'>,
  request: OperatorRequest,
  userId: string,
  answer: (outcome: Outcome) => Answer,
): Promise<CommandResult> =>
  services.vault.withLegalHold(userId, async ({ stands }) => {
    const fact = { kind: stands ? 'underLegalHold' : 'noLegalHold' } as const
    // Where the operator sat would lie in a box that nobody ever opens.
    const asked = { ...request, context: { ...request.context, client: null } }
    const result = await runByOperator(services, asked, userId, () => ({ kind: 'erase', fact }), answer)
    // Other processes hear of it; who asked shall not have to wait for that.
    if (result.kind === 'accepted') services.vault.evict(userId)
    return result
  })

/**
 * Sets or lifts the legal hold. It is in no event: it may have to stay secret from the person, who sees their events.
 * false: there is no such account, or not any more.
 */
export const setLegalHold = (
  { accounts, vault }: Pick<Services, 'accounts' | 'vault'>,
  userId: string,
  stands: boolean,
): Promise<boolean> =>
  vault.withLegalHold(userId, async (hold) => {
    const { state } = await accounts.load(userId)
    if (state.status !== 'active') return false
    await hold.set(stands)
    return true
  })
