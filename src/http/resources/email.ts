/** Changing the e-mail address: asked for inside a session, confirmed by links in both mailboxes. */
import { z } from 'zod'
import type { Outcome } from '../../account/commands.ts'
import { emailSchema } from '../../accounts/email.ts'
import { confirmEmailChange, requestEmailChange } from '../../commands/change-email.ts'
import type { Answer } from '../../commands/command-bus.ts'
import { invalidRequest, Problem } from '../problem.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { contextOf, idempotencyHeader, servicesFor, sessionRequest, settle } from './commands.ts'
import { commandHeaders, consistencyOf } from './consistency.ts'
import { linkTokenSchema } from './schemas.ts'

const answer = (outcome: Outcome): Answer => ({
  status: outcome.kind === 'wrongPassword' ? 403 : 202,
  body: null,
  secret: false,
})

export const emailEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'POST',
    path: '/v1/me/email',
    summary: 'Ask for another e-mail address',
    description:
      'Both addresses get a mail with a link; the change happens when both links were used. The answer does not tell whether the new address belongs to another account. At most RESET_MAILS_PER_HOUR requests an hour.',
    tag: 'My profile',
    auth: 'session',
    headers: idempotencyHeader,
    body: z.strictObject({ newEmail: emailSchema, password: z.string().min(1) }),
    responses: { 202: { description: 'Both addresses are told', headers: commandHeaders } },
    problems: {
      403: ['invalid-credentials'],
      422: ['idempotency-mismatch'],
      429: ['too-many-requests'],
      503: ['store-unavailable', 'overloaded'],
    },
    async handler({ auth, body, headers, request }) {
      const key = headers['Idempotency-Key']
      const asked = await sessionRequest(api, auth, request, { key, body, secretFields: ['password'] })
      const ran = await requestEmailChange(servicesFor(api, request), asked, body, answer)
      if (ran.kind === 'ownAddress') {
        throw invalidRequest({ pointer: '#/newEmail', code: 'unchanged', detail: 'This is your address already.' })
      }
      const { status, position } = settle(api, ran.result, answer)
      if (status === 403) throw new Problem(403, 'invalid-credentials')
      return { status: 202, ...consistencyOf(api, position) }
    },
  }),

  endpoint({
    method: 'POST',
    path: '/v1/auth/email-changes/confirm',
    summary: 'Confirm an e-mail change with the link that was mailed',
    description: 'Signs nobody in. In whatever order the two links come, the address is changed by the second.',
    tag: 'My profile',
    auth: 'none',
    body: z.strictObject({ token: linkTokenSchema }),
    responses: { 204: { description: 'Confirmed', headers: commandHeaders } },
    problems: { 410: ['token-invalid'], 429: ['too-many-requests'], 503: ['store-unavailable', 'overloaded'] },
    async handler({ body, request }) {
      await api.addressLimits.consume(request.address)
      const result = await confirmEmailChange(api.services, body.token, await contextOf(api, request))
      const { position } = settle(api, result, () => ({ status: 204, body: null, secret: false }))
      return { status: 204, ...consistencyOf(api, position) }
    },
  }),
]
