/**
 * Rows as PostgreSQL sends them: arrays of text. The driver's parsing by type and its objects are the dearest part of
 * reading a page of rows, and are worth nothing where the values leave as text again.
 */
import type { CompiledQuery } from 'kysely'
import type pg from 'pg'

/** The driver's own parsing would round no bigint but wrap it. */
const TEXT_ONLY: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value }

/** A statement as the driver takes it, to answer with such rows. With a name it is prepared once per connection. */
export const asTextRows = (
  statement: { readonly name?: string; readonly text: string },
  values: readonly unknown[],
): pg.QueryArrayConfig => ({ ...statement, values: [...values], rowMode: 'array', types: TEXT_ONLY })

/**
 * Reads the rows of a query, values in the order of its columns. Rejects as the driver does.
 *
 * The statement has no name, on purpose: PostgreSQL would soon take a plan for any parameters, and for a page by key
 * that is one which reads and sorts all of a person's rows.
 */
export const openTextRows =
  (pool: pg.Pool) =>
  async ({ sql, parameters }: CompiledQuery): Promise<readonly (readonly (string | null)[])[]> =>
    (await pool.query<(string | null)[]>(asTextRows({ text: sql }, parameters))).rows
