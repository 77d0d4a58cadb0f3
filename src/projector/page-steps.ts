/**
 * What the events of a page of the log ask of the tables, packed: a bulk load holds thousands of rows at a time, and what
 * is one buffer and one list of keys for hundreds of them costs the collector next to nothing.
 */
import { lineText } from './copy-line.ts'
import { type Step, stepOf } from './fold.ts'
import type { TableLayout } from './layout.ts'
import type { RowOperation } from './row-operation.ts'

export interface PageSteps {
  /** How many events there were. */
  readonly events: number
  readonly tables: readonly TableSteps[]
}

export interface TableSteps {
  /** By its name in the projection. */
  readonly table: string
  /** Of the rows that are inserted, in their order. */
  readonly keys: readonly string[]
  /** Their lines for COPY, one behind the other. */
  readonly lines: Buffer
  /** Offset behind each line. */
  readonly ends: readonly number[]
  readonly others: readonly OtherStep[]
}

/** A step that is no insert, and how many inserts are before it. */
interface OtherStep {
  readonly after: number
  readonly step: WithoutLayout<Exclude<Step, { readonly op: 'insert' }>>
}

type WithoutLayout<S> = S extends { readonly layout: TableLayout } ? Omit<S, 'layout'> : never

/** Packs the operations of one event after another. Those of a page that is given up halfway are forgotten by `begin`. */
export class StepPacker {
  readonly #layouts: ReadonlyMap<string, TableLayout>
  readonly #packs: ReadonlyMap<TableLayout, TablePack>

  constructor(layouts: ReadonlyMap<string, TableLayout>) {
    this.#layouts = layouts
    this.#packs = new Map([...layouts.values()].map((layout) => [layout, new TablePack(layout)]))
  }

  begin(): void {
    for (const pack of this.#packs.values()) pack.clear()
  }

  /** Throws ProjectionFault where an operation does not fit its table. */
  add(operations: readonly RowOperation[]): void {
    for (const operation of operations) {
      const step = stepOf(this.#layouts, operation, lineText)
      this.#packs.get(step.layout)?.add(step)
    }
  }

  end(events: number): PageSteps {
    return { events, tables: [...this.#packs.values()].flatMap((pack) => pack.packed() ?? []) }
  }
}

const FIRST_BYTES = 65_536
/** Of UTF-8, for one unit of a string. */
const MOST_BYTES_OF_A_UNIT = 3

class TablePack {
  readonly #table: string
  #keys: string[] = []
  #ends: number[] = []
  #others: OtherStep[] = []
  /** Used again for each page, and as large as the largest of them needed. */
  #lines = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #end = 0

  constructor({ name }: TableLayout) {
    this.#table = name
  }

  clear(): void {
    this.#keys = []
    this.#ends = []
    this.#others = []
    this.#end = 0
  }

  add(step: Step<string>): void {
    if (step.op === 'insert') {
      this.#write(step.row)
      this.#keys.push(step.key)
      this.#ends.push(this.#end)
    } else {
      const { layout: _, ...other } = step
      this.#others.push({ after: this.#keys.length, step: other })
    }
  }

  packed(): TableSteps | undefined {
    if (this.#keys.length + this.#others.length === 0) return undefined
    const lines = Buffer.allocUnsafeSlow(this.#end)
    this.#lines.copy(lines, 0, 0, this.#end)
    return { table: this.#table, keys: this.#keys, lines, ends: this.#ends, others: this.#others }
  }

  #write(line: string): void {
    const most = this.#end + line.length * MOST_BYTES_OF_A_UNIT
    if (most > this.#lines.length) {
      const larger = Buffer.allocUnsafeSlow(2 * most)
      this.#lines.copy(larger, 0, 0, this.#end)
      this.#lines = larger
    }
    this.#end += this.#lines.write(line, this.#end)
  }
}

/** The steps again, on the table of a build. */
export function* stepsIn({ keys, lines, ends, others }: TableSteps, layout: TableLayout): Generator<Step> {
  let next = 0
  for (let index = 0; index <= keys.length; index++) {
    for (; others[next]?.after === index; next++) yield { layout, ...others[next]?.step } as Step
    const key = keys[index]
    if (key !== undefined) yield { layout, op: 'insert', key, row: lines.subarray(ends[index - 1] ?? 0, ends[index]) }
  }
}
