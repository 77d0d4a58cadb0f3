/** Changing the own password. */
import { z } from 'zod'
import type { Outcome } from '../../account/commands.ts'
import { changePassword } from '../../commands/change-password.ts'
import type { Answer } from '../../commands/command-bus.ts'
import { Problem } from '../problem.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { idempotencyHeader, servicesFor, sessionRequest, settle } from './commands.ts'
import { commandHeaders, consistencyOf } from './consistency.ts'
import { passwordProblem } from './rejections.ts'
import { newPasswordProblems } from './schemas.ts'
import { sessionCookie } from './session-cookie.ts'

/** The answer to a change carries the new token, which is not kept: a repeat learns that it was done. */
const answer = (outcome: Outcome): Answer =>
  outcome.kind === 'wrongPassword'
    ? { status: 403, body: null, secret: false }
    : { status: 204, body: null, secret: true }

export const passwordEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'PUT',
    path: '/v1/me/password',
    summary: 'Change my password',
    description: 'Ends all other sessions (unless asked to keep them) and gives this one a new token.',
    tag: 'My security',
    auth: 'session',
    headers: idempotencyHeader,
    body: z.strictObject({
      currentPassword: z.string().min(1),
      newPassword: z.string().min(1),
      keepOtherSessions: z.boolean().default(false),
    }),
    responses: { 204: { description: 'Changed; the cookie `__Host-session` is new', headers: commandHeaders } },
    problems: {
      403: ['invalid-credentials'],
      409: ['already-done'],
      429: ['too-many-requests'],
      422: [...newPasswordProblems, 'password-reused', 'idempotency-mismatch'],
      503: ['store-unavailable', 'overloaded'],
    },
    async handler({ auth, body, headers, request }) {
      await api.addressLimits.consume(request.address)
      const asked = await sessionRequest(api, auth, request, {
        key: headers['Idempotency-Key'],
        body,
        secretFields: ['currentPassword', 'newPassword'],
      })
      const result = await changePassword(servicesFor(api, request), asked, body, answer)
      if (result.kind === 'passwordRefused') throw passwordProblem(result.problems, '#/newPassword')
      const { status, position } = settle(api, result.result, answer)
      if (status === 403) throw new Problem(403, 'invalid-credentials')
      const consistency = consistencyOf(api, position)
      return {
        status: 204,
        headers: consistency.headers,
        cookies: [sessionCookie(result.token), ...consistency.cookies],
      }
    },
  }),
]
