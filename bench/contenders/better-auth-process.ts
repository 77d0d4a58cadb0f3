/** better-auth with its own PostgreSQL adapter and its own node handler: `better-auth-process.ts <connection as JSON>`. */
import { createHash } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { importPeer } from '../lib/peers.ts'

interface BetterAuth {
  betterAuth(options: object): object
}
interface Migration {
  getMigrations(options: object): Promise<{ runMigrations(): Promise<void> }>
}
interface NodeHandler {
  toNodeHandler(auth: object): RequestListener
}

const { betterAuth } = await importPeer<BetterAuth>('better-auth')
const { getMigrations } = await importPeer<Migration>('better-auth/db/migration')
const { toNodeHandler } = await importPeer<NodeHandler>('better-auth/node')

const listener: { serve: RequestListener } = { serve: () => {} }
const server = createServer((request, response) => listener.serve(request, response))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

// Sessions are looked up in the database on every request: the cookie cache, which is off by default, stays off.
const options = {
  database: new pg.Pool({ ...JSON.parse(process.argv[2] ?? ''), max: 16 }),
  baseURL: url,
  secret: 'only for measuring, only for measuring',
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  logger: { level: 'error' },
  emailAndPassword: {
    enabled: true,
    // Accounts and sessions are made in numbers before the measuring; what a password costs is not measured.
    password: {
      hash: async (password: string) => cheapHash(password),
      verify: async ({ hash, password }: { hash: string; password: string }) => hash === cheapHash(password),
    },
  },
}
const cheapHash = (password: string) => createHash('sha256').update(password).digest('hex')

await (await getMigrations(options)).runMigrations()
listener.serve = toNodeHandler(betterAuth(options))
process.stdout.write(`ready at ${url}\n`)
process.on('SIGTERM', () => process.exit(0))
