/** What the resources are made of: the services of the command side, the read side, and the ways to sign in. */
import type { Kysely } from 'kysely'
import type { LogReader } from '../../audit/log-reader.ts'
import type { ClientContextResolver } from '../../client-context/client-context.ts'
import type { Authenticated } from '../../commands/authenticate.ts'
import type { Services } from '../../commands/services.ts'
import type { AddressLimits } from '../../platform/address-limits.ts'
import type { Database } from '../../platform/database.ts'
import type { Progress } from '../../projector/progress.ts'
import type { TokenHolder } from '../../secrets/access-tokens.ts'
import type { Sealer } from '../../secrets/sealed-tokens.ts'
import type { SessionHash } from '../../secrets/session-hash.ts'
import { type Endpoint, endpointsFor } from '../endpoint.ts'

export interface Api {
  readonly services: Services
  readonly db: Kysely<Database>
  readonly progress: Progress
  readonly clientContext: ClientContextResolver
  readonly sessionHash: SessionHash
  readonly sealer: Sealer
  readonly log: LogReader
  readonly addressLimits: AddressLimits
  readonly registration: 'open' | 'closed'
  readonly consistencyWaitMs: number
}

export type Ways = { readonly session: Authenticated; readonly token: TokenHolder }
export type ApiEndpoint = Endpoint<Ways>

export const endpoint = endpointsFor<Ways>()
