/** From `npm start` to ready, with the embedded database. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Benchmark } from './lib/bench.ts'
import { ROOT } from './lib/processes.ts'
import { quantile } from './lib/rounds.ts'

export const start: Benchmark = async ({ repeats }) => {
  const first: number[] = []
  const later: number[] = []
  for (let round = 0; round < repeats; round++) {
    await rm(join(ROOT, 'node_modules/.cache/strongroom'), { recursive: true, force: true })
    const dataDir = await mkdtemp(join(tmpdir(), 'strongroom-bench-start-'))
    first.push(await secondsToReady(dataDir))
    later.push(await secondsToReady(dataDir))
    await rm(dataDir, { recursive: true, force: true })
  }
  const row = (name: string, values: readonly number[]) => [
    name,
    quantile(values, 0.5).toFixed(2),
    `${Math.min(...values).toFixed(2)} - ${Math.max(...values).toFixed(2)}`,
  ]
  return [
    {
      title: 'start: from `npm start` to ready, seconds',
      notes: [
        'Ready: it has said so, and /readyz answers 200. npm is in it, and at a first start the compilation of the sources.',
      ],
      table: [
        ['what', 'median', 'lowest - highest'],
        row('first start, on an empty DATA_DIR, nothing compiled', first),
        row('later start', later),
      ],
      goals: [
        { what: 'first start', measured: quantile(first, 0.5), atMost: 8, unit: ' s' },
        { what: 'later start', measured: quantile(later, 0.5), atMost: 2, unit: ' s' },
      ],
    },
  ]
}

async function secondsToReady(dataDir: string): Promise<number> {
  const began = performance.now()
  const child = spawn('npm', ['start', '--silent'], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      PORT: '0',
      DATA_DIR: dataDir,
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const at = /ready at (\S+)/.exec(line)?.[1]
      if (at !== undefined) resolve(at)
    })
    child.once('exit', () => reject(new Error('npm start ended before it was ready')))
  })
  const { status } = await fetch(`${url}/readyz`)
  const seconds = (performance.now() - began) / 1_000
  child.kill('SIGTERM')
  await exited
  if (status !== 200) throw new Error(`/readyz answers ${status}`)
  return seconds
}
