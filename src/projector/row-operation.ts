/** What a projection wants done to its tables, as data: tested without a database, batched and folded by the runtime. */

export type ColumnType = 'uuid' | 'text' | 'bigint' | 'integer' | 'boolean' | 'timestamptz'

/** bigint columns travel as bigint, timestamptz as RFC 3339 strings in UTC (`...Z`), all else as itself. */
export type ColumnValue = string | number | bigint | boolean | null

export type Row = Readonly<Record<string, ColumnValue>>

export interface TableColumn {
  readonly type: ColumnType
  readonly nullable?: true
  /** Of the person behind the row: PostgreSQL keeps no sample of its values for the planner, which an erasure would not reach. */
  readonly personal?: true
}

export interface Table {
  /** Name without schema and version: version 2 of the projection builds `read.<name>_v2` beside `read.<name>_v1`. */
  readonly name: string
  readonly columns: Readonly<Record<string, TableColumn>>
  readonly primaryKey: readonly [string, ...string[]]
  /** Index definitions: what follows `on <table> `, for example `(user_id, position desc)`. */
  readonly indexes: readonly string[]
}

/** `insert` carries every column, keyed by those of the primary key in it, and replaces a row of that key. */
export type RowOperation =
  | { readonly op: 'insert'; readonly table: string; readonly row: Row }
  /** Changes some columns of the row with this key; a row that is not there stays so. */
  | { readonly op: 'update'; readonly table: string; readonly key: Row; readonly set: Row }
  /** Changes some columns of every row whose columns equal `where`, which names at least one column and never null. */
  | { readonly op: 'update'; readonly table: string; readonly where: Row; readonly set: Row }
  /** Removes every row whose columns equal `where`, which names at least one column and never null. */
  | { readonly op: 'delete'; readonly table: string; readonly where: Row }

/**
 * A read model as data and one pure function. `apply` sees every event of the store in order and answers [] for those
 * that do not concern it. It must give the same operations for the same event for ever: whatever depends on the
 * outside (location, device) was resolved when the event was written.
 */
export interface Projection<Event> {
  readonly name: string
  readonly version: number
  readonly tables: readonly Table[]
  /** Types of the events that concern it, which are most often few; without it, all. Others need not be read for it. */
  readonly handles?: readonly string[]
  readonly apply: (event: Event) => readonly RowOperation[]
}
