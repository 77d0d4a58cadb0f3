/** A script as its operator runs it: a process of its own, whose standard output is no terminal. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { DEFAULTS } from './server.ts'

export interface Ran {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly out: string
  readonly errors: string
}

export interface RunningScript {
  readonly pid: number
  /** What Ctrl-C at a terminal sends. */
  interrupt(): void
  readonly ended: Promise<Ran>
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export const startScript = (
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): RunningScript => {
  const child = spawn(process.execPath, ['--import', 'tsx', `scripts/${script}.ts`, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', ...DEFAULTS, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    out += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    errors += piece
  })
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, out, errors }))
  return { pid: child.pid ?? 0, interrupt: () => void child.kill('SIGINT'), ended }
}

export const runScript = (...[script, args, env]: Parameters<typeof startScript>): Promise<Ran> =>
  startScript(script, args, env).ended

/** Standard output as JSON lines; fails where one is none. */
export const objectsOf = (text: string): readonly unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
