/** A forgotten password: asking for a link, and using it. */
import { z } from 'zod'
import { emailSchema } from '../../accounts/email.ts'
import { requestPasswordReset, resetPassword } from '../../commands/password-reset.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { contextOf, servicesFor, settle } from './commands.ts'
import { commandHeaders, consistencyOf } from './consistency.ts'
import { passwordProblem } from './rejections.ts'
import { linkTokenSchema, newPasswordProblems } from './schemas.ts'

const tag = 'Signing in'

export const passwordResetEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'POST',
    path: '/v1/auth/password-resets',
    summary: 'Ask for a link that sets a new password',
    description:
      'The answer is the same, after the same time, whether the address is known or not; nor does it tell that no more mail is sent this hour.',
    tag,
    auth: 'none',
    body: z.strictObject({ email: z.string().min(1).max(1_000) }),
    responses: { 202: { description: 'If the address belongs to an account, a mail is on its way to it' } },
    problems: { 429: ['too-many-requests'], 503: ['store-unavailable', 'overloaded'] },
    async handler({ body, request }) {
      await api.addressLimits.consume(request.address)
      // What is no address at all takes the way of an unknown one, under the spelling that was typed.
      const email = emailSchema.safeParse(body.email).data ?? body.email
      await requestPasswordReset(api.services, email, await contextOf(api, request))
      // No Consistency-Token: that of a known account would be another one.
      return { status: 202 }
    },
  }),

  endpoint({
    method: 'POST',
    path: '/v1/auth/password-resets/confirm',
    summary: 'Set a new password with the link that was mailed',
    description: 'Signs nobody in, ends every session and opens the lock. A second factor stays as it is.',
    tag,
    auth: 'none',
    body: z.strictObject({ token: linkTokenSchema, newPassword: z.string().min(1) }),
    responses: { 204: { description: 'The password is set; sign in with it', headers: commandHeaders } },
    problems: {
      410: ['token-invalid'],
      422: [...newPasswordProblems, 'password-reused'],
      429: ['too-many-requests'],
      503: ['store-unavailable', 'overloaded'],
    },
    async handler({ body, request }) {
      await api.addressLimits.consume(request.address)
      const result = await resetPassword(servicesFor(api, request), body, await contextOf(api, request))
      if (result.kind === 'passwordRefused') throw passwordProblem(result.problems, '#/newPassword')
      const { position } = settle(api, result.result, () => ({ status: 204, body: null, secret: false }))
      return { status: 204, ...consistencyOf(api, position) }
    },
  }),
]
