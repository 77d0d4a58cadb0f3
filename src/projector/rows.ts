import type pg from 'pg'
import { type Condition, foldTable, keyOf, planTables, type TablePlan, valuesIn } from './fold.ts'
import { columnArrays, deleteSql, pick, type Statement, type TableLayout, updateSql } from './layout.ts'
import type { ColumnValue, RowOperation } from './row-operation.ts'
import { parsed } from './values.ts'

/**
 * Writes a batch's operations, inside the caller's transaction, as if they ran one by one, yet with one multi-row
 * statement per table (and one delete per kind of condition). Throws ProjectionFault for an operation that does not
 * fit its table, and what PostgreSQL throws.
 */
export async function writeOperations(
  client: pg.ClientBase,
  layouts: ReadonlyMap<string, TableLayout>,
  operations: readonly RowOperation[],
): Promise<void> {
  for (const plan of planTables(layouts, operations)) {
    const { layout } = plan
    const { conditions, upserts } = foldTable(plan, await storedRows(client, plan, layout.prefetch))
    await meetConditions(client, layout, conditions)
    if (upserts.length === 0) continue
    const values = upserts.map((row) => valuesIn(layout, row))
    await client.query({ ...layout.upsert, values: columnArrays(layout.columns, values) })
  }
}

/** Deletes and changes stored rows by conditions, in their order. */
export async function meetConditions(
  client: pg.ClientBase,
  layout: TableLayout,
  conditions: readonly Condition[],
): Promise<void> {
  for (const condition of conditions) {
    const { where, rows } = condition
    const set = condition.kind === 'update' ? condition.set : []
    const statement = condition.kind === 'update' ? updateSql(layout, where, set) : deleteSql(layout, where)
    await client.query(statement, columnArrays([...pick(layout.columns, where), ...pick(layout.columns, set)], rows))
  }
}

/** The stored rows that must be known before the batch can be folded, by key: locked, or taken out. */
export async function storedRows(
  client: pg.ClientBase,
  plan: TablePlan,
  statement: Statement,
): Promise<Map<string, readonly ColumnValue[]>> {
  const { layout, prefetch } = plan
  const base = new Map<string, readonly ColumnValue[]>()
  if (prefetch.size === 0) return base
  const { rows } = await client.query<unknown[]>({
    ...statement,
    values: columnArrays(pick(layout.columns, layout.key), [...prefetch.values()]),
    rowMode: 'array',
  })
  for (const row of rows) {
    const values = layout.columns.map((column, index) => parsed(column, row[index]))
    base.set(keyOf(pick(values, layout.key)), values)
  }
  return base
}
