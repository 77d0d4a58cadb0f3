/** The authorised request, the list of sessions, and revoking one, beside better-auth and beside express and pg by hand. */
import {
  betterAuth,
  handWritten,
  type SignedIn,
  type Site,
  signInAgain,
  signInMany,
  strongroom,
} from './contenders/sites.ts'
import type { Benchmark } from './lib/bench.ts'
import { deal, type Load, startLoad } from './lib/load.ts'
import { versionOf } from './lib/peers.ts'
import { startProgram } from './lib/processes.ts'
import { ratio } from './lib/report.ts'
import { type Contender, inTurns } from './lib/rounds.ts'

const CONNECTIONS = 16
const ACCOUNTS = 32
const SESSIONS = 10
const DURATION_MS = 2_000
/** Per account and repeat; each revoke needs a session of its own. */
const REVOKED = 12
const FIXTURE = 'test/event-store/eventstoredb/run-server.ts'

const OURS = 'Strongroom'
const PEER = 'better-auth'
const BY_HAND = 'express and pg by hand'
const STOOD_IN = 'Strongroom, EventStoreDB fixture'

export const request: Benchmark = async ({ server, repeats }) => {
  const fixture = await startProgram(FIXTURE, [])
  const sites = new Map<string, Site>([
    [OURS, await strongroom(await server.createDatabase())],
    [PEER, await betterAuth(await server.createDatabase())],
    [BY_HAND, await handWritten(await server.createDatabase())],
    [STOOD_IN, await strongroom(await server.createDatabase(), { EVENT_STORE_URL: fixture.at })],
  ])
  const load = startLoad()
  try {
    const people = new Map<string, readonly (readonly SignedIn[])[]>()
    for (const [name, site] of sites) people.set(name, await signInMany(site, ACCOUNTS, SESSIONS))
    const contenders = (measure: (site: Site, people: readonly (readonly SignedIn[])[]) => Promise<number>) =>
      [...sites].map(([name, site]): Contender => ({ name, measure: () => measure(site, people.get(name) ?? []) }))

    const me = await inTurns(
      contenders((site, people) => asking(load, site, people, site.me)),
      repeats,
    )
    const list = await inTurns(
      contenders((site, people) => asking(load, site, people, site.list)),
      repeats,
    )
    const revoke = await inTurns(
      contenders((site, people) => revoking(load, site, people)),
      repeats,
    )

    const times = (results: Parameters<typeof ratio>[0], to: string, atLeast: number) => ({
      what: `${OURS} / ${to}`,
      measured: ratio(results, OURS, to),
      atLeast,
      unit: 'x',
    })
    const notes = [
      `better-auth ${versionOf('better-auth')}. ${CONNECTIONS} connections that stay open, ${ACCOUNTS} accounts with ` +
        `${SESSIONS} sessions each; the load comes from a process of its own, and every answer's status is checked.`,
    ]
    return [
      {
        title: 'authorised request: GET /v1/me, the session checked against the truth',
        notes,
        results: me,
        goals: [times(me, PEER, 7), times(me, BY_HAND, 0.85)],
      },
      { title: `list of ${SESSIONS} sessions`, results: list, goals: [times(list, PEER, 6)] },
      { title: 'revoke of one session', results: revoke, goals: [times(revoke, PEER, 6)] },
    ]
  } finally {
    await load.stop()
    for (const site of sites.values()) await site.stop()
    await fixture.stop()
  }
}

async function asking(
  load: Load,
  { url }: Site,
  people: readonly (readonly SignedIn[])[],
  ask: Site['me'],
): Promise<number> {
  const first = people.flatMap(([current]) => (current === undefined ? [] : [ask(current)]))
  const connections = deal(first, CONNECTIONS)
  return (await load.run({ url, connections, until: { durationMs: DURATION_MS }, status: 200 })).perSecond
}

async function revoking(load: Load, site: Site, people: readonly (readonly SignedIn[])[]): Promise<number> {
  const perAccount = await Promise.all(
    people.map(async ([current], i) => {
      const victims = await signInAgain(site, `person-${i}@example.com`, REVOKED)
      return current === undefined ? [] : victims.map((victim) => site.revoke(current, victim))
    }),
  )
  // Account after account in turn, so that neighbours in time are of different accounts.
  const all = Array.from({ length: REVOKED }, (_, k) => perAccount.flatMap((revokes) => revokes[k] ?? [])).flat()
  const connections = deal(
    all.map((each) => each.request),
    CONNECTIONS,
  )
  return (await load.run({ url: site.url, connections, until: 'each once', status: all[0]?.status ?? 0 })).perSecond
}
