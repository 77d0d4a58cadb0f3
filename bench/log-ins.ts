/** A hundred people sign in at once while others work: how near to bare scrypt, and what the others feel of it. */
import { availableParallelism } from 'node:os'
import type { HashJob } from './contenders/scrypt-process.ts'
import {
  DEFAULT_SCRYPT,
  defaultHashing,
  type SignedIn,
  type Site,
  signInRequest,
  strongroom,
} from './contenders/sites.ts'
import type { Benchmark } from './lib/bench.ts'
import { startLoad } from './lib/load.ts'
import type { PacedAnswer, PacedJob } from './lib/paced-process.ts'
import { startWorker } from './lib/processes.ts'
import { ratio } from './lib/report.ts'
import { inTurns, quantile } from './lib/rounds.ts'

const PEOPLE = 100
/** Of the hundred, those who are signed in already and go on working. */
const WORKING = 16
const OTHERS_PER_SECOND = 25

const ALONE = 'log-ins, 100 at once'
const OURS = 'the same beside others'
const BARE = 'bare scrypt, as many at once as cores'

export const logIns: Benchmark = async ({ server, repeats }) => {
  const site = await strongroom(await server.createDatabase(), defaultHashing)
  const load = startLoad()
  const paced = startWorker<PacedJob, PacedAnswer>('bench/lib/paced-process.ts')
  const hashing = startWorker<HashJob, number>('bench/contenders/scrypt-process.ts')
  try {
    const emails = Array.from({ length: PEOPLE }, (_, i) => `person-${i}@example.com`)
    await Promise.all(emails.map((email) => site.register(email)))
    const working = await Promise.all(emails.slice(0, WORKING).map((email) => site.signIn(email)))
    const quiet = await askingWhile(paced, site, working, () => new Promise((done) => setTimeout(done, 5_000)))
    const felt: number[] = []
    const atOnce = Math.min(availableParallelism(), 3)
    const signingIn = () =>
      load.run({
        url: site.url,
        connections: emails.map((email) => [signInRequest(email)]),
        until: 'each once',
        status: 200,
      })
    let round = 0
    const results = await inTurns(
      [
        { name: ALONE, measure: async () => (await signingIn()).perSecond },
        {
          name: OURS,
          async measure() {
            const { value, tookMs } = await askingWhile(paced, site, working, signingIn)
            // The first round warms up.
            if (round++ > 0) felt.push(...tookMs)
            return value.perSecond
          },
        },
        { name: BARE, measure: () => hashing.do({ hashes: PEOPLE, atOnce, ...DEFAULT_SCRYPT }) },
      ],
      repeats,
    )
    const row = (name: string, values: readonly number[]) => [
      name,
      ...[quantile(values, 0.5), quantile(values, 0.99), Math.max(...values)].map((ms) => ms.toFixed(1)),
      String(values.length),
    ]
    return [
      {
        title: `log-ins: ${PEOPLE} at once, scrypt N = 2^${DEFAULT_SCRYPT.logN}, r = ${DEFAULT_SCRYPT.r}, p = ${DEFAULT_SCRYPT.p}`,
        notes: [
          `The others: ${OTHERS_PER_SECOND} times a second GET /v1/me of ${WORKING} signed-in people, from a process of its ` +
            'own, at a fixed rate: milliseconds from when each was due. They take processors too; bare scrypt and the first ' +
            'row have the machine to themselves.',
        ],
        results,
        table: [
          ['GET /v1/me', 'p50', 'p99', 'slowest', 'samples'],
          row('without log-ins', quiet.tookMs),
          row('beside the log-ins', felt),
        ],
        goals: [
          { what: 'log-ins / bare scrypt', measured: ratio(results, ALONE, BARE), atLeast: 0.9, unit: 'x' },
          { what: 'GET /v1/me beside them, p99', measured: quantile(felt, 0.99), atMost: 100, unit: ' ms' },
        ],
      },
    ]
  } finally {
    await hashing.stop()
    await paced.stop()
    await load.stop()
    await site.stop()
  }
}

/** `work` with the others' requests going on beside it. */
async function askingWhile<T>(
  paced: ReturnType<typeof startWorker<PacedJob, PacedAnswer>>,
  site: Site,
  people: readonly SignedIn[],
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly tookMs: readonly number[] }> {
  const requests = people.map((who) => site.me(who))
  await paced.do({ kind: 'start', url: site.url, requests, perSecond: OTHERS_PER_SECOND })
  const value = await work()
  const answer = await paced.do({ kind: 'stop' })
  if (answer.kind !== 'stopped') throw new Error('the paced requests did not stop')
  if (answer.wrong !== undefined) throw new Error(`beside the log-ins: ${answer.wrong}`)
  return { value, tookMs: answer.tookMs }
}
