/** What the resources are made of: the services of the command side, the read side, and the ways to sign in. */
import type { Kysely } from 'kysely'
import type { Live } from '../../accounts/live.ts'
import type { LogReader } from '../../audit/log-reader.ts'
import type { ClientContextResolver } from '../../client-context/client-context.ts'
import type { Authenticated } from '../../commands/authenticate.ts'
import type { Services } from '../../commands/services.ts'
import type { Erasures } from '../../erasure/erasures.ts'
import type { EventStore } from '../../event-store/port.ts'
import type { AccessRecorder } from '../../exports/access-recorder.ts'
import type { RowCopier } from '../../exports/copy-rows.ts'
import type { EvidenceMaker } from '../../exports/evidence-maker.ts'
import type { AddressLimits } from '../../platform/address-limits.ts'
import type { CoalescedReads } from '../../platform/coalesced-reads.ts'
import type { Database } from '../../platform/database.ts'
import type { Overview } from '../../projector/overview.ts'
import type { Progress } from '../../projector/progress.ts'
import type { ReadTextRows } from '../../queries/audit-page.ts'
import type { ListedSession } from '../../queries/sessions.ts'
import type { AccessTokens, TokenHolder } from '../../secrets/access-tokens.ts'
import type { Sealer } from '../../secrets/sealed-tokens.ts'
import type { SessionHash } from '../../secrets/session-hash.ts'
import { type Endpoint, endpointsFor } from '../endpoint.ts'
import type { Downloads } from './downloads.ts'
import type { EventStreams } from './event-streams.ts'

export interface Api {
  readonly services: Services
  readonly db: Kysely<Database>
  readonly readTextRows: ReadTextRows
  /** Of a user. Users that are asked for at once share a read. */
  readonly activeSessions: CoalescedReads<string, readonly ListedSession[]>
  readonly store: Pick<EventStore, 'read' | 'subscribe' | 'tail' | 'ping'>
  readonly live: Pick<Live, 'follow'>
  readonly erasures: Pick<Erasures, 'follow'>
  readonly streams: EventStreams
  readonly tokens: Pick<AccessTokens, 'isValid'>
  readonly progress: Progress
  readonly projections: Overview
  readonly clientContext: ClientContextResolver
  readonly sessionHash: SessionHash
  readonly sealer: Sealer
  readonly log: LogReader
  readonly rows: RowCopier
  /** Of rows and bundles. Each holds a connection of the pool of exports, or reads as much. */
  readonly downloads: Downloads
  /** Of the log, by analysts: however many they are, everybody else's have their places. */
  readonly eventDownloads: Downloads
  readonly accesses: AccessRecorder
  readonly evidence: EvidenceMaker
  readonly addressLimits: AddressLimits
  readonly registration: 'open' | 'closed'
  readonly consistencyWaitMs: number
}

export type Ways = { readonly session: Authenticated; readonly token: TokenHolder }
export type ApiEndpoint = Endpoint<Ways>

export const endpoint = endpointsFor<Ways>()
