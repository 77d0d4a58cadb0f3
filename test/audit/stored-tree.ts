/** What log-store.ts keeps in PostgreSQL, in memory: leaves, and the subtrees at stored levels. */
import { EMPTY_FRONTIER, type Frontier, grow } from '../../src/audit/frontier.ts'
import type { Hash } from '../../src/audit/merkle.ts'
import { isStored, type ReadRuns, type Run } from '../../src/audit/proofs.ts'

export class StoredTree {
  /** `level:index` -> hash. */
  readonly rows = new Map<string, Hash>()
  frontier: Frontier = EMPTY_FRONTIER
  /** Runs and hashes read. */
  reads = { runs: 0, hashes: 0 }

  append(leaves: readonly Hash[]): void {
    for (const [offset, hash] of leaves.entries()) this.rows.set(`0:${this.frontier.size + offset}`, hash)
    const { frontier, completed } = grow(this.frontier, leaves)
    for (const { level, index, hash } of completed) if (isStored(level)) this.rows.set(`${level}:${index}`, hash)
    this.frontier = frontier
  }

  /** Every row, in an order that does not depend on how they came. */
  listing(): readonly string[] {
    return [...this.rows].map(([place, hash]) => `${place} ${hash.toString('hex')}`).sort()
  }

  /** As an attacker would. */
  forget(level: number, index: number): void {
    this.rows.delete(`${level}:${index}`)
  }

  readonly read: ReadRuns = async (runs) => runs.map((run) => this.#run(run))

  #run({ level, from, to }: Run): readonly Hash[] {
    this.reads.runs += 1
    this.reads.hashes += to - from
    return Array.from({ length: to - from }, (_, i) => this.rows.get(`${level}:${from + i}`)).filter(
      (hash) => hash !== undefined,
    )
  }
}
