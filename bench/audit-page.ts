/** A page of the owner's audit log, beside the same page written by hand on express and pg, over the same table. */
import { type SignedIn, type Site, signInMany, strongroom } from './contenders/sites.ts'
import { fillAuditLog } from './lib/audit-rows.ts'
import type { Benchmark } from './lib/bench.ts'
import { deal, type Load, startLoad } from './lib/load.ts'
import type { LoadRequest } from './lib/load-process.ts'
import { startProgram } from './lib/processes.ts'
import { ratio } from './lib/report.ts'
import { inTurns } from './lib/rounds.ts'

const PEOPLE = 16
const EVENTS = 2_000
/** Of each person, one behind the other, so that not one place of the index alone is read. */
const PAGES = 4
const CONNECTIONS = 16
const DURATION_MS = 3_000

const OURS = 'Strongroom'
const BY_HAND = 'express and pg by hand, res.json(rows)'
const UNASKED = 'the same without a session check'

export const auditPage: Benchmark = async ({ server, repeats }) => {
  const database = await server.createDatabase()
  const site = await strongroom(database)
  const byHand = await startProgram('bench/contenders/audit-page-process.ts', [JSON.stringify(database.connection)])
  const load = startLoad()
  try {
    const people = await Promise.all((await signInMany(site, PEOPLE, 1)).flat().map((who) => identify(site, who)))
    await fillAuditLog(
      database,
      people.map(({ id }) => id),
      EVENTS,
    )
    const ours = await Promise.all(people.map((person) => pagesOf(site.url, '/v1/me/audit-events', person, 'cursor')))
    const theirs = await Promise.all(
      people.map(async ({ id }) => ({
        withSession: await pagesOf(byHand.at, '/audit-events', { cookie: await signInByHand(byHand.at, id) }, 'before'),
        unasked: await pagesOf(byHand.at, `/users/${id}/audit-events`, {}, 'before'),
      })),
    )
    const results = await inTurns(
      [
        { name: OURS, measure: () => asking(load, site.url, ours.flat()) },
        {
          name: BY_HAND,
          measure: () =>
            asking(
              load,
              byHand.at,
              theirs.flatMap((each) => each.withSession),
            ),
        },
        {
          name: UNASKED,
          measure: () =>
            asking(
              load,
              byHand.at,
              theirs.flatMap((each) => each.unasked),
            ),
        },
      ],
      repeats,
    )
    return [
      {
        title: `audit-page: GET /v1/me/audit-events, 50 of ${EVENTS.toLocaleString('en')} events`,
        notes: [
          `${CONNECTIONS} connections, ${PEOPLE} people, the first ${PAGES} pages of each. Ours checks the session against ` +
            'the truth and answers with the fields of the API; by hand it is one look-up of the session and `select *`.',
        ],
        results,
        goals: [{ what: `${OURS} / by hand`, measured: ratio(results, OURS, BY_HAND), atLeast: 1.4, unit: 'x' }],
      },
    ]
  } finally {
    await load.stop()
    await site.stop()
    await byHand.stop()
  }
}

async function identify(site: Site, { cookie }: SignedIn): Promise<{ readonly id: string; readonly cookie: string }> {
  const { user } = await json<{ user: { id: string } }>(`${site.url}/v1/me`, { headers: { cookie } })
  return { id: user.id, cookie }
}

async function signInByHand(url: string, id: string): Promise<string> {
  const headers = { 'Content-Type': 'application/json' }
  const { cookie } = await json<{ cookie: string }>(`${url}/sign-in`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ id }),
  })
  return cookie
}

/** The requests for the first pages, each found in the answer to the one before. */
async function pagesOf(
  url: string,
  path: string,
  headers: { readonly cookie?: string },
  parameter: 'cursor' | 'before',
): Promise<readonly LoadRequest[]> {
  const requests: LoadRequest[] = []
  let next: string | null = null
  for (let page = 0; page < PAGES; page++) {
    const request: LoadRequest = {
      method: 'GET',
      path: next === null ? path : `${path}?${parameter}=${encodeURIComponent(next)}`,
      headers,
    }
    const answer: Page = await json<Page>(url + request.path, { headers })
    if (answer.items.length !== 50) throw new Error(`${path}: a page of ${answer.items.length}`)
    next = answer.nextCursor ?? answer.nextBefore ?? null
    requests.push(request)
  }
  return requests
}

interface Page {
  readonly items: readonly unknown[]
  readonly nextCursor?: string | null
  readonly nextBefore?: string | null
}

async function asking(load: Load, url: string, requests: readonly LoadRequest[]): Promise<number> {
  const connections = deal(requests, CONNECTIONS)
  return (await load.run({ url, connections, until: { durationMs: DURATION_MS }, status: 200 })).perSecond
}

async function json<T>(url: string, init: RequestInit): Promise<T> {
  const response = await fetch(url, init)
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}
