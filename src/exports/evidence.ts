/**
 * An evidence bundle: events with what recomputes their leaves, the hashes that lead from these leaves to the root of a
 * signed checkpoint, and a signed manifest that says what all of it is. scripts/verify.mjs is the other half; what is
 * proven by it, and what is not, is in docs/auditors.md.
 */
import { createHash, type Hash as Hasher, type KeyObject } from 'node:crypto'
import type { LeafContent } from '../audit/leaf.ts'
import {
  keptSizes,
  LogContradicted,
  LogMissing,
  lastCheckpoint,
  openStored,
  type Queryable,
  readTree,
} from '../audit/log-store.ts'
import { formatVerifierKey, signNote, type VerifierKey, verifierKeyOf } from '../audit/note.ts'
import type { EventStore } from '../event-store/port.ts'
import type { Vault } from '../secrets/vault.ts'
import { openCoverage } from './evidence-coverage.ts'
import { type EvidenceFilter, type PlacedEvent, placedEvents } from './evidence-events.ts'
import { lineOf, openRow, type ProvenRow, type Redaction } from './evidence-rows.ts'
import { tableHead, tableLine } from './evidence-table.ts'
import { openEvidenceTree } from './evidence-tree.ts'

export interface EvidenceSources {
  readonly store: Pick<EventStore, 'read' | 'subscribe'>
  readonly vault: Pick<Vault, 'dataKeys'>
  readonly database: Queryable
  readonly signingKey: KeyObject
  readonly publicKey: KeyObject
}

export interface EvidenceWish {
  readonly filter: EvidenceFilter
  readonly redact: Redaction
  /** Sizes of checkpoints that the bundle has to be shown consistent with, beside those likely to have been kept. */
  readonly olderSizes: readonly number[]
  /** Also as a table, for people. */
  readonly table: boolean
  readonly program: { readonly name: string; readonly version: string }
  readonly madeAt: Date
  readonly signal: AbortSignal
}

/** To be read whole, one after the other, in their order: later ones tell of earlier ones. */
export interface EvidenceFile {
  readonly name: string
  content(): AsyncIterable<string | Buffer>
}

const ROWS = 'rows.ndjson'
const TABLE = 'rows.csv'
const PROOF = 'proof'
const MANIFEST = 'manifest.json'
const SIGNATURE = 'manifest.sig'
const FORMAT = 'strongroom-evidence/1'

/**
 * The bundle of what the last checkpoint has. Throws LogMissing where nothing was signed yet, and LogContradicted where
 * the checkpoint is not signed by the key at hand. The files throw LogContradicted, before there is a manifest, where an
 * event is missing, or not what its leaf says, and where the leaves are not those that were signed; CannotOpen, and what
 * store, vault and database throw.
 */
export const evidenceFiles = async (sources: EvidenceSources, wish: EvidenceWish): Promise<readonly EvidenceFile[]> => {
  const { database } = sources
  const [tree, last] = [await readTree(database), await lastCheckpoint(database)]
  if (tree === undefined || last === undefined) throw new LogMissing()
  const key = verifierKeyOf(tree.origin, sources.publicKey)
  if (formatVerifierKey(key) !== tree.verifierKey) {
    throw new LogContradicted(`the signing key at hand is not the one of this log, ${tree.verifierKey}`)
  }
  const checkpoint = openStored(last, key)
  const { note } = last
  const cuts = [...new Set([...(await keptSizes(database, checkpoint.size)), ...wish.olderSizes])]
    .filter((size) => size > 0 && size < checkpoint.size)
    .sort((a, b) => a - b)
  const evidence = openEvidenceTree(database, checkpoint, cuts)
  const coverage = openCoverage(wish.filter, checkpoint.size)
  const rows = new Digest()
  const proof = new Digest()
  const table = new Digest()
  let count = 0
  const counts = { personal: 0, redacted: 0, erased: 0 }
  const schemas: Record<string, number> = {}
  let manifest = ''

  /** One row after the other, and not in batches: what a row is made of is then garbage before it has cost anything. */
  async function* linesBy(
    lineOf: (proven: ProvenRow) => string,
    check: (batch: readonly PlacedEvent[]) => Promise<void> = async () => {},
  ): AsyncGenerator<string> {
    for await (const batch of placedEvents(sources, wish.filter, checkpoint.size, wish.signal)) {
      const keys = await sources.vault.dataKeys(batch.flatMap(({ userId }) => userId ?? []))
      let text = ''
      for (const placed of batch) text += lineOf(openRow(placed, keys, wish.redact))
      await check(batch)
      yield text
    }
  }

  async function* rowLines(): AsyncGenerator<Buffer> {
    const noted = (proven: ProvenRow): string => {
      const { hidden, personal, event } = proven.row
      if (hidden !== null || personal !== null) counts[hidden ?? 'personal'] += 1
      noteSchema(schemas, event)
      count += 1
      return lineOf(proven)
    }
    const check = (batch: readonly PlacedEvent[]): Promise<void> => {
      for (const placed of batch) coverage.note(placed)
      return evidence.add(batch.map(({ leaf }) => leaf))
    }
    for await (const text of linesBy(noted, check)) yield rows.add(text)
    coverage.close()
    await evidence.close()
  }

  async function* tableLines(): AsyncGenerator<Buffer> {
    yield table.add(tableHead)
    for await (const text of linesBy(({ row }) => tableLine(row))) yield table.add(text)
  }

  async function* proofLines(): AsyncGenerator<Buffer> {
    for await (const hashes of evidence.roots()) {
      yield proof.add(hashes.map((hash) => `${hash.toString('base64')}\n`).join(''))
    }
  }

  async function* manifestText(): AsyncGenerator<string> {
    const { user, codes, from, to } = wish.filter
    manifest = `${JSON.stringify(
      {
        format: FORMAT,
        program: wish.program,
        madeAt: wish.madeAt.toISOString(),
        origin: key.name,
        filter: { from: from ?? null, to: to ?? null, user: user ?? null, codes: codes ?? null },
        redacted: wish.redact,
        coverage: coverage.coverage(),
        count,
        personal: counts,
        schemas,
        files: {
          [ROWS]: { sha256: rows.hex(), bytes: rows.bytes },
          [PROOF]: { sha256: proof.hex(), bytes: proof.bytes },
          ...(wish.table ? { [TABLE]: { sha256: table.hex(), bytes: table.bytes } } : {}),
        },
        verifierKey: formatVerifierKey(key),
        checkpoint: note,
        cuts,
      },
      null,
      2,
    )}\n`
    yield manifest
  }

  async function* signature(): AsyncGenerator<string> {
    yield signManifest(manifest, key, sources.signingKey)
  }

  return [
    { name: ROWS, content: rowLines },
    { name: PROOF, content: proofLines },
    ...(wish.table ? [{ name: TABLE, content: tableLines }] : []),
    { name: MANIFEST, content: manifestText },
    { name: SIGNATURE, content: signature },
  ]
}

/** Its first line is no log's origin, so nobody can pass it off as a checkpoint of one. */
const signManifest = (manifest: string, key: VerifierKey, privateKey: KeyObject): string => {
  const digest = createHash('sha256').update(manifest).digest('base64')
  return signNote(`${FORMAT} ${key.name}\n${digest}\n`, key, privateKey)
}

const noteSchema = (schemas: Record<string, number>, { type, metadata: { schemaVersion } }: LeafContent): void => {
  if (typeof schemaVersion === 'number') schemas[type] = Math.max(schemas[type] ?? 0, schemaVersion)
}

class Digest {
  readonly #hasher: Hasher = createHash('sha256')
  bytes = 0

  /** The text in UTF-8, made once for the hash and for the file. */
  add(text: string): Buffer {
    const bytes = Buffer.from(text)
    this.#hasher.update(bytes)
    this.bytes += bytes.length
    return bytes
  }

  hex(): string {
    return this.#hasher.copy().digest('hex')
  }
}
