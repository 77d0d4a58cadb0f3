/**
 * The session check as one writes it by hand on express and pg: a table of sessions, the cookie's token hashed and looked
 * up. No history, no origin rule, no expiry by idleness: the floor of what such a request costs.
 * `express-pg-process.ts <connection as JSON>`
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express, { type Request } from 'express'
import pg from 'pg'

const pool = new pg.Pool({ ...JSON.parse(process.argv[2] ?? ''), max: 16 })
await pool.query(`
  create table users (id uuid primary key, email text unique not null, name text not null);
  create table sessions (
    id uuid primary key,
    user_id uuid not null references users,
    token_hash bytea unique not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ip text, user_agent text
  );
  create index on sessions (user_id);
`)

interface Row {
  readonly id: string
  readonly user_id: string
  readonly email: string
  readonly name: string
  readonly created_at: Date
  readonly expires_at: Date
}

const authenticate = async (request: Request): Promise<Row | undefined> => {
  const token = /(?:^|; )session=([^;]*)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
  const { rows } = await pool.query<Row>({
    name: 'session',
    text: `select s.id, s.user_id, u.email, u.name, s.created_at, s.expires_at
             from sessions s join users u on u.id = s.user_id
            where s.token_hash = $1 and s.expires_at > now()`,
    values: [sha256(token)],
  })
  return rows[0]
}

const sha256 = (text: string) => createHash('sha256').update(text).digest()

const app = express()
app.disable('x-powered-by')

app.get('/me', async (request, response) => {
  const row = await authenticate(request)
  if (row === undefined) {
    response.status(401).json({ code: 'unauthenticated' })
    return
  }
  const { id, user_id, email, name, created_at, expires_at } = row
  response.json({ user: { id: user_id, email, name }, session: { id, signedInAt: created_at, expiresAt: expires_at } })
})

app.get('/sessions', async (request, response) => {
  const row = await authenticate(request)
  if (row === undefined) {
    response.status(401).json({ code: 'unauthenticated' })
    return
  }
  const { rows } = await pool.query({
    name: 'list',
    text: `select id, created_at, expires_at, ip, user_agent from sessions
            where user_id = $1 and expires_at > now() order by created_at desc`,
    values: [row.user_id],
  })
  response.json({ items: rows })
})

app.delete('/sessions/:id', async (request, response) => {
  const row = await authenticate(request)
  if (row === undefined) {
    response.status(401).json({ code: 'unauthenticated' })
    return
  }
  await pool.query({
    name: 'revoke',
    text: 'delete from sessions where id = $1 and user_id = $2',
    values: [request.params.id, row.user_id],
  })
  response.status(204).end()
})

/** Not measured: makes an account where there is none, and a session. */
app.post('/sign-in', express.json(), async (request, response) => {
  const { email } = request.body as { email: string }
  const { rows } = await pool.query<{ id: string }>(
    'insert into users values ($1, $2, $3) on conflict (email) do update set name = excluded.name returning id',
    [randomUUID(), email, 'Ada'],
  )
  const token = randomBytes(32).toString('base64url')
  const id = randomUUID()
  await pool.query("insert into sessions values ($1, $2, $3, now(), now() + interval '12 hours', $4, $5)", [
    id,
    rows[0]?.id,
    sha256(token),
    request.ip,
    request.headers['user-agent'],
  ])
  response.setHeader('Set-Cookie', `session=${token}; Path=/; HttpOnly`)
  response.json({ id })
})

const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
