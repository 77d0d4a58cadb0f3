import type pg from 'pg'
import { foldTable, keyOf, planTables, type TablePlan } from './fold.ts'
import { columnArrays, deleteSql, pick, type TableLayout } from './layout.ts'
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
    const { deletes, upserts } = foldTable(plan, await prefetched(client, plan))
    for (const { columns, rows } of deletes) {
      await client.query(deleteSql(layout, columns), columnArrays(pick(layout.columns, columns), rows))
    }
    if (upserts.length > 0) await client.query(layout.upsertSql, columnArrays(layout.columns, upserts))
  }
}

async function prefetched(client: pg.ClientBase, plan: TablePlan): Promise<Map<string, readonly ColumnValue[]>> {
  const { layout, prefetch } = plan
  const base = new Map<string, readonly ColumnValue[]>()
  if (prefetch.size === 0) return base
  const { rows } = await client.query<unknown[]>({
    text: layout.prefetchSql,
    values: columnArrays(pick(layout.columns, layout.key), [...prefetch.values()]),
    rowMode: 'array',
  })
  for (const row of rows) {
    const values = layout.columns.map((column, index) => parsed(column, row[index]))
    base.set(keyOf(pick(values, layout.key)), values)
  }
  return base
}
