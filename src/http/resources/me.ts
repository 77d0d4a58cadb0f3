/** Who I am and how safe my account is: answered from the state that authorisation has just read, never stale. */
import { z } from 'zod'
import { remainingCodes } from '../../account/decisions/second-factor.ts'
import type { AccountState } from '../../account/state.ts'
import { identityOf, openPersonalOf } from '../../accounts/identity.ts'
import type { Authenticated } from '../../commands/authenticate.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { isLive } from './live-sessions.ts'
import { device, instant, location, software, userSchema } from './schemas.ts'

const tag = 'My security'

export const meEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'GET',
    path: '/v1/me',
    summary: 'The signed-in user and the session',
    tag,
    auth: 'session',
    responses: { 200: { description: 'User and session', schema: meSchema } },
    async handler({ auth: { account, session } }) {
      const identity = await identityOf(api.services.vault, account)
      const { sessionAbsoluteMs, sudoMs } = api.services.limits
      return {
        status: 200,
        body: {
          user: { id: account.userId, email: identity?.email ?? '', name: identity?.name ?? null },
          session: {
            id: session.id,
            hash: api.sessionHash(session.id),
            signedInAt: iso(session.signedInAt),
            expiresAt: iso(session.signedInAt + sessionAbsoluteMs),
            sudoUntil: iso(session.provenAt + sudoMs),
          },
        },
      }
    },
  }),

  endpoint({
    method: 'GET',
    path: '/v1/me/security',
    summary: 'The state of my account at a glance',
    tag,
    auth: 'session',
    responses: { 200: { description: 'Password, second factor, sessions', schema: securitySchema } },
    handler: async ({ auth }) => ({ status: 200, body: await securityOf(api, auth) }),
  }),
]

export const securityOf = async (api: Api, auth: Authenticated): Promise<z.input<typeof securitySchema>> => {
  const { state } = auth.account
  const accesses = await api.services.activity.ofSessions(state.sessions.map(({ id }) => id))
  return {
    passwordChangedAt: iso(state.passwordChangedAt),
    twoFactor: {
      enabled: state.twoFactor !== null,
      backupCodesRemaining: state.twoFactor === null ? 0 : remainingCodes(state.twoFactor),
    },
    activeSessions: state.sessions.filter(({ id, signedInAt }) => isLive(api, { id, signedInAt }, accesses)).length,
    lastLogin: await lastLoginOf(api, auth),
    warnings: warningsOf(state),
  }
}

/** What the owner should see to, most urgent first. */
const securityWarnings = ['backup-codes-low'] as const

const FEW_BACKUP_CODES = 3

const warningsOf = ({ twoFactor }: AccountState): (typeof securityWarnings)[number][] =>
  twoFactor !== null && remainingCodes(twoFactor) <= FEW_BACKUP_CODES ? ['backup-codes-low'] : []

const iso = (at: number): string => new Date(at).toISOString()

const meSchema = z.strictObject({
  user: userSchema,
  session: z.strictObject({
    id: z.uuid(),
    hash: z.string(),
    signedInAt: instant,
    expiresAt: instant.meta({ description: 'When the session ends even if it is in use' }),
    sudoUntil: instant.meta({ description: 'Until when sensitive commands pass without proving again who I am' }),
  }),
})

const lastLoginSchema = z.strictObject({
  occurredAt: instant,
  sessionId: z.uuid(),
  ip: z.string().nullable(),
  location: location.nullable(),
  device,
  browser: software,
  os: software,
})

const securitySchema = z.strictObject({
  passwordChangedAt: instant,
  twoFactor: z.strictObject({ enabled: z.boolean(), backupCodesRemaining: z.int() }),
  activeSessions: z.int(),
  lastLogin: lastLoginSchema.nullable(),
  warnings: z
    .array(z.enum(securityWarnings))
    .meta({ description: 'Three backup codes or fewer are left: make new ones' }),
})

const lastLoginOf = async (
  { services }: Api,
  { account }: Authenticated,
): Promise<z.infer<typeof lastLoginSchema> | null> => {
  const event = account.state.lastLogIn
  if (event === null) return null
  const ref = { eventId: event.id, type: event.type, box: event.personal }
  const personal = await openPersonalOf(services.vault, account.userId, ref)
  const { client, occurredAt } = event.metadata
  const nothing = { name: null, version: null }
  const country = client?.country ?? null
  return {
    occurredAt,
    sessionId: event.data.sessionId,
    ip: personal?.ip ?? null,
    location: country === null ? null : { country, region: personal?.region ?? null, city: personal?.city ?? null },
    device: { type: client?.deviceType ?? 'other' },
    browser: client?.browser ?? nothing,
    os: client?.os ?? nothing,
  }
}
