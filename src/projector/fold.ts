import { valuesOf } from './copy-line.ts'
import { ProjectionFault } from './fault.ts'
import { pick, type TableLayout } from './layout.ts'
import type { ColumnValue, Row, RowOperation } from './row-operation.ts'
import { canonical } from './values.ts'

type Values = readonly ColumnValue[]
type Cell = readonly [columnIndex: number, value: ColumnValue]

/** A row in the making: its values; or its line for COPY, where that is what it will be written by. */
export type FoldedRow = Values | Buffer

/** An operation that fits its table. */
export type Step<Spelled = FoldedRow> = { readonly layout: TableLayout } & (
  | { readonly op: 'insert'; readonly key: string; readonly row: Spelled }
  | { readonly op: 'update'; readonly key: string; readonly keyValues: Values; readonly set: readonly Cell[] }
  | { readonly op: 'updateWhere'; readonly where: readonly Cell[]; readonly set: readonly Cell[] }
  /** `key` where the condition is the primary key and nothing else. */
  | { readonly op: 'delete'; readonly where: readonly Cell[]; readonly key: string | undefined }
)

/** A batch's operations on one table, checked. */
export interface TablePlan {
  readonly layout: TableLayout
  readonly steps: readonly Step[]
}

/** What is to be written for a batch: first what meets stored rows by a condition, in this order, then the upserts. */
export interface FoldedTable {
  readonly conditions: readonly Condition[]
  readonly upserts: readonly FoldedRow[]
  /**
   * A table that is loaded without its key has to have it now: a row is looked for by it; or rows are removed by what else
   * is in them, and with one that has replaced another nobody would find the other one.
   */
  readonly needsKey: boolean
}

/**
 * Deletes, or changes, the rows in which the columns `where` equal one of `rows`. In an update each of `rows` goes on
 * with the new values of the columns `set`, some of which may be among `where` where it has one row.
 */
export type Condition =
  | { readonly kind: 'delete'; readonly where: readonly number[]; readonly rows: readonly Values[] }
  | {
      readonly kind: 'update'
      readonly where: readonly number[]
      readonly set: readonly number[]
      readonly rows: readonly Values[]
    }

/** Checks operations and sorts them by table. Throws ProjectionFault for one that does not fit its table. */
export function planTables(
  layouts: ReadonlyMap<string, TableLayout>,
  operations: readonly RowOperation[],
): TablePlan[] {
  const byTable = new Map<TableLayout, Step[]>()
  for (const operation of operations) {
    const step = stepOf(layouts, operation, asValues)
    const ofTable = byTable.get(step.layout)
    if (ofTable) ofTable.push(step)
    else byTable.set(step.layout, [step])
  }
  return [...byTable].map(([layout, steps]) => ({ layout, steps }))
}

const asValues = (values: Values): Values => values

/** `spell`: in which form the batch will want the rows. Throws ProjectionFault where the operation does not fit its table. */
export function stepOf<Spelled>(
  layouts: ReadonlyMap<string, TableLayout>,
  operation: RowOperation,
  spell: (values: Values) => Spelled,
): Step<Spelled> {
  const layout = layouts.get(operation.table)
  if (!layout) throw new ProjectionFault(`there is no table "${operation.table}"`)
  if (operation.op === 'insert') {
    const values = wholeRow(layout, operation.row)
    return { layout, op: 'insert', key: keyOf(pick(values, layout.key)), row: spell(values) }
  }
  if (operation.op === 'delete') return removal(layout, operation.where)
  const { set } = operation
  if ('where' in operation) {
    const where = condition(layout, operation.where, 'an update of')
    return { layout, op: 'updateWhere', where, set: changes(layout, set) }
  }
  const keyValues = keyRow(layout, operation.key)
  return { layout, op: 'update', key: keyOf(keyValues), keyValues, set: changes(layout, set) }
}

/**
 * Runs the steps in memory, over the rows that the batch itself inserts: no stored row has to be read for it. The result,
 * written, leaves the table exactly as the operations one after another would: an inserted row ends as it stands in
 * memory, and every other row is met by the conditions, in their order, as it stood when the batch began, which is how
 * they found it.
 */
export function foldTable({ layout, steps }: TablePlan): FoldedTable {
  /** Rows the batch inserts; null: it has removed them again. */
  const rows = new Map<string, FoldedRow | null>()
  const conditions = new ConditionList()
  const patches = new Patches(layout, conditions)
  for (const step of steps) {
    if (step.op === 'insert') {
      rows.set(step.key, step.row)
      patches.forget(step.key)
    } else if (step.op === 'update') {
      const row = rows.get(step.key)
      if (row) rows.set(step.key, changed(valuesIn(layout, row), step.set))
      else if (row === undefined) patches.add(step)
    } else if (step.op === 'updateWhere') {
      patches.flush()
      conditions.update(step.where, step.set)
      for (const [key, row] of rows) {
        const values = row && valuesIn(layout, row)
        if (values && matches(values, step.where)) rows.set(key, changed(values, step.set))
      }
    } else if (step.key !== undefined) {
      patches.forget(step.key)
      conditions.delete(step.where)
      if (rows.has(step.key)) rows.set(step.key, null)
    } else {
      patches.flush()
      conditions.delete(step.where)
      for (const [key, row] of rows) if (row && matches(valuesIn(layout, row), step.where)) rows.set(key, null)
    }
  }
  patches.flush()
  const upserts: FoldedRow[] = []
  for (const row of rows.values()) if (row) upserts.push(row)
  // With an inserted row that is gone again goes the stored one that it has replaced, whatever that looks like.
  for (const step of steps) {
    if (step.op === 'insert' && rows.get(step.key) === null)
      conditions.delete(keyCells(layout, valuesIn(layout, step.row)))
  }
  const needsKey = patches.any || steps.some((step) => step.op === 'delete' && step.key === undefined)
  return { conditions: conditions.all(), upserts, needsKey }
}

export const valuesIn = (layout: TableLayout, row: FoldedRow): Values =>
  Buffer.isBuffer(row) ? valuesOf(layout, row) : row

/** What stored rows are to be changed to, by their keys, until a condition comes that might look for what is changed. */
class Patches {
  readonly #layout: TableLayout
  readonly #conditions: ConditionList
  readonly #pending = new Map<string, { readonly keyValues: Values; readonly set: Map<number, ColumnValue> }>()
  /** There was one. */
  any = false

  constructor(layout: TableLayout, conditions: ConditionList) {
    this.#layout = layout
    this.#conditions = conditions
  }

  add({ key, keyValues, set }: Extract<Step, { readonly op: 'update' }>): void {
    this.any = true
    const known = this.#pending.get(key)
    if (known === undefined) this.#pending.set(key, { keyValues, set: new Map(set) })
    else for (const [index, value] of set) known.set.set(index, value)
  }

  forget(key: string): void {
    this.#pending.delete(key)
  }

  /** Those that change the same columns one behind the other, for they are one statement. */
  flush(): void {
    const bySet = new Map<string, (readonly [where: readonly Cell[], set: readonly Cell[]])[]>()
    for (const { keyValues, set } of this.#pending.values()) {
      const where = this.#layout.key.map((index, at): Cell => [index, keyValues[at] ?? null])
      const columns = [...set.keys()].join()
      const alike = bySet.get(columns)
      if (alike) alike.push([where, [...set]])
      else bySet.set(columns, [[where, [...set]]])
    }
    for (const alike of bySet.values()) for (const [where, set] of alike) this.#conditions.update(where, set)
    this.#pending.clear()
  }
}

interface OpenGroup {
  readonly kind: 'delete' | 'update'
  readonly where: readonly number[]
  readonly set: readonly number[]
  /** By the values of `where`: of two equal conditions the later one counts. */
  readonly rows: Map<string, Values>
}

/** Conditions in their order, as few statements as that leaves. Deletes may change places with each other. */
class ConditionList {
  readonly #groups: OpenGroup[] = []
  /** Deletes since the last update, by their columns. */
  readonly #deletes = new Map<string, OpenGroup>()

  delete(cells: readonly Cell[]): void {
    const where = cells.map(([index]) => index)
    const group = this.#deletes.get(where.join()) ?? this.#open('delete', where, [])
    this.#deletes.set(where.join(), group)
    add(group, cells, [])
  }

  update(cells: readonly Cell[], changes: readonly Cell[]): void {
    const sorted = changes.toSorted(([a], [b]) => a - b)
    const where = cells.map(([index]) => index)
    const set = sorted.map(([index]) => index)
    if (set.length === 0) return
    const last = this.#groups.at(-1)
    // One that changes what it looks for may be met by the next one anew: such a one stays alone.
    const joins =
      last?.kind === 'update' &&
      last.where.join() === where.join() &&
      last.set.join() === set.join() &&
      !set.some((index) => where.includes(index))
    if (!joins) this.#deletes.clear()
    add(joins ? last : this.#open('update', where, set), cells, sorted)
  }

  all(): Condition[] {
    return this.#groups.map(({ kind, where, set, rows }) =>
      kind === 'delete' ? { kind, where, rows: [...rows.values()] } : { kind, where, set, rows: [...rows.values()] },
    )
  }

  #open(kind: OpenGroup['kind'], where: readonly number[], set: readonly number[]): OpenGroup {
    const group = { kind, where, set, rows: new Map() }
    this.#groups.push(group)
    return group
  }
}

function add({ rows }: OpenGroup, cells: readonly Cell[], changes: readonly Cell[]): void {
  const values = cells.map(([, value]) => value)
  rows.set(keyOf(values), [...values, ...changes.map(([, value]) => value)])
}

/** Identity of canonical values of the same columns: no text holds U+0000, and none of them is null. */
export function keyOf(values: Values): string {
  return values.join('\0')
}

function wholeRow(layout: TableLayout, row: Row): Values {
  let given = 0
  for (const _ in row) given += 1
  if (given !== layout.columns.length) {
    throw new ProjectionFault(`an insert into ${layout.name} must give exactly its columns`)
  }
  return layout.columns.map((column) => canonical(column, row[column.name]))
}

function keyRow(layout: TableLayout, key: Row): Values {
  if (Object.keys(key).length !== layout.key.length) {
    throw new ProjectionFault(`an update of ${layout.name} must give exactly its primary key`)
  }
  return pick(layout.columns, layout.key).map((column) => canonical(column, key[column.name]))
}

function changes(layout: TableLayout, set: Row): Cell[] {
  const cells = cellsOf(layout, set)
  if (cells.some(([index]) => layout.key.includes(index))) {
    throw new ProjectionFault(`an update of ${layout.name} must not move its primary key`)
  }
  return cells
}

function condition(layout: TableLayout, where: Row, what: string): Cell[] {
  const cells = cellsOf(layout, where).sort(([a], [b]) => a - b)
  // A forgotten condition would meet every row; SQL's null equals nothing, which nobody means who writes it.
  if (cells.length === 0) throw new ProjectionFault(`${what} ${layout.name} must name a column`)
  if (cells.some(([, value]) => value === null)) {
    throw new ProjectionFault(`${what} ${layout.name} must not look for null`)
  }
  return cells
}

function removal(layout: TableLayout, where: Row): Step<never> {
  const cells = condition(layout, where, 'a delete from')
  const byIndex = new Map(cells)
  const keyValues = layout.key.map((index) => byIndex.get(index) ?? null)
  const isKey = cells.length === layout.key.length && !keyValues.includes(null)
  return { layout, op: 'delete', where: cells, key: isKey ? keyOf(keyValues) : undefined }
}

function cellsOf(layout: TableLayout, row: Row): Cell[] {
  return Object.entries(row).map(([name, value]) => {
    const index = layout.columnIndex.get(name)
    const column = index === undefined ? undefined : layout.columns[index]
    if (index === undefined || column === undefined) {
      throw new ProjectionFault(`${layout.name} has no column "${name}"`)
    }
    return [index, canonical(column, value)]
  })
}

function keyCells(layout: TableLayout, values: Values): Cell[] {
  return layout.key.map((index): Cell => [index, values[index] ?? null]).sort(([a], [b]) => a - b)
}

function changed(row: Values, set: readonly Cell[]): Values {
  const next = [...row]
  for (const [index, value] of set) next[index] = value
  return next
}

function matches(row: Values, where: readonly Cell[]): boolean {
  return where.every(([index, value]) => row[index] === value)
}
