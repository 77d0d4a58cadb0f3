/** `npm run test:contract`: the contract suite of the event stores, and which of them it ran on. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { program } from 'commander'
import { z } from 'zod'

/** As the tests name them, and what to do for those that do not always run. */
const ADAPTERS = [
  { name: 'memory' },
  { name: 'postgres' },
  { name: 'eventstoredb (protocol fixture)' },
  { name: 'eventstoredb (server of EVENTSTOREDB_URL)', otherwise: 'EventStoreDB server (set EVENTSTOREDB_URL)' },
]

const FILES = ['memory', 'postgres-contract', 'eventstoredb-contract', 'differential']

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(z.object({ ancestorTitles: z.array(z.string()), status: z.string() })),
    }),
  ),
})

program
  .description(
    'Runs the contract suite on every event store, and the random programs that must give the same results on all.\n' +
      'EventStoreDB is stood in for by a fixture of its protocol. Where EVENTSTOREDB_URL names a server (its data must ' +
      'not matter), the suite runs on that as well.',
  )
  .addHelpText('after', '\nExit codes: 0 all passed, 1 something failed.')
  .parse()

const run = async (): Promise<number> => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-contract-'))
  try {
    const file = join(folder, 'report.json')
    const code = await runTests(file)
    report(reportSchema.parse(JSON.parse(readFileSync(file, 'utf8'))))
    return code === 0 ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const runTests = async (outputFile: string): Promise<number | null> => {
  const files = FILES.map((name) => `test/event-store/${name}.test.ts`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${outputFile}`]
  const vitest = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...files], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
  })
  await once(vitest, 'exit')
  return vitest.exitCode
}

const report = ({ testResults }: z.infer<typeof reportSchema>): void => {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  for (const { name, otherwise = name } of ADAPTERS) {
    const own = tests.filter(({ ancestorTitles }) => ancestorTitles.includes(`event store contract: ${name}`))
    const count = (status: string) => own.filter((test) => test.status === status).length
    const skipped = own.length - count('passed') - count('failed')
    process.stdout.write(
      own.length === 0
        ? `not run: ${otherwise}\n`
        : `${name}: ${count('passed')} passed, ${count('failed')} failed, ${skipped} not possible there\n`,
    )
  }
}

process.exitCode = await run()
