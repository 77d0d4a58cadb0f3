/** Downloads that are not read to their end. */
import { request as openRequest } from 'node:http'
import type { TestServer } from '../support/server.ts'
import { sql } from './support.ts'

/** A large history, put where exports read it. */
export const fill = async (server: TestServer, userId: string, rows: number): Promise<void> => {
  const [sample] = await sql(server, 'select * from read.auditlog where user_id = $1 limit 1', [userId])
  const columns = Object.keys(sample ?? {}).filter((name) => !['id', 'sequence', 'position'].includes(name))
  await sql(
    server,
    `insert into read.auditlog (id, sequence, position, ${columns.join(', ')})
     select gen_random_uuid(), 1000 + n, 1000000 + n, ${columns.map((name) => `a.${name}`).join(', ')}
       from generate_series(1, ${rows}) n, (select * from read.auditlog where user_id = $1 limit 1) a`,
    [userId],
  )
}

export interface Slow {
  readonly status: number | undefined
  readonly received: () => number
  readonly ended: Promise<'whole' | 'cut'>
  resume(): void
  leave(): void
}

/** Reads the first bytes, so many at least, and stops. Where there are fewer, it has ended. */
export const readSlowly = (
  server: Pick<TestServer, 'url'>,
  path: string,
  headers: Readonly<Record<string, string>>,
  bytes = 1,
): Promise<Slow> =>
  new Promise((resolve, reject) => {
    const sent = openRequest(`${server.url}${path}`, { headers }, (response) => {
      let received = 0
      let begun = false
      const ended = new Promise<'whole' | 'cut'>((end) => {
        response.on('end', () => end('whole'))
        response.on('error', () => end('cut'))
        response.on('close', () => end(response.complete ? 'whole' : 'cut'))
      })
      const slow: Slow = {
        status: response.statusCode,
        received: () => received,
        ended,
        resume: () => response.resume(),
        leave: () => sent.destroy(),
      }
      void ended.then(() => resolve(slow))
      response.on('data', (chunk: Buffer) => {
        received += chunk.length
        if (begun || received < bytes) return
        begun = true
        response.pause()
        resolve(slow)
      })
    })
    sent.on('error', reject)
    sent.end()
  })

/** Statements of exports that are under way. */
export const exportsRunning = async (server: TestServer): Promise<number> =>
  (
    await sql(
      server,
      "select 1 from pg_stat_activity where application_name = 'strongroom exports' and state = 'active' and datname = current_database()",
    )
  ).length
