/** The window that a recent proof of identity opens, for what shows a secret and is no command. */
import { authorise } from '../../account/authorise.ts'
import type { Authenticated } from '../../commands/authenticate.ts'
import type { Api } from './api.ts'
import { rejectionProblem } from './rejections.ts'

/** Throws Problem 403 `reauthentication-required` outside of it. */
export const requireSudo = ({ services }: Api, { account, session }: Authenticated): void => {
  const now = services.now()
  const claim = { sessionId: session.id, generation: session.generation, sudo: true } as const
  const refusal = authorise(account.state, claim, { now, limits: services.limits })
  if (refusal !== null) throw rejectionProblem(refusal, now)
}
