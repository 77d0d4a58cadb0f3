/** `npm run projections` and `npm run rebuild`, beside a running server and without one. */
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProjectionsCommand } from '../../scripts/projections/command.ts'
import { withWorkshop } from '../../scripts/projections/workshop.ts'
import { readConfig } from '../../src/config.ts'
import { allEvents, signUp, sql, untilProjected } from '../security/support.ts'
import { DEFAULTS, startServer, type TestServer, urlOf } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const run = async (...args: readonly string[]) => {
  const { eventStore, connection } = server.database
  const config = readConfig({
    ...DEFAULTS,
    DATABASE_URL: urlOf(connection),
    ...(eventStore === undefined ? {} : { EVENT_STORE_URL: eventStore.connectionString }),
  })
  let [text, errors] = ['', '']
  const code = await runProjectionsCommand(args, {
    withWorkshop: (work) => withWorkshop(config, pino({ level: 'silent' }), work),
    out: (more) => {
      text += more
    },
    complain: (more) => {
      errors += more
    },
    onProgress: () => {},
    interrupted: new AbortController().signal,
  })
  return { code, lines: text.split('\n').slice(0, -1), errors }
}

describe('beside a running server', () => {
  it('rebuild makes a read model anew, which goes on being updated', async () => {
    const { browser } = await signUp(server)
    const before = await allEvents(server, browser)
    const { code, lines, errors } = await run('--json', 'rebuild', 'auditlog')
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ name: 'auditlog', build: 2, report: { equal: true } })
    expect(await allEvents(server, browser)).toEqual(before)
    const other = await signUp(server)
    expect(await allEvents(server, other.browser)).toHaveLength(2)
  })

  it('verify finds nothing, and then what somebody has changed; diff and --force follow a refusal', async () => {
    await signUp(server)
    await untilProjected(server)
    expect(await run('verify', 'sessions')).toMatchObject({ code: 0, errors: '' })
    await sql(
      server,
      "update read.sessions set ip = '203.0.113.9' where id = (select min(id::text)::uuid from read.sessions)",
    )
    const verified = await run('verify', 'sessions')
    expect(verified).toMatchObject({ code: 4, errors: 'sessions differs from a rebuild\n' })
    expect(verified.lines.join('\n')).toMatch(/changed \{"id":"[0-9a-f-]{36}"\} ip/)
    expect(verified.lines.join('\n')).not.toContain('203.0.113.9')
    expect(await sql(server, "select 1 from read.projections where purpose = 'verify'")).toEqual([])
    expect(await run('rebuild', 'sessions')).toMatchObject({ code: 4 })
    expect(await run('diff', 'sessions')).toMatchObject({ code: 4 })
    expect(await run('rebuild', 'sessions', '--force')).toMatchObject({ code: 0 })
    expect(await run('verify', 'sessions')).toMatchObject({ code: 0 })
  })

  it('rollback goes back to the build before, up to date', async () => {
    expect(await run('rebuild', 'sessions')).toMatchObject({ code: 0 })
    await signUp(server)
    const { code } = await run('rollback', 'sessions')
    expect(code).toBe(0)
    expect(await run('verify', 'sessions')).toMatchObject({ code: 0 })
  })

  it('park leaves a user aside, whose list is refused while others are served; unpark brings it up to date', async () => {
    const [ada, bob] = [await signUp(server), await signUp(server)]
    const me = (await ada.browser.get('/v1/me')).body as { user: { id: string } }
    expect(await run('park', 'sessions', me.user.id)).toMatchObject({ code: 0 })
    await expect
      .poll(async () => (await ada.browser.get('/v1/me/sessions')).body)
      .toMatchObject({ status: 503, code: 'projection-halted' })
    expect((await bob.browser.get('/v1/me/sessions')).status).toBe(200)
    expect((await run('status')).lines.join('\n')).toContain(`parked: sessions user-${me.user.id}`)
    expect(await run('unpark', 'sessions', me.user.id)).toMatchObject({ code: 0, lines: ['Released: 1.'] })
    await expect.poll(async () => (await ada.browser.get('/v1/me/sessions')).status).toBe(200)
  })

  it('status tells every read model as JSON lines', async () => {
    const { code, lines } = await run('--json', 'status')
    expect(code).toBe(0)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { name: 'auditlog', version: expect.any(Number), state: 'live', parked: 0, rebuild: null },
      { name: 'sessions', version: expect.any(Number), state: 'live', parked: 0 },
    ])
  })

  it('says what is wrong with a command', async () => {
    expect(await run('rebuild', 'nothing')).toMatchObject({ code: 3, errors: 'there is no projection nothing\n' })
    expect(await run('rollback', 'auditlog', 'more')).toMatchObject({ code: 2 })
    expect(await run('park', 'auditlog', 'x')).toMatchObject({ code: 2 })
    // A log with a hole in it is none.
    expect(await run('park', 'auditlog', '0a000000-0000-4000-8000-00000000dead')).toEqual({
      ...{ code: 2, lines: [], errors: 'auditlog halts rather than leave anything aside\n' },
    })
    expect(await run('--help')).toMatchObject({ code: 0 })
  })
})

describe('without a server that projects', () => {
  it('does the work itself', async () => {
    const api = await startServer({ env: { ROLES: 'api' } })
    const { connection, eventStore } = api.database
    const config = readConfig({
      ...DEFAULTS,
      DATABASE_URL: urlOf(connection),
      ...(eventStore === undefined ? {} : { EVENT_STORE_URL: eventStore.connectionString }),
    })
    try {
      const { browser } = await signUp(api)
      expect((await browser.get('/v1/me/sessions')).body).toMatchObject({ code: 'projection-halted' })
      const code = await runProjectionsCommand(['rebuild', 'sessions'], {
        withWorkshop: (work) => withWorkshop(config, pino({ level: 'silent' }), work),
        out: () => {},
        complain: () => {},
        onProgress: () => {},
        interrupted: new AbortController().signal,
      })
      expect(code).toBe(0)
      expect(await sql(api, 'select count(*)::int as n from read.sessions')).toEqual([{ n: 1 }])
    } finally {
      await api.stop()
    }
  })
})
