/** Resident memory of the server process under a long mixed load: how much at most, and whether it goes on growing. */
import { setTimeout as delay } from 'node:timers/promises'
import { defaultHashing, type SignedIn, type Site, signInMany, signInRequest, strongroom } from './contenders/sites.ts'
import { fillAuditLog } from './lib/audit-rows.ts'
import type { Benchmark } from './lib/bench.ts'
import type { LoadRequest } from './lib/load-process.ts'
import { quantile } from './lib/rounds.ts'

const PEOPLE = 64
const EVENTS = 500
/** Of other people than those whose sessions come and go. */
const STREAMS = 32
const SAMPLE_MS = 1_000
/** Work that is not done yet. More of it means that the load is beyond the server, and says nothing of its memory. */
const MOST_UNDER_WAY = 500

/** Each so many times a second. */
const PACE = { logIn: 1, wrongLogIn: 0.2, me: 40, security: 5, list: 10, page: 10, export: 0.2, reopen: 1 }

export const memory: Benchmark = async ({ server, minutes }) => {
  const database = await server.createDatabase()
  const site = await strongroom(database, defaultHashing)
  try {
    const people = (await signInMany(site, PEOPLE, 1)).flat()
    const ids = await Promise.all(people.map((who) => idOf(site, who)))
    await fillAuditLog(database, ids, EVENTS)
    const samples = await sampleUnderLoad(site, people, minutes * 60_000)
    const resident = samples.map((each) => each.residentMb)
    const quarter = (n: number, of: (sample: Sample) => number) =>
      quantile(
        samples.slice(Math.floor((n * samples.length) / 4), Math.floor(((n + 1) * samples.length) / 4)).map(of),
        0.5,
      )
    const row = (name: string, of: (sample: Sample) => number) => [
      name,
      ...[0, 1, 2, 3].map((n) => quarter(n, of).toFixed(0)),
      Math.max(...samples.map(of)).toFixed(0),
    ]
    const perSecond = Object.values(PACE).reduce((sum, pace) => sum + pace, 0)
    return [
      {
        title: `memory: the server process under ${minutes} minutes of mixed load, MiB`,
        notes: [
          `About ${perSecond.toFixed(0)} requests a second: log-ins, wrong ones, and revokes of what had signed in; who am I, ` +
            `security, lists, pages of the audit log, exports; ${STREAMS} live streams, one of them opened anew each second. ` +
            'Medians of each quarter of the time.',
        ],
        table: [
          ['what', 'first', 'second', 'third', 'fourth', 'most'],
          row('resident', (sample) => sample.residentMb),
          row('heap used', (sample) => sample.heapMb),
        ],
        goals: [
          { what: 'resident, most', measured: Math.max(...resident), atMost: 400, unit: ' MiB' },
          {
            what: 'fourth quarter / third',
            measured: quarter(3, (sample) => sample.residentMb) / quarter(2, (sample) => sample.residentMb),
            atMost: 1.05,
            unit: 'x',
          },
        ],
      },
    ]
  } finally {
    await site.stop()
  }
}

interface Sample {
  readonly residentMb: number
  readonly heapMb: number
}

async function sampleUnderLoad(site: Site, people: readonly SignedIn[], durationMs: number): Promise<Sample[]> {
  const over = new AbortController()
  const load = startMixedLoad(site, people, over.signal)
  const samples: Sample[] = []
  const until = performance.now() + durationMs
  try {
    while (performance.now() < until) {
      await Promise.race([delay(SAMPLE_MS), load.failed])
      samples.push(await sample(site.url))
    }
  } finally {
    over.abort()
    await load.ended
  }
  return samples
}

function startMixedLoad(site: Site, people: readonly SignedIn[], over: AbortSignal) {
  const under = new Set<Promise<void>>()
  let fail = (_: unknown): void => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const some = () => any(people)
  const get = (path: string) => async () => answered(site, { method: 'GET', path, headers: { cookie: some().cookie } })

  const logInAndRevoke = async (): Promise<void> => {
    const number = Math.floor(Math.random() * people.length)
    const owner = people[number]
    if (owner === undefined) return
    const victim = await site.signIn(`person-${number}@example.com`)
    await answered(site, site.revoke(owner, victim).request, 204)
  }
  const page = async (): Promise<void> => {
    const headers = { cookie: some().cookie }
    const first = await answered(site, { method: 'GET', path: '/v1/me/audit-events', headers })
    const { nextCursor } = JSON.parse(first) as { nextCursor: string }
    await answered(site, { method: 'GET', path: `/v1/me/audit-events?cursor=${nextCursor}`, headers })
  }
  const work: Readonly<Record<keyof typeof PACE, () => Promise<unknown>>> = {
    logIn: logInAndRevoke,
    wrongLogIn: () => answered(site, signInRequest(`nobody-${Math.random()}@example.com`), 401),
    me: get('/v1/me'),
    security: get('/v1/me/security'),
    list: get('/v1/me/sessions'),
    page,
    export: get('/v1/me/audit-events/export?format=ndjson'),
    reopen: async () => reopen(),
  }

  const streams: AbortController[] = []
  const reopen = (): void => {
    if (streams.length >= STREAMS) streams.shift()?.abort()
    const leaving = new AbortController()
    streams.push(leaving)
    track(listen(site, some(), AbortSignal.any([leaving.signal, over])))
  }
  const track = (doing: Promise<unknown>): void => {
    if (under.size > MOST_UNDER_WAY) fail(new Error('the server does not keep up with this load'))
    const done = doing.then(() => {}, fail).finally(() => under.delete(done))
    under.add(done)
  }
  const pace = async (perSecond: number, task: () => Promise<unknown>): Promise<void> => {
    const began = performance.now()
    for (let n = 1; !over.aborted; n++) {
      await delay(Math.max(0, began + (n * 1_000) / perSecond - performance.now()))
      if (!over.aborted) track(task())
    }
  }
  for (let n = 0; n < STREAMS; n++) reopen()
  const paces = Object.entries(PACE).map(([name, perSecond]) => pace(perSecond, work[name as keyof typeof PACE]))
  const ended = async (): Promise<void> => {
    await Promise.all(paces)
    await Promise.all(under)
  }
  return {
    /** Rejects where anything was answered otherwise than it should be. */
    failed,
    get ended() {
      return ended()
    },
  }
}

async function answered(site: Site, request: LoadRequest, status = 200): Promise<string> {
  const { method, path, headers, body } = request
  const response = await fetch(site.url + path, {
    method,
    headers: { ...headers },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  if (response.status !== status) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
  return text
}

/** Reads a live stream until it is told to leave. */
async function listen(site: Site, { cookie }: SignedIn, leaving: AbortSignal): Promise<void> {
  try {
    const response = await fetch(`${site.url}/v1/me/events`, { headers: { cookie }, signal: leaving })
    if (!response.ok || response.body === null) throw new Error(`a live stream: ${response.status}`)
    for await (const _ of response.body) {
      // Thrown away.
    }
  } catch (error) {
    if (!leaving.aborted) throw error
  }
}

async function sample(url: string): Promise<Sample> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const bytes = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  return {
    residentMb: bytes('process_resident_memory_bytes') / 2 ** 20,
    heapMb: bytes('nodejs_heap_size_used_bytes') / 2 ** 20,
  }
}

async function idOf(site: Site, who: SignedIn): Promise<string> {
  const { user } = JSON.parse(await answered(site, site.me(who))) as { user: { id: string } }
  return user.id
}

function any<T>(list: readonly T[]): T {
  const found = list[Math.floor(Math.random() * list.length)]
  if (found === undefined) throw new Error('nobody is signed in')
  return found
}
