import { ProjectionFault } from './fault.ts'
import { pick, type TableLayout } from './layout.ts'
import type { ColumnValue, Row, RowOperation } from './row-operation.ts'
import { canonical } from './values.ts'

type Values = readonly ColumnValue[]
type Cell = readonly [columnIndex: number, value: ColumnValue]

type Step =
  | { readonly op: 'insert'; readonly key: string; readonly values: Values }
  | { readonly op: 'update'; readonly key: string; readonly set: readonly Cell[] }
  /** `key` where the condition is the primary key and nothing else. */
  | { readonly op: 'delete'; readonly where: readonly Cell[]; readonly key: string | undefined }

/** A batch's operations on one table, checked, and the rows that must be known before they can be folded. */
export interface TablePlan {
  readonly layout: TableLayout
  readonly steps: readonly Step[]
  /** Key values by key, of rows that are updated before the batch inserts them. */
  readonly prefetch: ReadonlyMap<string, Values>
}

/** What is to be written for a batch: first the deletes, then the upserts. */
export interface FoldedTable {
  /** One entry per combination of columns. */
  readonly deletes: readonly { readonly columns: readonly number[]; readonly rows: readonly Values[] }[]
  readonly upserts: readonly Values[]
}

/** Sorts operations by table and checks each. Throws ProjectionFault for one that does not fit its table. */
export function planTables(
  layouts: ReadonlyMap<string, TableLayout>,
  operations: readonly RowOperation[],
): TablePlan[] {
  const plans = new Map<string, OpenPlan>()
  for (const operation of operations) {
    const layout = layouts.get(operation.table)
    if (!layout) throw new ProjectionFault(`there is no table "${operation.table}"`)
    const plan: OpenPlan = plans.get(layout.name) ?? { layout, steps: [], prefetch: new Map(), inserted: new Set() }
    plans.set(layout.name, plan)
    if (operation.op === 'insert') {
      const values = wholeRow(layout, operation.row)
      const key = keyOf(pick(values, layout.key))
      plan.inserted.add(key)
      plan.steps.push({ op: 'insert', key, values })
    } else if (operation.op === 'update') {
      const keyValues = keyRow(layout, operation.key)
      const key = keyOf(keyValues)
      if (!plan.inserted.has(key)) plan.prefetch.set(key, keyValues)
      plan.steps.push({ op: 'update', key, set: changes(layout, operation.set) })
    } else {
      plan.steps.push(removal(layout, operation.where))
    }
  }
  return [...plans.values()]
}

interface OpenPlan {
  readonly layout: TableLayout
  readonly steps: Step[]
  readonly prefetch: Map<string, Values>
  readonly inserted: Set<string>
}

/**
 * Runs the steps in memory over the prefetched rows (`base`, by key). The result, written, leaves the table exactly as
 * the operations one after another would: a row the batch touched ends as it stands in memory, and every other row is
 * met by the deletes as it stood when the batch began, which is how they found it.
 */
export function foldTable(plan: TablePlan, base: ReadonlyMap<string, Values>): FoldedTable {
  const { layout, steps } = plan
  /** Rows the batch touched; null: not there. */
  const rows = new Map<string, Values | null>()
  for (const key of plan.prefetch.keys()) rows.set(key, base.get(key) ?? null)
  const deletes = new DeleteList()
  for (const step of steps) {
    if (step.op === 'insert') rows.set(step.key, step.values)
    else if (step.op === 'update') {
      const row = rows.get(step.key)
      if (row) rows.set(step.key, changed(row, step.set))
    } else {
      deletes.add(step.where)
      if (step.key !== undefined) {
        if (rows.has(step.key)) rows.set(step.key, null)
      } else {
        for (const [key, row] of rows) if (row && matches(row, step.where)) rows.set(key, null)
      }
    }
  }
  const upserts: Values[] = []
  for (const [key, row] of rows) {
    if (row) upserts.push(row)
    // The condition that removed it met the row as changed by the batch: the stored one may look different.
    else if (base.has(key)) deletes.add(keyCells(layout, base.get(key) ?? []))
  }
  for (const step of steps) {
    if (step.op === 'insert' && rows.get(step.key) === null) deletes.add(keyCells(layout, step.values))
  }
  return { deletes: deletes.grouped(), upserts }
}

/** Conditions, each once, grouped by the columns they speak of. */
class DeleteList {
  readonly #groups = new Map<string, { columns: readonly number[]; rows: Map<string, Values> }>()

  add(where: readonly Cell[]): void {
    const columns = where.map(([index]) => index)
    const values = where.map(([, value]) => value)
    const signature = columns.join()
    const group = this.#groups.get(signature) ?? { columns, rows: new Map() }
    this.#groups.set(signature, group)
    group.rows.set(keyOf(values), values)
  }

  grouped(): FoldedTable['deletes'] {
    return [...this.#groups.values()].map(({ columns, rows }) => ({ columns, rows: [...rows.values()] }))
  }
}

/** Identity of canonical values of the same columns: no text holds U+0000, and none of them is null. */
export function keyOf(values: Values): string {
  return values.join('\0')
}

function wholeRow(layout: TableLayout, row: Row): Values {
  if (Object.keys(row).length !== layout.columns.length) {
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

function removal(layout: TableLayout, where: Row): Step {
  const cells = cellsOf(layout, where).sort(([a], [b]) => a - b)
  // A forgotten condition would empty the table; SQL's null equals nothing, which nobody means who writes it.
  if (cells.length === 0) throw new ProjectionFault(`a delete from ${layout.name} must name a column`)
  if (cells.some(([, value]) => value === null)) {
    throw new ProjectionFault(`a delete from ${layout.name} must not look for null`)
  }
  const byIndex = new Map(cells)
  const keyValues = layout.key.map((index) => byIndex.get(index) ?? null)
  const isKey = cells.length === layout.key.length && !keyValues.includes(null)
  return { op: 'delete', where: cells, key: isKey ? keyOf(keyValues) : undefined }
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
