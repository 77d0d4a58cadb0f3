/**
 * Rows as PostgreSQL sends them: arrays of text. The driver's parsing by type and its objects are the dearest part of
 * reading a page of rows, and are worth nothing where the values leave as text again.
 */
import type { CompiledQuery } from 'kysely'
import type pg from 'pg'

/** For a query of the driver. It would round no bigint but wrap it. */
export const TEXT_ONLY: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value }

/**
 * Reads the rows of a query, values in the order of its columns. Rejects as the driver does.
 *
 * The statement has no name, on purpose: PostgreSQL would soon take a plan for any parameters, and for a page by key
 * that is one which reads and sorts all of a person's rows.
 */
export const openTextRows =
  (pool: pg.Pool) =>
  async ({ sql, parameters }: CompiledQuery): Promise<readonly (readonly (string | null)[])[]> => {
    const query = { text: sql, values: [...parameters], rowMode: 'array' as const, types: TEXT_ONLY }
    return (await pool.query<(string | null)[]>(query)).rows
  }
