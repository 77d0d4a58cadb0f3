/** What the resources that carry out commands share: who asks from where, repeats, and answers. */
import { z } from 'zod'
import type { Outcome } from '../../account/commands.ts'
import type { Authenticated } from '../../commands/authenticate.ts'
import type { SessionRequest } from '../../commands/by-session.ts'
import type { Answer, CommandResult } from '../../commands/command-bus.ts'
import { hashInTurn } from '../../commands/in-session.ts'
import { commandIdOf, hashBody, type IdentifiedRequest } from '../../commands/request-hash.ts'
import type { CommandContext } from '../../commands/seal-events.ts'
import type { Services } from '../../commands/services.ts'
import type { JsonObject, Position } from '../../event-store/port.ts'
import { bucketOf } from '../../platform/address-limits.ts'
import { idempotencyKey } from '../idempotency-key.ts'
import { Problem } from '../problem.ts'
import type { RequestInfo } from '../request-info.ts'
import type { Api } from './api.ts'
import { rejectionProblem } from './rejections.ts'

export const idempotencyHeader = z.strictObject({ 'Idempotency-Key': idempotencyKey.optional() })

export const contextOf = async (
  { clientContext }: Api,
  request: RequestInfo,
): Promise<Omit<CommandContext, 'actor' | 'sessionId'>> => ({
  correlationId: request.id,
  client: await clientContext.resolve({ ip: request.address, userAgent: request.header('User-Agent') }),
})

/** For commands that may hash passwords: they wait in the line of the address that asks. */
export const servicesFor = ({ services }: Api, { address }: RequestInfo): Services => ({
  ...services,
  hasher: services.hasher.inLineOf(bucketOf(address)),
})

interface Keyed {
  readonly key: string | undefined
  readonly body?: JsonObject
  readonly secretFields?: readonly string[]
}

export const sessionRequest = async (
  api: Api,
  who: Authenticated,
  request: RequestInfo,
  { key, body = {}, secretFields = [] }: Keyed,
): Promise<SessionRequest> => {
  const context = await contextOf(api, request)
  if (key === undefined) return { who, context }
  const { method, path } = request
  const identified = { actorId: who.account.userId, method, path, key, body, secretFields }
  const bodyHash =
    secretFields.length === 0
      ? await hashBody(api.services, identified)
      : await slowly(servicesFor(api, request), who, identified)
  return { who, context, repeat: { commandId: commandIdOf(identified), bodyHash } }
}

const slowly = async (services: Services, who: Authenticated, identified: IdentifiedRequest): Promise<string> => {
  const hashed = await hashInTurn(services, who, () => hashBody(services, identified))
  if (hashed.kind === 'refused') throw rejectionProblem(hashed.rejection, services.now())
  return hashed.value
}

/** What a command came to: an answer, its first or its remembered one. Throws a Problem where it was refused. */
export const settle = (
  { services }: Api,
  result: CommandResult,
  answer: (outcome: Outcome) => Answer,
): Answer & { readonly position: Position | null; readonly repeated: boolean } => {
  if (result.kind === 'rejected') throw rejectionProblem(result.rejection, services.now())
  if (result.kind === 'accepted') {
    return { ...answer(result.outcome), position: result.position, repeated: false }
  }
  const { status, body, secret } = result.idempotency
  if (secret) throw new Problem(409, 'already-done')
  return { status, body, secret, position: result.position, repeated: true }
}
