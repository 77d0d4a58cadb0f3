/** `npm run bench`: all benchmarks, or those that are named. Each compares in one run, on one PostgreSQL. */
import { availableParallelism, cpus, totalmem } from 'node:os'
import { program } from 'commander'
import pino from 'pino'
import { append } from './append.ts'
import { auditPage } from './audit-page.ts'
import { eventsExport } from './events-export.ts'
import { exportRows } from './export.ts'
import type { Benchmark } from './lib/bench.ts'
import { startDatabaseServer } from './lib/database.ts'
import { installPeers } from './lib/peers.ts'
import { printReport } from './lib/report.ts'
import { loadAccount } from './load-account.ts'
import { log as tamperEvidentLog } from './log.ts'
import { logIns } from './log-ins.ts'
import { memory } from './memory.ts'
import { missed } from './missed.ts'
import { rebuild, rebuildMillion } from './rebuild.ts'
import { request } from './request.ts'
import { start } from './start.ts'
import { visible } from './visible.ts'

const benchmarks: Readonly<Record<string, Benchmark>> = {
  append,
  'audit-page': auditPage,
  'events-export': eventsExport,
  export: exportRows,
  'load-account': loadAccount,
  log: tamperEvidentLog,
  'log-ins': logIns,
  memory,
  missed,
  rebuild,
  'rebuild-million': rebuildMillion,
  request,
  visible,
  start,
}

/** They take longer than all others together. */
const ONLY_BY_NAME = ['rebuild-million']

program
  .description(
    'Measures Strongroom beside its peers and beside what the machine gives at most, in turns, on one PostgreSQL with ' +
      'fsync on, and prints Markdown tables: medians, ratios, and the goals.',
  )
  .argument(
    '[names...]',
    `which: ${Object.keys(benchmarks).join(', ')}; all but ${ONLY_BY_NAME.join()} where none is named`,
  )
  .option('--repeats <number>', 'how often each is measured (5 at least for figures to be believed)', '5')
  .option('--minutes <number>', 'how long memory is watched', '10')
  .addHelpText('after', '\nExit codes: 0 measured, whether goals were met or missed; 1 it could not be measured.')
  .parse()

const run = async (): Promise<void> => {
  const usual = Object.keys(benchmarks).filter((name) => !ONLY_BY_NAME.includes(name))
  const names = program.args.length === 0 ? usual : program.args
  const chosen = names.map((name) => {
    const benchmark = benchmarks[name]
    if (benchmark === undefined)
      throw new Error(`There is no benchmark ${name}, only ${Object.keys(benchmarks).join(', ')}.`)
    return benchmark
  })
  const options = program.opts<{ repeats: string; minutes: string }>()
  const [repeats, minutes] = [Number(options.repeats), Number(options.minutes)]
  if (!Number.isInteger(repeats) || repeats < 1) throw new Error('--repeats takes a whole number from 1 on.')
  if (!(minutes > 0 && minutes <= 1_440)) throw new Error('--minutes takes a number above 0, at most 1440.')
  await installPeers()
  const log = pino({ level: 'error' })
  const server = await startDatabaseServer(log)
  const measureAll = async (): Promise<void> => {
    process.stdout.write(`${describeMachine()}, PostgreSQL ${server.version} (embedded, fsync on)\n`)
    for (const benchmark of chosen) {
      for (const report of await benchmark({ server, log, repeats, minutes })) printReport(report)
    }
  }
  try {
    await Promise.race([measureAll(), brokenOff()])
  } finally {
    // Broken off, it must not leave a database behind.
    await server.stop()
  }
}

/** Never resolves. */
const brokenOff = (): Promise<never> =>
  new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => reject(new Error(`Broken off by ${signal}.`)))
    }
  })

const describeMachine = (): string =>
  `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ` +
  `${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node ${process.version}`

run().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    // Not only the exit code: what a benchmark that broke off has started would keep this process alive.
    process.exit(1)
  },
)
