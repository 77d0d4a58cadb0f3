/**
 * A page of the audit log as one writes it by hand on express and pg: the cookie's token looked up, `select *`, and
 * `res.json`. Reads the very table of the product's read model. `audit-page-process.ts <connection as JSON>`
 */
import { createHash, randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express from 'express'
import pg from 'pg'

const pool = new pg.Pool({ ...JSON.parse(process.argv[2] ?? ''), max: 16 })
await pool.query('create table bench_sessions (token_hash bytea primary key, user_id uuid not null)')

const sha256 = (text: string) => createHash('sha256').update(text).digest()

const pageOf = async (userId: string, before: unknown): Promise<object> => {
  const { rows } = await pool.query<{ position: string }>(
    `select * from read.auditlog where user_id = $1 and position < $2 order by position desc limit 50`,
    [userId, typeof before === 'string' ? before : '9223372036854775807'],
  )
  return { items: rows, nextBefore: rows.at(-1)?.position ?? null }
}

const app = express()
app.disable('x-powered-by')

app.get('/audit-events', async (request, response) => {
  const token = /(?:^|; )session=([^;]*)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
  const { rows } = await pool.query<{ user_id: string }>({
    name: 'session',
    text: 'select user_id from bench_sessions where token_hash = $1',
    values: [sha256(token)],
  })
  const [session] = rows
  if (session === undefined) response.status(401).json({ code: 'unauthenticated' })
  else response.json(await pageOf(session.user_id, request.query.before))
})

/** Asks nobody who they are: what the page alone costs. */
app.get('/users/:id/audit-events', async (request, response) => {
  response.json(await pageOf(request.params.id, request.query.before))
})

/** Not measured: a session of somebody who is in the table. */
app.post('/sign-in', express.json(), async (request, response) => {
  const token = randomBytes(32).toString('base64url')
  await pool.query('insert into bench_sessions values ($1, $2)', [sha256(token), (request.body as { id: string }).id])
  response.json({ cookie: `session=${token}` })
})

const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
