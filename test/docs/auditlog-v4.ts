/** The example of docs/changing-schemas.md. Not the product's: it is there to be run by the test beside it. */
import { auditlog } from '../../projections/auditlog.ts'
import type { ProjectedAccess } from '../../src/account/access-events.ts'
import type { ProjectedEvent } from '../../src/account/events.ts'
import type { Projection } from '../../src/projector/row-operation.ts'

export const auditlogV4: Projection<ProjectedEvent | ProjectedAccess> = {
  ...auditlog,
  version: 4,
  tables: auditlog.tables.map((table) => ({
    ...table,
    columns: { ...table.columns, actor_kind: { type: 'text' } },
  })),
  apply: (event) =>
    auditlog.apply(event).map((operation) => {
      if (operation.op !== 'insert') return operation
      return { ...operation, row: { ...operation.row, actor_kind: event.metadata.actor.kind } }
    }),
}
