/** `npm run token`: what it understands, and as an operator runs it, beside a server and without one. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { runTokenCommand } from '../../scripts/token/command.ts'
import { type AccessTokens, openAccessTokens } from '../../src/secrets/access-tokens.ts'
import { openVaultDatabase, type VaultDatabase } from '../secrets/vault-database.ts'
import { spawnServer } from '../support/server-process.ts'

interface Ran {
  readonly code: number
  readonly lines: readonly string[]
  readonly errors: string
}

const TOKEN = /^strongroom_[\w-]{64}$/
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

let database: VaultDatabase
let tokens: AccessTokens
beforeAll(async () => {
  database = await openVaultDatabase()
  tokens = openAccessTokens(database.db, Date.now)
})
afterAll(() => database.close())

let opened = 0

const run = async (...args: readonly string[]): Promise<Ran> => {
  let [text, errors] = ['', '']
  const code = await runTokenCommand(args, {
    withTokens: (work) => {
      opened += 1
      return work(tokens)
    },
    out: (more) => {
      text += more
    },
    complain: (more) => {
      errors += more
    },
  })
  return { code, lines: text.split('\n').slice(0, -1), errors }
}

describe('the command', () => {
  it('makes one that lets its holder in, alone on the last line; lists it; and revokes it', async () => {
    const made = await run('create', '--name', 'Grace', '--scope', 'audit:read', 'audit:export')
    expect(made).toMatchObject({ code: 0, errors: '' })
    const token = made.lines.at(-1) ?? ''
    expect(token).toMatch(TOKEN)
    const holder = await tokens.check(token)
    expect(holder).toMatchObject({ name: 'Grace', scopes: ['audit:read', 'audit:export'] })
    const id = holder?.id ?? ''
    expect(made.lines.slice(0, -1).join()).toContain(id)

    const listed = await run('list')
    expect(listed.code).toBe(0)
    expect(listed.lines[0]).toMatch(/^ID +NAME +SCOPES +CREATED +LAST USED +STATE$/)
    expect(listed.lines.find((line) => line.startsWith(id))).toMatch(
      /^\S+ {2}Grace +audit:read,audit:export +\d{4}-\d\d-\d\dT\d\d:\d\dZ +\d{4}-\d\d-\d\dT\d\d:\d\dZ +valid$/,
    )
    expect(listed.lines.join()).not.toContain(token.slice(-43))

    expect(await run('revoke', id)).toMatchObject({ code: 0, lines: [`Token ${id} is revoked.`] })
    expect(await tokens.check(token)).toBeNull()
    expect((await run('revoke', id.toUpperCase())).code).toBe(0)
    expect((await run('list')).lines.find((line) => line.startsWith(id))).toMatch(/ revoked \d{4}-\d\d-\d\dT/)
  })

  it.for([
    [['create', '--name', 'x'], /required option '--scope/],
    [['create', '--scope', 'events:read'], /required option '--name/],
    [['create', '--name', 'x', '--scope', 'events:write'], /Allowed choices are events:read, /],
    [['create', '--name', 'two\nlines', '--scope', 'events:read'], /one line/],
    [['create', '--name', 'x', '--scope', 'events:read', '--expires', '1d'], /unknown option/],
    [['revoke', `strongroom_${'A'.repeat(64)}`], /not the token itself/],
    [['revoke'], /missing required argument/],
    [['delete'], /unknown command/],
    [[], /Usage: token/],
  ] as const)('says what is wrong with %j, and opens nothing', async ([args, message]) => {
    const before = opened
    expect(await run(...args)).toMatchObject({ code: 2, lines: [], errors: expect.stringMatching(message) })
    expect(opened).toBe(before)
  })

  it('says that there is no such token', async () => {
    const id = '00000000-0000-4000-8000-000000000000'
    expect(await run('revoke', id)).toStrictEqual({ code: 3, lines: [], errors: `there is no token ${id}\n` })
  })

  it('explains itself', async () => {
    const { code, lines } = await run('--help')
    expect(code).toBe(0)
    const parts = ['create [options]', 'list', 'revoke <id>', 'Scopes: events:read', 'Exit codes: 0 done']
    for (const part of parts) expect(lines.join('\n')).toContain(part)
    expect((await run('create', '--help')).code).toBe(0)
  })
})

const spawn = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH ?? '', NODE_ENV: 'test', ...env } }
    execFile(process.execPath, ['--import', 'tsx', 'scripts/token.ts', ...args], options, (error, stdout, errors) => {
      resolve({ code: error === null ? 0 : Number(error.code), lines: stdout.split('\n').slice(0, -1), errors })
    })
  })

describe('npm run token', { timeout: 180_000 }, () => {
  it('works beside a running server, which goes on, and without one', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'strongroom-token-'))
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
    const server = await spawnServer({ DATA_DIR: dataDir })
    const beside = await spawn({ DATA_DIR: dataDir }, 'create', '--name', 'beside', '--scope', 'events:read')
    expect(beside).toMatchObject({ code: 0, errors: '' })
    expect(beside.lines.at(-1)).toMatch(TOKEN)
    expect((await server.browser().get('/readyz')).status).toBe(200)
    expect(await server.end('SIGTERM')).toBe(0)

    const alone = await spawn({ DATA_DIR: dataDir }, 'list')
    expect(alone).toMatchObject({ code: 0, errors: '' })
    expect(alone.lines.slice(1)).toEqual([expect.stringMatching(new RegExp(`^${UUID} {2}beside +events:read `))])
  })

  it('says that the database is away, and not with which password', async () => {
    const ran = await spawn({ DATABASE_URL: 'postgres://someone:hunter2@127.0.0.1:1/none' }, 'list')
    expect(ran).toStrictEqual({
      code: 1,
      lines: [],
      errors: 'the database cannot be reached; check DATABASE_URL and that it runs\n',
    })
  })

  it('does not make a new installation in a folder that was mistyped, nor take a setting it does not know', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'strongroom-token-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const typo = await spawn({ DATA_DIR: join(folder, 'typo') }, 'list')
    expect(typo).toMatchObject({ code: 2, errors: expect.stringMatching(/^there is no database in .*typo/) })
    const wrong = await spawn({ DATABASE_URL: 'mysql://x' }, 'list')
    expect(wrong).toMatchObject({ code: 2, errors: expect.stringMatching(/^DATABASE_URL: /) })
  })
})
