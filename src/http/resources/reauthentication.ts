/** Proving again who I am: opens the window in which sensitive commands pass. */
import { z } from 'zod'
import type { Outcome } from '../../account/commands.ts'
import type { Answer } from '../../commands/command-bus.ts'
import { type Proof, reauthenticate } from '../../commands/reauthenticate.ts'
import { Problem } from '../problem.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { servicesFor, sessionRequest, settle } from './commands.ts'
import { commandHeaders, consistencyOf } from './consistency.ts'
import { codeMethods, codeSchema } from './schemas.ts'
import { sessionCookie } from './session-cookie.ts'

export const reauthenticationEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'POST',
    path: '/v1/auth/reauthenticate',
    summary: 'Confirm that it is me',
    description:
      'With the password; where the second factor is on, with a code of the app instead. A backup code never opens the window. Wrong guesses end the session.',
    tag: 'Signing in',
    auth: 'session',
    body: z.union([
      z.strictObject({ password: z.string().min(1) }),
      z.strictObject({ method: z.enum(codeMethods), code: codeSchema }),
    ]),
    responses: { 204: { description: 'Confirmed; the cookie `__Host-session` is new', headers: commandHeaders } },
    problems: {
      403: ['invalid-credentials', 'code-invalid'],
      429: ['too-many-requests'],
      503: ['store-unavailable', 'overloaded'],
    },
    async handler({ auth, body, request }) {
      await api.addressLimits.consume(request.address)
      const proof = proofOf(body)
      if (proof === null) {
        throw new Problem(403, 'code-invalid', { detail: 'A backup code does not do here: use the app.' })
      }
      const asked = await sessionRequest(api, auth, request, { key: undefined })
      const { result, token } = await reauthenticate(servicesFor(api, request), asked, proof, answer)
      if (result.kind === 'rejected' && result.rejection.code === 'two-factor-not-enabled') {
        throw new Problem(403, 'code-invalid', { detail: 'There is no second factor: use the password.' })
      }
      const { status, position } = settle(api, result, answer)
      if (status === 403) {
        throw new Problem(403, proof.kind === 'password' ? 'invalid-credentials' : 'code-invalid')
      }
      const { headers, cookies } = consistencyOf(api, position)
      return { status: 204, headers, cookies: [sessionCookie(token), ...cookies] }
    },
  }),
]

type Body = { readonly password: string } | { readonly method: (typeof codeMethods)[number]; readonly code: string }

const proofOf = (body: Body): Proof | null => {
  if ('password' in body) return { kind: 'password', password: body.password }
  return body.method === 'totp' ? { kind: 'totp', code: body.code } : null
}

const answer = ({ kind }: Outcome): Answer => ({
  status: kind === 'wrongPassword' || kind === 'wrongCode' ? 403 : 204,
  body: null,
  secret: true,
})
