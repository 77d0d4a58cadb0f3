/** What signs people in and lists their sessions over HTTP, each behind the same small face. */
import { randomBytes } from 'node:crypto'
import type { BenchDatabase } from '../lib/database.ts'
import type { LoadRequest } from '../lib/load-process.ts'
import { startProgram } from '../lib/processes.ts'

export interface SignedIn {
  readonly cookie: string
  /** Of the session, as revoking it wants it. */
  readonly session: string
}

export interface Site {
  readonly url: string
  /** Makes an account; signs nobody in. */
  register(email: string): Promise<void>
  signIn(email: string): Promise<SignedIn>
  /** The authorised request: who am I? */
  me(who: SignedIn): LoadRequest
  list(who: SignedIn): LoadRequest
  revoke(who: SignedIn, victim: SignedIn): { readonly request: LoadRequest; readonly status: number }
  stop(): Promise<void>
}

const PASSWORD = 'seven purple lanterns hum'
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

/** As settings of the server differ from those it has by default, and why. */
const SETTINGS = {
  NODE_ENV: 'test',
  PORT: '0',
  MASTER_KEY: randomBytes(32).toString('base64'),
  // Accounts and sessions are made in numbers before the measuring; what a password costs is not measured here.
  SCRYPT_LOG_N: '10',
  SCRYPT_P: '1',
  // All of the load comes from one address.
  LOGIN_PER_ADDRESS_PER_MINUTE: '1000000',
  // Nor do the others write a line per request.
  LOG_LEVEL: 'error',
}

/** What a password costs by default, where that is what is measured. */
export const DEFAULT_SCRYPT = { logN: 15, r: 8, p: 3 } as const
export const defaultHashing = {
  SCRYPT_LOG_N: String(DEFAULT_SCRYPT.logN),
  SCRYPT_R: String(DEFAULT_SCRYPT.r),
  SCRYPT_P: String(DEFAULT_SCRYPT.p),
}

/** Strongroom as a process; its events in `eventStoreUrl`, else in the same database. */
export async function strongroom(
  database: BenchDatabase,
  settings: Readonly<Record<string, string>> = {},
  nodeOptions: readonly string[] = [],
): Promise<Site> {
  const program = await startProgram(
    'scripts/start.mjs',
    [],
    { ...SETTINGS, DATABASE_URL: database.url, ...settings },
    nodeOptions,
  )
  const url = program.at.replace('localhost', '127.0.0.1')
  return {
    url,
    async register(email) {
      await post(`${url}/v1/auth/register`, { email, password: PASSWORD, name: 'Ada' })
    },
    async signIn(email) {
      const { cookie, body } = await post(`${url}/v1/auth/login`, { email, password: PASSWORD })
      const { session } = body as { session: { id: string } }
      return { cookie, session: session.id }
    },
    me: ({ cookie }) => ({ method: 'GET', path: '/v1/me', headers: { cookie, 'user-agent': AGENT } }),
    list: ({ cookie }) => ({ method: 'GET', path: '/v1/me/sessions', headers: { cookie, 'user-agent': AGENT } }),
    revoke: ({ cookie }, { session }) => ({
      request: { method: 'DELETE', path: `/v1/me/sessions/${session}`, headers: { cookie, 'user-agent': AGENT } },
      status: 204,
    }),
    stop: () => program.stop(),
  }
}

/** Signing in to Strongroom, as a request for the load. */
export const signInRequest = (email: string): LoadRequest => ({
  method: 'POST',
  path: '/v1/auth/login',
  headers: { 'content-type': 'application/json', 'user-agent': AGENT },
  body: JSON.stringify({ email, password: PASSWORD }),
})

export async function betterAuth(database: BenchDatabase): Promise<Site> {
  const script = 'bench/contenders/better-auth-process.ts'
  const program = await startProgram(script, [JSON.stringify(database.connection)])
  const url = program.at
  const headersOf = (cookie: string) => ({ cookie, 'user-agent': AGENT, origin: url })
  return {
    url,
    async register(email) {
      await post(`${url}/api/auth/sign-up/email`, { email, password: PASSWORD, name: 'Ada' }, { origin: url })
    },
    async signIn(email) {
      const { cookie, body } = await post(
        `${url}/api/auth/sign-in/email`,
        { email, password: PASSWORD },
        { origin: url },
      )
      return { cookie, session: (body as { token: string }).token }
    },
    me: ({ cookie }) => ({ method: 'GET', path: '/api/auth/get-session', headers: headersOf(cookie) }),
    list: ({ cookie }) => ({ method: 'GET', path: '/api/auth/list-sessions', headers: headersOf(cookie) }),
    revoke: ({ cookie }, { session }) => ({
      request: {
        method: 'POST',
        path: '/api/auth/revoke-session',
        headers: { ...headersOf(cookie), 'content-type': 'application/json' },
        body: JSON.stringify({ token: session }),
      },
      status: 200,
    }),
    stop: () => program.stop(),
  }
}

export async function handWritten(database: BenchDatabase): Promise<Site> {
  const script = 'bench/contenders/express-pg-process.ts'
  const program = await startProgram(script, [JSON.stringify(database.connection)])
  const url = program.at
  return {
    url,
    register: async () => {},
    async signIn(email) {
      const { cookie, body } = await post(`${url}/sign-in`, { email })
      return { cookie, session: (body as { id: string }).id }
    },
    me: ({ cookie }) => ({ method: 'GET', path: '/me', headers: { cookie, 'user-agent': AGENT } }),
    list: ({ cookie }) => ({ method: 'GET', path: '/sessions', headers: { cookie, 'user-agent': AGENT } }),
    revoke: ({ cookie }, { session }) => ({
      request: { method: 'DELETE', path: `/sessions/${session}`, headers: { cookie, 'user-agent': AGENT } },
      status: 204,
    }),
    stop: () => program.stop(),
  }
}

async function post(
  url: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly cookie: string; readonly body: unknown }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'User-Agent': AGENT, ...headers },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`POST ${url}: ${response.status} ${text.slice(0, 500)}`)
  // The cookie that goes with a command's answer would make each query wait: here it is asked for by header or not at all.
  const cookies = response.headers.getSetCookie().filter((line) => !line.startsWith('__Host-consistency='))
  return {
    cookie: cookies.map((line) => line.split(';')[0]).join('; '),
    body: text === '' ? undefined : JSON.parse(text),
  }
}

/** Accounts with so many sessions each; first by account, then by session. */
export async function signInMany(
  site: Site,
  accounts: number,
  sessions: number,
): Promise<readonly (readonly SignedIn[])[]> {
  const emails = Array.from({ length: accounts }, (_, i) => `person-${i}@example.com`)
  const all: (readonly SignedIn[])[] = []
  for (let i = 0; i < emails.length; i += 16) {
    const some = emails.slice(i, i + 16).map(async (email) => {
      await site.register(email)
      return signInAgain(site, email, sessions)
    })
    all.push(...(await Promise.all(some)))
  }
  return all
}

export async function signInAgain(site: Site, email: string, sessions: number): Promise<readonly SignedIn[]> {
  const signedIn: SignedIn[] = []
  for (let i = 0; i < sessions; i++) signedIn.push(await site.signIn(email))
  return signedIn
}
