/** Names for the shapes of the API that several parts of the page speak of. */
import type { paths } from './schema.ts'

type Json<Path extends keyof paths> = paths[Path] extends {
  readonly get: {
    readonly responses: { readonly 200: { readonly content: { readonly 'application/json': infer Body } } }
  }
}
  ? Body
  : never

export type Me = Json<'/v1/me'>
export type AccountSession = Json<'/v1/me/sessions'>['items'][number]
/** `fingerprint` is always null in version 1 of the API, and lost by the types of openapi-fetch for that. */
export type AuditEvent = Omit<Json<'/v1/me/audit-events'>['items'][number], 'fingerprint'>
export type TwoFactor = Json<'/v1/me/two-factor'>
export type Preferences = Json<'/v1/me/preferences'>
export type Profile = Json<'/v1/me/profile'>
export type PasswordPolicy = Json<'/v1/password-policy'>

export type CodeMethod = 'totp' | 'backup_code'
export type Place = AccountSession['location']
export type DeviceType = AccountSession['device']['type']
