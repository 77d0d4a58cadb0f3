/** Names for the shapes of the API that several parts of the page speak of. */
import type { paths } from './schema.ts'

type Json<Path extends keyof paths> = paths[Path] extends {
  readonly get: { readonly responses: { readonly 200: { readonly content: { readonly 'application/json': infer Body } } } }
}
  ? Body
  : never

export type Me = Json<'/v1/me'>
export type AccountSession = Json<'/v1/me/sessions'>['items'][number]
export type SessionStory = Json<'/v1/me/sessions/{id}'>
export type AuditEvent = Json<'/v1/me/audit-events'>['items'][number]
export type TwoFactor = Json<'/v1/me/two-factor'>
export type Preferences = Json<'/v1/me/preferences'>
export type Profile = Json<'/v1/me/profile'>
export type PasswordPolicy = Json<'/v1/password-policy'>
export type SecuritySummary = Json<'/v1/me/security'>

export type CodeMethod = 'totp' | 'backup_code'
export type Place = AccountSession['location']
export type DeviceType = AccountSession['device']['type']
