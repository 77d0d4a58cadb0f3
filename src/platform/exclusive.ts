import type pg from 'pg'

export type Exclusive<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** Another process, or another caller of this one, is at the same work. */
  | { readonly kind: 'busy' }

/**
 * Does the work unless somebody else is at work under the same name on this database. For work that is only wasteful
 * when it is done twice: where the connection that holds the lock is lost, another process may begin before this one
 * has ended. Holds a connection of the pool meanwhile, but no transaction. Throws what the work throws.
 */
export async function exclusively<T>(pool: pg.Pool, name: string, work: () => Promise<T>): Promise<Exclusive<T>> {
  const client = await pool.connect()
  // A connection that is closed gives its locks back, whatever has happened.
  let close = true
  try {
    const { rows } = await client.query<{ ours: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as ours',
      [name],
    )
    if (rows[0]?.ours !== true) {
      close = false
      return { kind: 'busy' }
    }
    const value = await work()
    await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [name])
    close = false
    return { kind: 'done', value }
  } finally {
    client.release(close)
  }
}
