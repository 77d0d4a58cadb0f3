import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
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
  expect(text).toMatch(/strongroom_append_batch_events_count [1-9]/)
  expect(text).toMatch(/strongroom_hash_queue_length 0/)
  expect(text).toMatch(
    /strongroom_http_request_seconds_count\{method="GET",route="\/v1\/me\/sessions\/\{id\}",status="200"\} 1/,
  )
  expect(text).toMatch(/route="none",status="404"/)
  for (const secret of [email, sessionId, 'somewhere']) expect(text).not.toContain(secret)
})

test('the Grafana dashboard names only metrics that there are', async () => {
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
})
