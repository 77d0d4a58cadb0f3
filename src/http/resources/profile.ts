/** Who I say I am, and how I like to see things. Each has a version, its ETag, and a change names the one it is based on. */
import { z } from 'zod'
import type { FieldValues } from '../../account/commands.ts'
import type { Account } from '../../accounts/accounts.ts'
import { identityOf, openFields } from '../../accounts/identity.ts'
import type { Authenticated } from '../../commands/authenticate.ts'
import { type FieldsUpdate, updateFields } from '../../commands/update-fields.ts'
import { entityTag, ifMatchHeader, versionsOf } from '../entity-tag.ts'
import type { Problems } from '../problem-codes.ts'
import type { RequestInfo } from '../request-info.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { idempotencyHeader, sessionRequest, settle } from './commands.ts'
import { commandHeaders, consistencyOf } from './consistency.ts'
import {
  defaultPreferences,
  type Preferences,
  type Profile,
  preferenceFields,
  preferencesSchema,
  profileFields,
  profileSchema,
} from './profile-fields.ts'

const tag = 'My profile'
const readHeaders = { ETag: 'The version. Bring it as If-Match with a change.' }
const changeHeaders = idempotencyHeader.extend(ifMatchHeader.shape)
const changeProblems = {
  412: ['precondition-failed'],
  422: ['idempotency-mismatch'],
  428: ['precondition-required'],
} as const satisfies Problems

export const profileEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'GET',
    path: '/v1/me/profile',
    summary: 'My profile',
    tag,
    auth: 'session',
    responses: { 200: { description: 'Profile', schema: profileSchema, headers: readHeaders } },
    handler: ({ auth }) => profileAnswer(api, auth.account),
  }),

  endpoint({
    method: 'PATCH',
    path: '/v1/me/profile',
    summary: 'Change my profile',
    description:
      'Only the fields that are sent change; null takes one back. A change to what is so already is none, and leaves the version as it is.',
    tag,
    auth: 'session',
    headers: changeHeaders,
    body: z.strictObject(profileFields).partial(),
    responses: {
      200: { description: 'As it is now', schema: profileSchema, headers: { ...readHeaders, ...commandHeaders } },
    },
    problems: changeProblems,
    async handler({ auth, body, headers, request }) {
      const present = (account: Account) => profileOf(api, account)
      const update = { kind: 'updateProfile', changes: sentOf(body), present } as const
      const { account, consistency } = await change(api, auth, request, headers, update)
      return withConsistency(await profileAnswer(api, account), consistency)
    },
  }),

  endpoint({
    method: 'GET',
    path: '/v1/me/preferences',
    summary: 'My preferences',
    description: `Until they are set: ${JSON.stringify(defaultPreferences)}`,
    tag,
    auth: 'session',
    responses: { 200: { description: 'Preferences', schema: preferencesSchema, headers: readHeaders } },
    handler: ({ auth }) => preferencesAnswer(api, auth.account),
  }),

  endpoint({
    method: 'PATCH',
    path: '/v1/me/preferences',
    summary: 'Change my preferences',
    description: 'As for the profile; null brings the default back.',
    tag,
    auth: 'session',
    headers: changeHeaders,
    body: z.strictObject(preferenceFields).partial(),
    responses: {
      200: {
        description: 'As they are now',
        schema: preferencesSchema,
        headers: { ...readHeaders, ...commandHeaders },
      },
    },
    problems: changeProblems,
    async handler({ auth, body, headers, request }) {
      const present = (account: Account) => preferencesOf(api, account)
      const update = { kind: 'updatePreferences', changes: withDefaults(sentOf(body)), present } as const
      const { account, consistency } = await change(api, auth, request, headers, update)
      return withConsistency(await preferencesAnswer(api, account), consistency)
    },
  }),
]

const profileAnswer = async (api: Api, account: Account) => ({
  status: 200 as const,
  headers: { ETag: entityTag(account.state.profile.version) },
  body: await profileOf(api, account),
})

const preferencesAnswer = async (api: Api, account: Account) => ({
  status: 200 as const,
  headers: { ETag: entityTag(account.state.preferences.version) },
  body: await preferencesOf(api, account),
})

export const profileOf = async ({ services: { vault } }: Api, account: Account): Promise<Profile> => {
  const identity = await identityOf(vault, account)
  const { phone, website, avatarUrl } = await openFields(vault, account.userId, account.state.profile)
  return {
    name: identity?.name ?? null,
    phone: textOrNull(phone),
    website: textOrNull(website),
    avatarUrl: textOrNull(avatarUrl),
  }
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

export const preferencesOf = async ({ services: { vault } }: Api, account: Account): Promise<Preferences> => {
  const set = await openFields(vault, account.userId, account.state.preferences)
  return preferencesSchema.parse({ ...defaultPreferences, ...set })
}

/** null is the default's value from here on: what is recorded says what holds. */
const withDefaults = (changes: FieldValues): FieldValues => {
  const defaults: FieldValues = { ...defaultPreferences }
  return Object.fromEntries(Object.entries(changes).map(([field, value]) => [field, value ?? defaults[field] ?? null]))
}

/** A schema's optional fields may be undefined for the compiler; from JSON they never are. */
const sentOf = (body: Readonly<Record<string, FieldValues[string] | undefined>>): FieldValues =>
  Object.fromEntries(Object.entries(body).flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])))

interface ChangeHeaders {
  readonly 'If-Match'?: string | undefined
  readonly 'Idempotency-Key'?: string | undefined
}

type Consistency = ReturnType<typeof consistencyOf>

const change = async (
  api: Api,
  who: Authenticated,
  request: RequestInfo,
  headers: ChangeHeaders,
  update: Omit<FieldsUpdate, 'basedOn'>,
): Promise<{ readonly account: Account; readonly consistency: Consistency }> => {
  const basedOn = versionsOf(headers['If-Match'])
  const asked = await sessionRequest(api, who, request, { key: headers['Idempotency-Key'], body: update.changes })
  // Kept in the open part of the event, so without the values; a repeat is shown what holds by then.
  const answer = () => ({ status: 200, body: null, secret: false })
  const { position } = settle(api, await updateFields(api.services, asked, { ...update, basedOn }, answer), answer)
  return {
    account: await api.services.accounts.load(who.account.userId),
    consistency: consistencyOf(api, position),
  }
}

const withConsistency = <Answer extends { readonly headers: Readonly<Record<string, string>> }>(
  answer: Answer,
  { headers, cookies }: Consistency,
) => ({ ...answer, headers: { ...answer.headers, ...headers }, cookies })
