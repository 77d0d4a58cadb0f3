import type pg from 'pg'
import { type Condition, foldTable, planTables, valuesIn } from './fold.ts'
import { columnArrays, conditionStatement, pick, type TableLayout } from './layout.ts'
import type { RowOperation } from './row-operation.ts'

/**
 * Writes a batch's operations, inside the caller's transaction, as if they ran one by one, yet with one multi-row
 * statement per table (and one for each kind of change to stored rows). Throws ProjectionFault for an operation that does not
 * fit its table, and what PostgreSQL throws.
 */
export async function writeOperations(
  client: pg.ClientBase,
  layouts: ReadonlyMap<string, TableLayout>,
  operations: readonly RowOperation[],
): Promise<void> {
  for (const plan of planTables(layouts, operations)) {
    const { layout } = plan
    const { conditions, upserts } = foldTable(plan)
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
    const set = condition.kind === 'update' ? condition.set : undefined
    const columns = [...pick(layout.columns, where), ...pick(layout.columns, set ?? [])]
    await client.query({ ...conditionStatement(layout, where, set), values: columnArrays(columns, rows) })
  }
}
