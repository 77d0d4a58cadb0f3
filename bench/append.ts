/** Appending events, beside emmett-postgresql and beside what PostgreSQL gives to plain INSERTs. */
import { type Appender, emmettAppender, insertCeiling, ourAppender } from './contenders/appenders.ts'
import type { Benchmark } from './lib/bench.ts'
import { versionOf } from './lib/peers.ts'
import { startProgram } from './lib/processes.ts'
import { ratio } from './lib/report.ts'
import { type Contender, inTurns, throughput } from './lib/rounds.ts'

const DURATION_MS = 2_000
const FIXTURE = 'test/event-store/eventstoredb/run-server.ts'

export const append: Benchmark = async ({ server, log, repeats }) => {
  const fixture = await startProgram(FIXTURE, [])
  const ours = await ourAppender((await server.createDatabase()).connection, log)
  const onFixture = await ourAppender(fixture.at, log)
  const emmett = await emmettAppender(await server.createDatabase(), 16)
  const plain = await insertCeiling(await server.createDatabase(), 16)

  const contender = (name: string, appender: Appender, callers: number, batch: number): Contender => ({
    name,
    measure: async () => batch * (await throughput(callers, DURATION_MS, (caller) => appender.append(caller, batch))),
  })
  try {
    const singles = await inTurns(
      [
        contender('ours, 16 callers', ours, 16, 1),
        contender('ours, 64 callers', ours, 64, 1),
        contender('emmett, 16 callers', emmett, 16, 1),
        contender('plain INSERT, 16 connections', plain, 16, 1),
      ],
      repeats,
    )
    const batches = await inTurns(
      [contender('ours, batches of 100', ours, 16, 100), contender('emmett, batches of 100', emmett, 16, 100)],
      repeats,
    )
    const stoodIn = await inTurns(
      [
        contender('ours, EventStoreDB fixture, 16 callers', onFixture, 16, 1),
        contender('ours, EventStoreDB fixture, 64 callers', onFixture, 64, 1),
        contender('ours, EventStoreDB fixture, batches of 100', onFixture, 16, 100),
      ],
      repeats,
    )
    const results = [...singles, ...batches, ...stoodIn]
    const times = (name: string, to: string, atLeast: number) => ({
      what: `${name} / ${to}`,
      measured: ratio(results, name, to),
      atLeast,
      unit: 'x',
    })
    return [
      {
        title: 'append: events per second, each append at its expected revision, gapless order, fsync on',
        notes: [
          `emmett-postgresql ${versionOf('@event-driven-io/emmett-postgresql')}, pool of 16. Batches: 16 callers.`,
          'The EventStoreDB rows are the adapter on our fixture of the protocol, a stand-in in Node that keeps events in ' +
            'memory: they say what the adapter costs, and nothing of EventStoreDB.',
        ],
        results,
        goals: [
          times('ours, 16 callers', 'emmett, 16 callers', 5),
          times('ours, 64 callers', 'emmett, 16 callers', 8),
          times('ours, 64 callers', 'plain INSERT, 16 connections', 2.5),
          times('ours, batches of 100', 'emmett, batches of 100', 1.7),
        ],
      },
    ]
  } finally {
    for (const appender of [ours, onFixture, emmett, plain]) await appender.close()
    await fixture.stop()
  }
}
