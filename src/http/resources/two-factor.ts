/** My second factor: setting it up, its backup codes, turning it off. */
import { z } from 'zod'
import type { Outcome } from '../../account/commands.ts'
import { BACKUP_CODES, remainingCodes } from '../../account/decisions/second-factor.ts'
import type { AccountState } from '../../account/state.ts'
import { identityOf } from '../../accounts/identity.ts'
import type { Authenticated } from '../../commands/authenticate.ts'
import type { Answer } from '../../commands/command-bus.ts'
import {
  disableTwoFactor,
  enrollmentSecret,
  regenerateBackupCodes,
  startEnrollment,
  verifyEnrollment,
} from '../../commands/two-factor.ts'
import { otpauthUri, qrPng, qrSvg } from '../../secrets/totp.ts'
import { Problem } from '../problem.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { idempotencyHeader, servicesFor, sessionRequest, settle } from './commands.ts'
import { commandHeaders, consistencyOf } from './consistency.ts'
import { rejectionProblem } from './rejections.ts'
import { codeMethods, codeSchema, instant } from './schemas.ts'
import { sessionCookie } from './session-cookie.ts'
import { requireSudo } from './sudo.ts'

const tag = 'My second factor'
const enrollments = '/v1/me/two-factor/enrollments'
const params = z.strictObject({ id: z.uuid().toLowerCase() })

export const twoFactorEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'GET',
    path: '/v1/me/two-factor',
    summary: 'Is the second factor on, and which backup codes are used?',
    tag,
    auth: 'session',
    responses: { 200: { description: 'The second factor', schema: twoFactorSchema } },
    handler: ({ auth }) => ({ status: 200, body: twoFactorView(auth.account.state) }),
  }),

  endpoint({
    method: 'POST',
    path: enrollments,
    summary: 'Begin to set up the second factor',
    description: 'Asks nobody for a code before it is verified. A newer enrolment takes the place of this one.',
    tag,
    auth: 'session',
    headers: idempotencyHeader,
    responses: {
      201: { description: 'The secret, shown here only', schema: enrollmentSchema, headers: commandHeaders },
    },
    problems: {
      403: ['reauthentication-required'],
      409: ['two-factor-already-enabled', 'already-done'],
      422: ['idempotency-mismatch'],
      503: ['store-unavailable'],
    },
    async handler({ auth, headers, request }) {
      const asked = await sessionRequest(api, auth, request, { key: headers['Idempotency-Key'] })
      const { result, enrollmentId: id, secret } = await startEnrollment(api.services, asked, created)
      const { position } = settle(api, result, created)
      const path = `${enrollments}/${id}`
      return {
        status: 201,
        body: {
          id,
          secret,
          otpauthUri: await uriOf(api, auth, secret),
          qrCode: { svg: `${path}/qr.svg`, png: `${path}/qr.png` },
          expiresAt: new Date(api.services.now() + api.services.limits.enrollmentMs).toISOString(),
        },
        ...consistencyOf(api, position),
      }
    },
  }),

  ...(['svg', 'png'] as const).map((format) =>
    endpoint({
      method: 'GET',
      path: `${enrollments}/{id}/qr.${format}`,
      summary: `The QR code to scan, as ${format.toUpperCase()}`,
      tag,
      auth: 'session',
      params,
      responses: { 200: { description: 'The picture', mediaTypes: [pictures[format].type] } },
      problems: {
        403: ['reauthentication-required'],
        409: ['two-factor-already-enabled'],
        410: ['enrollment-expired'],
      },
      async handler({ auth, params }) {
        // The picture is the secret: a session that could not have begun the enrolment must not read it either.
        requireSudo(api, auth)
        const found = await enrollmentSecret(api.services, auth.account, params.id)
        if (found.kind === 'refused') throw rejectionProblem(found.rejection, api.services.now())
        const { type, draw } = pictures[format]
        return { status: 200, content: { type, data: await draw(await uriOf(api, auth, found.secret)) } }
      },
    }),
  ),

  endpoint({
    method: 'POST',
    path: `${enrollments}/{id}/verify`,
    summary: 'Turn the second factor on',
    description: 'Ends all other sessions and gives this one a new token. The backup codes are shown here only.',
    tag,
    auth: 'session',
    headers: idempotencyHeader,
    params,
    body: z.strictObject({ code: codeSchema }),
    responses: { 200: { description: 'On', schema: backupCodesSchema, headers: commandHeaders } },
    problems: {
      409: ['two-factor-already-enabled', 'already-done'],
      410: ['enrollment-expired'],
      422: ['code-invalid', 'idempotency-mismatch'],
      503: ['store-unavailable', 'overloaded'],
    },
    async handler({ auth, body, headers, params, request }) {
      const asked = await sessionRequest(api, auth, request, {
        key: headers['Idempotency-Key'],
        body,
        secretFields: ['code'],
      })
      const proof = { enrollmentId: params.id, code: body.code }
      const { result, backupCodes, token } = await verifyEnrollment(api.services, asked, proof, enabled)
      const { status, position } = settle(api, result, enabled)
      if (status === 422) throw new Problem(422, 'code-invalid')
      const consistency = consistencyOf(api, position)
      return {
        status: 200,
        body: { backupCodes: [...backupCodes] },
        headers: consistency.headers,
        cookies: [sessionCookie(token), ...consistency.cookies],
      }
    },
  }),

  endpoint({
    method: 'POST',
    path: '/v1/me/two-factor/backup-codes',
    summary: 'Make new backup codes',
    description: 'The old list is dead. The new codes are shown here only.',
    tag,
    auth: 'session',
    headers: idempotencyHeader,
    responses: { 201: { description: 'The new list', schema: backupCodesSchema, headers: commandHeaders } },
    problems: {
      403: ['reauthentication-required'],
      409: ['two-factor-not-enabled', 'already-done'],
      422: ['idempotency-mismatch'],
      503: ['store-unavailable'],
    },
    async handler({ auth, headers, request }) {
      const asked = await sessionRequest(api, auth, request, { key: headers['Idempotency-Key'] })
      const { result, backupCodes } = await regenerateBackupCodes(api.services, asked, created)
      const { position } = settle(api, result, created)
      return { status: 201, body: { backupCodes: [...backupCodes] }, ...consistencyOf(api, position) }
    },
  }),

  endpoint({
    method: 'POST',
    path: '/v1/me/two-factor/disable',
    summary: 'Turn the second factor off',
    description: 'Needs the password and a code, of the app or a backup code. Ends all other sessions.',
    tag,
    auth: 'session',
    headers: idempotencyHeader,
    body: z.strictObject({ password: z.string().min(1), method: z.enum(codeMethods), code: codeSchema }),
    responses: { 204: { description: 'Off; the cookie `__Host-session` is new', headers: commandHeaders } },
    problems: {
      403: ['invalid-credentials', 'code-invalid'],
      409: ['two-factor-not-enabled', 'already-done'],
      422: ['idempotency-mismatch'],
      429: ['too-many-requests'],
      503: ['store-unavailable', 'overloaded'],
    },
    async handler({ auth, body, headers, request }) {
      await api.addressLimits.consume(request.address)
      const asked = await sessionRequest(api, auth, request, {
        key: headers['Idempotency-Key'],
        body,
        secretFields: ['password', 'code'],
      })
      const { result, token } = await disableTwoFactor(servicesFor(api, request), asked, body, disabled)
      const { status, body: code, position } = settle(api, result, disabled)
      if (status === 403) throw new Problem(403, code === 'wrongPassword' ? 'invalid-credentials' : 'code-invalid')
      const consistency = consistencyOf(api, position)
      return {
        status: 204,
        headers: consistency.headers,
        cookies: [sessionCookie(token), ...consistency.cookies],
      }
    },
  }),
]

/** Answers that hold a secret are not kept: a repeat learns that it was done. */
const created = (): Answer => ({ status: 201, body: null, secret: true })

const enabled = ({ kind }: Outcome): Answer =>
  kind === 'wrongCode' ? { status: 422, body: null, secret: false } : { status: 200, body: null, secret: true }

const disabled = ({ kind }: Outcome): Answer =>
  kind === 'done' ? { status: 204, body: null, secret: true } : { status: 403, body: kind, secret: false }

const pictures = {
  svg: { type: 'image/svg+xml', draw: qrSvg },
  png: { type: 'image/png', draw: qrPng },
} as const

/** The account's name in the app is the address of today. */
const uriOf = async ({ services }: Api, { account }: Authenticated, secret: string): Promise<string> => {
  const identity = await identityOf(services.vault, account)
  return otpauthUri(secret, identity?.email ?? account.userId)
}

export const twoFactorView = ({ twoFactor }: Pick<AccountState, 'twoFactor'>): z.input<typeof twoFactorSchema> => {
  if (twoFactor === null) {
    return {
      enabled: false,
      enabledAt: null,
      backupCodes: { total: 0, remaining: 0, generatedAt: null, codes: [] },
    }
  }
  const { used, generatedAt } = twoFactor.codes
  const usedAt = new Map(used.map(({ index, at }) => [index, new Date(at).toISOString()]))
  return {
    enabled: true,
    enabledAt: new Date(twoFactor.enabledAt).toISOString(),
    backupCodes: {
      total: BACKUP_CODES,
      remaining: remainingCodes(twoFactor),
      generatedAt: new Date(generatedAt).toISOString(),
      codes: Array.from({ length: BACKUP_CODES }, (_, index) => ({ index, usedAt: usedAt.get(index) ?? null })),
    },
  }
}

export const twoFactorSchema = z.strictObject({
  enabled: z.boolean(),
  enabledAt: instant.nullable(),
  backupCodes: z.strictObject({
    total: z.int(),
    remaining: z.int(),
    generatedAt: instant.nullable(),
    codes: z.array(z.strictObject({ index: z.int(), usedAt: instant.nullable() })),
  }),
})

const enrollmentSchema = z.strictObject({
  id: z.uuid(),
  secret: z.string().meta({ description: 'Base32, to be typed into the app by hand' }),
  otpauthUri: z.string(),
  qrCode: z.strictObject({ svg: z.string(), png: z.string() }),
  expiresAt: instant,
})

const backupCodesSchema = z.strictObject({ backupCodes: z.array(z.string()) })
