import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openMetrics, type ReadModelFigures, type WorkerFigures } from '../../src/platform/metrics.ts'
import { signUp, untilProjected } from '../security/support.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const scrape = async (): Promise<string> => {
  const response = await fetch(`${server.url}/metrics`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  return response.text()
}

test('tells how read models, appends, hashes and requests are, and nothing personal', async () => {
  const { email, sessionId, browser } = await signUp(server)
  await browser.get(`/v1/me/sessions/${sessionId}`)
  await browser.get('/somewhere/else?token=x')
  await untilProjected(server)
  const text = await scrape()
  expect(text).toMatch(/strongroom_worker_state\{kind="projection",name="sessions",state="running"\} 1/)
  expect(text).toMatch(/strongroom_worker_position\{kind="projection",name="auditlog"\} [1-9]/)
  expect(text).toMatch(/strongroom_projection_halted\{name="sessions"\} 0/)
  expect(text).toMatch(/strongroom_projection_parked\{name="sessions"\} 0/)
  if (server.database.eventStore === undefined) {
    expect(text).toMatch(/strongroom_append_batch_events_count [1-9]/)
    expect(text).toMatch(/strongroom_append_batch_appends_sum [1-9]/)
  }
  expect(text).toMatch(/strongroom_hash_queue_length 0/)
  expect(text).toMatch(/strongroom_hash_active 0/)
  for (const name of ['sessions', 'auditlog']) {
    expect(text).toContain(`strongroom_projection_lag_seconds{name="${name}"} `)
    expect(text).toMatch(new RegExp(`strongroom_projection_batch_seconds_count\\{name="${name}"\\} [1-9]`))
    expect(text).toMatch(new RegExp(`strongroom_projection_batch_seconds_sum\\{name="${name}"\\} (?!0\n)\\d`))
  }
  expect(text).toMatch(
    /strongroom_http_request_seconds_count\{method="GET",route="\/v1\/me\/sessions\/\{id\}",status="200"\} 1/,
  )
  expect(text).toMatch(/route="none",status="404"/)
  for (const secret of [email, sessionId, 'somewhere']) expect(text).not.toContain(secret)
})

test('tells the batches of every reactor, as of every projection', async () => {
  await signUp(server)
  for (const name of ['mailer', 'erasure', 'log']) {
    const figure = (what: string) => `strongroom_reactor_batch_${what}\\{name="${name}"\\} `
    await expect.poll(scrape, { timeout: 10_000 }).toMatch(new RegExp(`${figure('events_sum')}[1-9]`))
    expect(await scrape()).toMatch(new RegExp(`${figure('seconds_count')}[1-9]`))
  }
})

const worker = (more: Partial<WorkerFigures>): WorkerFigures => ({
  ...{ kind: 'projection', name: 'sessions', state: 'running', position: 7n, lagSeconds: 0, epoch: 2n, retries: 0 },
  ...more,
})
const readModel = (more: Partial<ReadModelFigures>): ReadModelFigures => ({
  ...{ name: 'sessions', lagSeconds: 0, halted: false, parked: 0, rebuilding: false, rebuildEvents: 0 },
  rebuildState: null,
  ...more,
})

/** Tells what the sources say at each time. */
const measured = (now: { workers: readonly WorkerFigures[]; readModels: readonly ReadModelFigures[] | Error }) => {
  const metrics = openMetrics()
  metrics.collectFrom({
    workers: () => now.workers,
    readModels: async () => {
      if (now.readModels instanceof Error) throw now.readModels
      return now.readModels
    },
    hashing: () => ({ waiting: 3, active: 2 }),
  })
  return async () => {
    const lines = (await metrics.text()).split('\n').filter((line) => /^strongroom_(worker|projection|hash)/.test(line))
    return Object.fromEntries(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.replace(/^.* /, ''))]))
  }
}

test('figures of what is at fault', async () => {
  const figures = await measured({
    workers: [worker({ state: 'halted', lagSeconds: null, retries: 4 }), worker({ kind: 'build', retries: 1 })],
    readModels: [
      readModel({ parked: 3, rebuilding: true, rebuildEvents: 250, rebuildState: 'halted' }),
      readModel({ name: 'auditlog', halted: true, lagSeconds: 61.5 }),
    ],
  })()
  expect(figures).toMatchObject({
    'strongroom_worker_state{kind="projection",name="sessions",state="halted"}': 1,
    'strongroom_worker_state{kind="projection",name="sessions",state="running"}': 0,
    'strongroom_worker_state{kind="build",name="sessions",state="running"}': 1,
    'strongroom_worker_retries_total{kind="projection",name="sessions"}': 4,
    'strongroom_worker_retries_total{kind="build",name="sessions"}': 1,
    'strongroom_projection_parked{name="sessions"}': 3,
    'strongroom_projection_rebuilding{name="sessions"}': 1,
    'strongroom_projection_rebuild_events{name="sessions"}': 250,
    'strongroom_projection_rebuild_state{name="sessions",state="halted"}': 1,
    'strongroom_projection_rebuild_state{name="sessions",state="building"}': 0,
    'strongroom_projection_halted{name="auditlog"}': 1,
    'strongroom_projection_lag_seconds{name="auditlog"}': 61.5,
    strongroom_hash_queue_length: 3,
    strongroom_hash_active: 2,
  })
})

test('what is not known any more is told no longer', async () => {
  const now: Parameters<typeof measured>[0] = {
    workers: [worker({ lagSeconds: 12 }), worker({ kind: 'build', lagSeconds: 34 })],
    readModels: [readModel({ lagSeconds: 12, rebuilding: true, rebuildState: 'building' })],
  }
  const figures = measured(now)
  const names = async (pattern: RegExp) => Object.keys(await figures()).filter((name) => pattern.test(name))
  expect(await names(/lag_seconds/)).toHaveLength(3)
  expect(await names(/kind="build"|rebuild_state/)).not.toEqual([])
  // The lease is another's, the build is done, and nothing was handled since the read models were dropped.
  Object.assign(now, {
    workers: [worker({ state: 'waiting', lagSeconds: null })],
    readModels: [readModel({ lagSeconds: null })],
  })
  expect(await names(/lag_seconds|kind="build"|rebuild_state/)).toEqual([])
  expect(await names(/worker_position/)).toHaveLength(1)
  now.readModels = new Error('the database is away')
  expect(await names(/^strongroom_projection_(?!batch)/)).toEqual([])
})

test('the Grafana dashboard names only metrics that there are, and all of ours', async () => {
  const text = await scrape()
  const there = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? ''))
  const dashboard = JSON.parse(await readFile(new URL('../../docs/grafana-dashboard.json', import.meta.url), 'utf8'))
  const expressions: string[] = dashboard.panels.flatMap((panel: { targets: { expr: string }[] }) =>
    panel.targets.map(({ expr }) => expr),
  )
  const named = expressions.flatMap((expression) => expression.match(/\b(strongroom|process|nodejs)_\w+/g) ?? [])
  expect(named.length).toBeGreaterThan(15)
  const missing = named.filter((name) => !there.has(name) && !there.has(name.replace(/_(bucket|sum|count)$/, '')))
  expect(missing).toEqual([])
  const shown = new Set(named.map((name) => name.replace(/_(bucket|sum|count)$/, '')))
  expect([...there].filter((name) => name.startsWith('strongroom_') && !shown.has(name))).toEqual([])
})
