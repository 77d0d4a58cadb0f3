/** Registering, signing in with one step or two, and signing out. */
import { z } from 'zod'
import { emailSchema } from '../../accounts/email.ts'
import { runBySession } from '../../commands/by-session.ts'
import { completeLogIn } from '../../commands/complete-log-in.ts'
import { logIn, type SignedIn } from '../../commands/log-in.ts'
import { register } from '../../commands/register.ts'
import { describePolicy } from '../../secrets/password-policy.ts'
import { Problem } from '../problem.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { challengeCookie, challengeOf, clearedChallengeCookie } from './challenge-cookie.ts'
import { contextOf, servicesFor, sessionRequest, settle } from './commands.ts'
import { commandHeaders, consistencyOf } from './consistency.ts'
import { passwordProblem, throttled } from './rejections.ts'
import { codeMethods, codeSchema, instant, nameSchema, newPasswordProblems, userSchema } from './schemas.ts'
import { clearedSessionCookie, sessionCookie } from './session-cookie.ts'

const tag = 'Signing in'
const password = z.string().min(1)

const authenticatedSchema = z.strictObject({
  status: z.literal('authenticated'),
  session: z.strictObject({ id: z.uuid() }),
})
const secondFactorSchema = z.strictObject({
  status: z.literal('two_factor_required'),
  methods: z.array(z.enum(codeMethods)),
  expiresAt: instant,
})

export const signInEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'POST',
    path: '/v1/auth/register',
    summary: 'Register an account',
    description:
      'Signs nobody in. Closed by default in production: open registration reveals which addresses are taken.',
    tag,
    auth: 'none',
    body: z.strictObject({ email: emailSchema, password, name: nameSchema.optional() }),
    responses: {
      201: { description: 'Registered', schema: z.strictObject({ user: userSchema }), headers: commandHeaders },
    },
    problems: {
      403: ['registration-closed'],
      409: ['email-taken'],
      422: newPasswordProblems,
      429: ['too-many-requests'],
      503: ['store-unavailable', 'overloaded'],
    },
    async handler({ body, request }) {
      if (api.registration === 'closed') throw new Problem(403, 'registration-closed')
      await api.addressLimits.consume(request.address)
      const { email } = body
      const name = body.name ?? null
      const context = await contextOf(api, request)
      const result = await register(servicesFor(api, request), { email, password: body.password, name }, context)
      if (result.kind === 'passwordRefused') throw passwordProblem(result.problems, '#/password')
      if (result.kind === 'emailTaken') throw new Problem(409, 'email-taken')
      return { status: 201, body: { user: { id: result.userId, email, name } }, ...consistencyOf(api, result.position) }
    },
  }),

  endpoint({
    method: 'POST',
    path: '/v1/auth/login',
    summary: 'Sign in with e-mail address and password',
    tag,
    auth: 'none',
    body: z.strictObject({ email: z.string().min(1).max(1_000), password }),
    responses: {
      200: {
        description:
          'Signed in, with the cookie `__Host-session`; or a second factor is asked for, with the cookie `__Host-challenge`',
        schema: z.discriminatedUnion('status', [authenticatedSchema, secondFactorSchema]),
        headers: commandHeaders,
      },
    },
    problems: {
      401: ['invalid-credentials'],
      429: ['login-throttled', 'too-many-requests'],
      503: ['store-unavailable', 'overloaded'],
    },
    async handler({ body, request }) {
      await api.addressLimits.consume(request.address)
      // What is no address at all takes the way of an unknown one, under the spelling that was typed.
      const email = emailSchema.safeParse(body.email).data ?? body.email
      const context = await contextOf(api, request)
      const result = await logIn(servicesFor(api, request), { email, password: body.password }, context)
      if (result.kind === 'refused') throw new Problem(401, 'invalid-credentials')
      if (result.kind === 'throttled') throw throttled(result.until, api.services.now())
      if (result.kind === 'signedIn') return authenticated(api, result)
      const { challenge } = result
      return {
        status: 200,
        body: {
          status: 'two_factor_required' as const,
          methods: [...codeMethods],
          expiresAt: new Date(challenge.expiresAt).toISOString(),
        },
        cookies: [challengeCookie(api, challenge)],
      }
    },
  }),

  endpoint({
    method: 'POST',
    path: '/v1/auth/two-factor',
    summary: 'The second step of signing in',
    tag,
    auth: 'none',
    body: z.strictObject({ method: z.enum(codeMethods), code: codeSchema }),
    responses: {
      200: {
        description: 'Signed in; the cookie `__Host-session` is set',
        schema: authenticatedSchema,
        headers: commandHeaders,
      },
    },
    problems: {
      401: ['code-invalid', 'challenge-expired'],
      429: ['login-throttled', 'too-many-requests'],
      503: ['store-unavailable', 'overloaded'],
    },
    async handler({ body, request }) {
      await api.addressLimits.consume(request.address)
      const challenge = challengeOf(api, request)
      if (challenge === null) throw challengeExpired()
      const result = await completeLogIn(api.services, challenge, body, await contextOf(api, request))
      if (result.kind === 'challengeExpired') throw challengeExpired()
      if (result.kind === 'wrongCode') throw new Problem(401, 'code-invalid')
      if (result.kind === 'throttled') throw throttled(result.until, api.services.now())
      const { cookies, ...answer } = authenticated(api, result)
      return { ...answer, cookies: [...cookies, clearedChallengeCookie()] }
    },
  }),

  endpoint({
    method: 'POST',
    path: '/v1/auth/logout',
    summary: 'Sign out',
    tag,
    auth: 'session',
    responses: {
      204: {
        description: 'Signed out; the session is dead',
        headers: { 'Clear-Site-Data': 'Forget everything', ...commandHeaders },
      },
    },
    async handler({ auth, request }) {
      const answer = () => ({ status: 204, body: null, secret: false })
      const asked = await sessionRequest(api, auth, request, { key: undefined })
      const { position } = settle(
        api,
        await runBySession(api.services, asked, () => ({ kind: 'logOut' }), answer),
        answer,
      )
      const { headers, cookies } = consistencyOf(api, position)
      return {
        status: 204,
        headers: { 'Clear-Site-Data': '"cache", "cookies", "storage"', ...headers },
        cookies: [clearedSessionCookie(), ...cookies],
      }
    },
  }),

  endpoint({
    method: 'GET',
    path: '/v1/password-policy',
    summary: 'What a new password has to be',
    tag,
    auth: 'none',
    responses: { 200: { description: 'The policy', schema: policySchema } },
    handler: () => ({ status: 200, body: describePolicy(api.services.passwordPolicy) }),
  }),
]

const authenticated = (api: Api, { sessionId, token, position }: SignedIn) => {
  const { headers, cookies } = consistencyOf(api, position)
  return {
    status: 200 as const,
    body: { status: 'authenticated' as const, session: { id: sessionId } },
    headers,
    cookies: [sessionCookie(token), ...cookies],
  }
}

const challengeExpired = () => new Problem(401, 'challenge-expired', { cookies: [clearedChallengeCookie()] })

const policySchema = z.strictObject({
  policy: z.enum(['default', 'nist', 'pci']),
  minLength: z.int(),
  maxLength: z.int(),
  history: z.int(),
  composition: z.array(z.enum(['letter', 'digit'])),
  blocklist: z.strictObject({
    commonPasswords: z.int(),
    patterns: z.array(z.string()),
    contextWords: z.array(z.string()),
  }),
})
