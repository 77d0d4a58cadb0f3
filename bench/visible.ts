/** From a command's answer until the list shows what it did, over HTTP. */
import { type SignedIn, type Site, signInAgain, strongroom } from './contenders/sites.ts'
import type { Benchmark } from './lib/bench.ts'
import { startProgram } from './lib/processes.ts'
import { quantile } from './lib/rounds.ts'

const SAMPLES = 60
const FIXTURE = 'test/event-store/eventstoredb/run-server.ts'

interface Waits {
  readonly without: readonly number[]
  readonly withToken: readonly number[]
}

export const visible: Benchmark = async ({ server, repeats }) => {
  const fixture = await startProgram(FIXTURE, [])
  const ours = await strongroom(await server.createDatabase())
  const stoodIn = await strongroom(await server.createDatabase(), { EVENT_STORE_URL: fixture.at })
  try {
    const measured = { ours: await measure(ours, repeats), stoodIn: await measure(stoodIn, repeats) }
    const row = (name: string, values: readonly number[]) => [
      name,
      ...[quantile(values, 0.5), quantile(values, 0.99)].map((ms) => ms.toFixed(1)),
      String(values.length),
    ]
    const { without } = measured.ours
    return [
      {
        title: 'visible: from the answer to DELETE /v1/me/sessions/{id} to the list without that session, milliseconds',
        notes: [
          'Without a token the list is asked for again and again, one request after the other, and the time includes ' +
            'the answer that shows it. With the Consistency-Token it is asked for once, and waits.',
        ],
        table: [
          ['what', 'p50', 'p99', 'samples'],
          row('without a token', without),
          row('with the Consistency-Token', measured.ours.withToken),
          row('EventStoreDB fixture, without a token', measured.stoodIn.without),
          row('EventStoreDB fixture, with the Consistency-Token', measured.stoodIn.withToken),
        ],
        goals: [
          { what: 'p50, without a token', measured: quantile(without, 0.5), atMost: 10, unit: ' ms' },
          { what: 'p99, without a token', measured: quantile(without, 0.99), atMost: 50, unit: ' ms' },
        ],
      },
    ]
  } finally {
    await ours.stop()
    await stoodIn.stop()
    await fixture.stop()
  }
}

async function measure(site: Site, repeats: number): Promise<Waits> {
  const email = 'ada@example.com'
  await site.register(email)
  const current = await site.signIn(email)
  const without: number[] = []
  const withToken: number[] = []
  // The first round warms up.
  for (let round = 0; round <= repeats; round++) {
    const victims = await signInAgain(site, email, SAMPLES)
    for (const [i, victim] of victims.entries()) {
      const token = await revoke(site, current, victim)
      const waited = await untilGone(site, current, victim, i % 2 === 0 ? undefined : token)
      if (round > 0) (i % 2 === 0 ? without : withToken).push(waited)
    }
  }
  return { without, withToken }
}

async function revoke(site: Site, who: SignedIn, victim: SignedIn): Promise<string> {
  const { request } = site.revoke(who, victim)
  const response = await fetch(site.url + request.path, { method: request.method, headers: { ...request.headers } })
  const token = response.headers.get('Consistency-Token')
  await response.arrayBuffer()
  if (response.status !== 204 || token === null) throw new Error(`revoke: ${response.status}`)
  return token
}

/** Milliseconds. */
async function untilGone(site: Site, who: SignedIn, { session }: SignedIn, token: string | undefined): Promise<number> {
  const { path, headers } = site.list(who)
  const began = performance.now()
  for (;;) {
    const response = await fetch(site.url + path, {
      headers: { ...headers, ...(token === undefined ? {} : { 'Consistency-Token': token }) },
    })
    const { items } = (await response.json()) as { items: readonly { id: string }[] }
    if (!items.some(({ id }) => id === session)) return performance.now() - began
    if (token !== undefined) throw new Error('the list did not wait for its token')
    if (performance.now() - began > 10_000) throw new Error('the list never shows it')
  }
}
