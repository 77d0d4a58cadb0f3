/**
 * Recognises a repeated request: the same Idempotency-Key, from the same person, to the same place, with the same body.
 *
 * The hash of the body lies in the open part of an event. Were a password in it under a fast hash, whoever got hold of
 * the key could guess passwords without ever paying for scrypt; so secrets enter it through the password hasher.
 */
import { createHmac } from 'node:crypto'
import canonicalize from 'canonicalize'
import { v5 as uuidv5 } from 'uuid'
import type { JsonObject } from '../event-store/port.ts'
import type { Services } from './services.ts'

export interface IdentifiedRequest {
  /** User id of the person, or id of the access token, that sends it. */
  readonly actorId: string
  readonly method: string
  readonly path: string
  readonly key: string
  readonly body: JsonObject
  /** Fields of the body that hold secrets. */
  readonly secretFields: readonly string[]
}

const NAMESPACE = '6f1c1f0e-3c55-4a3b-9a35-7d1c2f0f6f7b'

export const commandIdOf = ({ actorId, method, path, key }: IdentifiedRequest): string =>
  uuidv5(JSON.stringify([actorId, method, path, key]), NAMESPACE)

export const hashBody = async (services: Services, request: IdentifiedRequest): Promise<string> => {
  const { body, secretFields } = request
  const open = Object.fromEntries(Object.entries(body).filter(([field]) => !secretFields.includes(field)))
  const secrets = secretFields.map((field) => body[field] ?? null)
  const hmac = createHmac('sha256', services.vault.key('request-hash')).update(canonicalize(open) ?? '')
  if (secretFields.length > 0) {
    const salt = `request ${commandIdOf(request)}`
    hmac.update('\n').update(await services.hasher.derive(canonicalize(secrets) ?? '', salt))
  }
  return hmac.digest('base64url')
}
