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
  type Queryable,
  readTree,
  runsIn,
} from '../audit/log-store.ts'
import { formatVerifierKey, signNote, type VerifierKey, verifierKeyOf } from '../audit/note.ts'
import { gapSubtrees, type Range, subtreeRoots } from '../audit/proofs.ts'
import type { EventStore } from '../event-store/port.ts'
import type { Vault } from '../secrets/vault.ts'
import { type EvidenceFilter, placedEvents } from './evidence-events.ts'
import { lineOf, openRow, type ProvenRow, type Redaction } from './evidence-rows.ts'
import { tableHead, tableLine } from './evidence-table.ts'

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
 * The bundle of what the last checkpoint has. Throws LogMissing where nothing was signed yet; the files throw
 * LogContradicted where an event is not what its leaf says, CannotOpen, and what store, vault and database throw.
 */
export const evidenceFiles = async (sources: EvidenceSources, wish: EvidenceWish): Promise<readonly EvidenceFile[]> => {
  const { database } = sources
  const [tree, checkpoint] = [await readTree(database), await lastCheckpoint(database)]
  if (tree === undefined || checkpoint === undefined) throw new LogMissing()
  const key = verifierKeyOf(tree.origin, sources.publicKey)
  if (formatVerifierKey(key) !== tree.verifierKey) {
    throw new LogContradicted(`the signing key at hand is not the one of this log, ${tree.verifierKey}`)
  }
  const cuts = [...new Set([...(await keptSizes(database, checkpoint.size)), ...wish.olderSizes])]
    .filter((size) => size > 0 && size < checkpoint.size)
    .sort((a, b) => a - b)
  const runs = new Runs()
  const rows = new Digest()
  const proof = new Digest()
  const table = new Digest()
  let count = 0
  const counts = { personal: 0, redacted: 0, erased: 0 }
  const schemas: Record<string, number> = {}
  const revisions: { from: string | null; to: string | null } = { from: null, to: null }
  let manifest = ''

  /** One row after the other, and not in batches: what a row is made of is then garbage before it has cost anything. */
  async function* linesBy(lineOf: (proven: ProvenRow) => string): AsyncGenerator<string> {
    for await (const batch of placedEvents(sources, wish.filter, checkpoint?.size ?? 0, wish.signal)) {
      const keys = await sources.vault.dataKeys(batch.flatMap(({ userId }) => userId ?? []))
      let text = ''
      for (const placed of batch) text += lineOf(openRow(placed, keys, wish.redact))
      yield text
    }
  }

  async function* rowLines(): AsyncGenerator<Buffer> {
    const noted = (proven: ProvenRow): string => {
      const { leafIndex, hidden, personal, event } = proven.row
      runs.add(leafIndex)
      if (hidden !== null || personal !== null) counts[hidden ?? 'personal'] += 1
      noteSchema(schemas, event)
      revisions.from ??= String(event.revision)
      revisions.to = String(event.revision)
      count += 1
      return lineOf(proven)
    }
    for await (const text of linesBy(noted)) yield rows.add(text)
  }

  async function* tableLines(): AsyncGenerator<Buffer> {
    yield table.add(tableHead)
    for await (const text of linesBy(({ row }) => tableLine(row))) yield table.add(text)
  }

  async function* proofLines(): AsyncGenerator<Buffer> {
    const subtrees = gapSubtrees(runs.gaps(checkpoint?.size ?? 0), cuts)
    for (let at = 0; at < subtrees.length; at += PROOF_BATCH) {
      const hashes = await subtreeRoots(runsIn(database), subtrees.slice(at, at + PROOF_BATCH))
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
        origin: tree?.origin,
        filter: { from: from ?? null, to: to ?? null, user: user ?? null, codes: codes ?? null },
        redacted: wish.redact,
        coverage: coverageOf(wish.filter, runs, revisions),
        count,
        personal: counts,
        schemas,
        files: {
          [ROWS]: { sha256: rows.hex(), bytes: rows.bytes },
          [PROOF]: { sha256: proof.hex(), bytes: proof.bytes },
          ...(wish.table ? { [TABLE]: { sha256: table.hex(), bytes: table.bytes } } : {}),
        },
        verifierKey: tree?.verifierKey,
        checkpoint: checkpoint?.note,
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

const PROOF_BATCH = 500

/** Its first line is no log's origin, so nobody can pass it off as a checkpoint of one. */
const signManifest = (manifest: string, key: VerifierKey, privateKey: KeyObject): string => {
  const digest = createHash('sha256').update(manifest).digest('base64')
  return signNote(`${FORMAT} ${key.name}\n${digest}\n`, key, privateKey)
}

/** In which the absence of a row would be noticed; null: every row is proven, and that there are no more is asserted. */
const coverageOf = (
  { user, codes }: EvidenceFilter,
  runs: Runs,
  revisions: { readonly from: string | null; readonly to: string | null },
) => {
  if (codes !== undefined || runs.first === null) return { kind: 'rows' }
  if (user !== undefined) return { kind: 'revisions', stream: `user-${user}`, ...revisions }
  return { kind: 'leaves', from: runs.first, to: runs.end }
}

const noteSchema = (schemas: Record<string, number>, { type, metadata: { schemaVersion } }: LeafContent): void => {
  if (typeof schemaVersion === 'number') schemas[type] = Math.max(schemas[type] ?? 0, schemaVersion)
}

/** Indexes that come in growing order, as runs: an unfiltered bundle of any size is a single one. */
class Runs {
  readonly #runs: { from: number; to: number }[] = []

  get first(): number | null {
    return this.#runs[0]?.from ?? null
  }

  get end(): number {
    return this.#runs.at(-1)?.to ?? 0
  }

  add(index: number): void {
    const last = this.#runs.at(-1)
    if (last?.to === index) last.to += 1
    else this.#runs.push({ from: index, to: index + 1 })
  }

  gaps(size: number): readonly Range[] {
    const starts = [0, ...this.#runs.map(({ to }) => to)]
    const ends = [...this.#runs.map(({ from }) => from), size]
    return starts.map((from, n) => ({ from, to: ends[n] ?? size })).filter(({ from, to }) => from < to)
  }
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
