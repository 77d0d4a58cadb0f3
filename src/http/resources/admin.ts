/** What operators do to accounts, with an access token. */
import { z } from 'zod'
import type { Outcome } from '../../account/commands.ts'
import { emailSchema } from '../../accounts/email.ts'
import type { OperatorRequest } from '../../commands/by-operator.ts'
import type { Answer } from '../../commands/command-bus.ts'
import { erase } from '../../commands/erase.ts'
import { createUser, type Operation, operate } from '../../commands/operate.ts'
import { commandIdOf, hashBody } from '../../commands/request-hash.ts'
import type { JsonObject } from '../../event-store/port.ts'
import type { TokenHolder } from '../../secrets/access-tokens.ts'
import type { RequestInfo } from '../request-info.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { contextOf, idempotencyHeader, settle } from './commands.ts'
import { commandHeaders, consistencyOf } from './consistency.ts'
import { nameSchema, userSchema } from './schemas.ts'

const tag = 'Operators'
const common = { tag, auth: 'token', scopes: ['admin:users'], headers: idempotencyHeader } as const
const params = z.strictObject({ id: z.uuid().toLowerCase() })
const revokedSchema = z.strictObject({ revoked: z.int() })

export const adminEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    ...common,
    method: 'POST',
    path: '/v1/admin/users',
    summary: 'Make an account',
    description: 'It has no password yet: its owner gets a mail with a link to set one.',
    body: z.strictObject({ email: emailSchema, name: nameSchema.optional() }),
    responses: { 201: { description: 'Made', schema: z.strictObject({ user: userSchema }), headers: commandHeaders } },
    problems: { 409: ['email-taken'], 422: ['idempotency-mismatch'] },
    async handler({ auth, body, headers, request }) {
      const { email } = body
      const name = body.name ?? null
      const asked = await operatorRequest(api, auth, request, headers, { email, name })
      // Kept in the open part of an event, so without the address.
      const answer = () => ({ status: 201, body: null, secret: false })
      const { userId, result } = await createUser(api.services, asked, { email, name }, answer)
      const { position } = settle(api, result, answer)
      return { status: 201, body: { user: { id: userId, email, name } }, ...consistencyOf(api, position) }
    },
  }),

  endpoint({
    ...common,
    method: 'POST',
    path: '/v1/admin/users/{id}/revoke-sessions',
    summary: 'End all sessions of a user',
    params,
    responses: {
      200: { description: 'How many it were', schema: revokedSchema, headers: commandHeaders },
    },
    problems: { 422: ['idempotency-mismatch'] },
    async handler({ auth, headers, params: { id }, request }) {
      const asked = await operatorRequest(api, auth, request, headers)
      const { body, position } = await carryOut(api, asked, 'revokeAllSessions', id, revokedAnswer)
      return { status: 200, body: revokedSchema.parse(body), ...consistencyOf(api, position) }
    },
  }),

  endpoint({
    ...common,
    method: 'POST',
    path: '/v1/admin/users/{id}/unlock',
    summary: 'Let a user sign in again who was locked out',
    params,
    responses: { 204: { description: 'Open', headers: commandHeaders } },
    problems: { 422: ['idempotency-mismatch'] },
    async handler({ auth, headers, params: { id }, request }) {
      const asked = await operatorRequest(api, auth, request, headers)
      const { position } = await carryOut(api, asked, 'unlock', id, doneAnswer)
      return { status: 204, ...consistencyOf(api, position) }
    },
  }),

  endpoint({
    ...common,
    method: 'POST',
    path: '/v1/admin/users/{id}/disable-two-factor',
    summary: 'Turn off the second factor of a user who lost it',
    description: 'Ends all sessions of the user, who is told by mail.',
    params,
    responses: { 204: { description: 'Off', headers: commandHeaders } },
    problems: { 409: ['two-factor-not-enabled'], 422: ['idempotency-mismatch'] },
    async handler({ auth, headers, params: { id }, request }) {
      const asked = await operatorRequest(api, auth, request, headers)
      const { position } = await carryOut(api, asked, 'disableTwoFactorOf', id, doneAnswer)
      return { status: 204, ...consistencyOf(api, position) }
    },
  }),

  endpoint({
    ...common,
    method: 'POST',
    path: '/v1/admin/users/{id}/erase',
    summary: 'Erase a user',
    description:
      'Ends all sessions and signs nobody in any more, at once. Everything that is held of the person goes because of it, ' +
      'within moments: what happened to the random user id, and its proofs, remain. There is no way back.',
    params,
    responses: { 202: { description: 'Begun, or done before', headers: commandHeaders } },
    problems: { 409: ['legal-hold'], 422: ['idempotency-mismatch'] },
    async handler({ auth, headers, params: { id }, request }) {
      const asked = await operatorRequest(api, auth, request, headers)
      const { position } = settle(api, await erase(api.services, asked, id, erasedAnswer), erasedAnswer)
      return { status: 202, ...consistencyOf(api, position) }
    },
  }),
]

const revokedAnswer = (outcome: Outcome): Answer => ({
  status: 200,
  body: { revoked: outcome.kind === 'revoked' ? outcome.count : 0 },
  secret: false,
})

const doneAnswer = (): Answer => ({ status: 204, body: null, secret: false })

const erasedAnswer = (): Answer => ({ status: 202, body: null, secret: false })

/** Keys belong to the token that sends them: two tokens do not answer each other's repeats. */
const operatorRequest = async (
  api: Api,
  { id: operatorId }: TokenHolder,
  request: RequestInfo,
  headers: { readonly 'Idempotency-Key'?: string | undefined },
  body: JsonObject = {},
): Promise<OperatorRequest> => {
  const context = await contextOf(api, request)
  const key = headers['Idempotency-Key']
  if (key === undefined) return { operatorId, context }
  const { method, path } = request
  const identified = { actorId: operatorId, method, path, key, body, secretFields: [] }
  const repeat = { commandId: commandIdOf(identified), bodyHash: await hashBody(api.services, identified) }
  return { operatorId, context, repeat }
}

const carryOut = async (
  api: Api,
  asked: OperatorRequest,
  operation: Operation,
  userId: string,
  answer: (outcome: Outcome) => Answer,
) => settle(api, await operate(api.services, asked, operation, userId, answer), answer)
