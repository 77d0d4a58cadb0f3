/** Evidence bundles out of a running server. */
import type pg from 'pg'
import { LogMissing, queryableOf } from '../audit/log-store.ts'
import { loadSigningKey } from '../audit/signing-key.ts'
import type { EventStore } from '../event-store/port.ts'
import type { Vault } from '../secrets/vault.ts'
import { type EvidenceFile, evidenceFiles } from './evidence.ts'
import type { EvidenceFilter } from './evidence-events.ts'

/** Throws LogMissing where nothing is signed yet, or this process has not the key to sign with; else as evidenceFiles. */
export type EvidenceMaker = (
  filter: EvidenceFilter,
  madeAt: Date,
  signal: AbortSignal,
) => Promise<readonly EvidenceFile[]>

export const openEvidenceMaker =
  ({
    store,
    vault,
    pool,
    settings,
    program,
  }: {
    readonly store: Pick<EventStore, 'read' | 'subscribe'>
    readonly vault: Pick<Vault, 'dataKeys'>
    readonly pool: pg.Pool
    readonly settings: Parameters<typeof loadSigningKey>[0]
    readonly program: { readonly name: string; readonly version: string }
  }): EvidenceMaker =>
  async (filter, madeAt, signal) => {
    const key = await loadSigningKey(settings, { make: false })
    if (key === undefined) throw new LogMissing()
    const { name, version } = program
    return evidenceFiles(
      { store, vault, database: queryableOf(pool), signingKey: key.privateKey, publicKey: key.publicKey },
      { filter, redact: [], olderSizes: [], table: false, program: { name, version }, madeAt, signal },
    )
  }
