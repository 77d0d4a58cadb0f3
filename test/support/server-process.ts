/** Strongroom as a process of its own, the way it runs for real, so that it can be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Browser } from './browser.ts'
import { DEFAULTS } from './server.ts'

export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** All that it has written to standard error so far. */
  errors(): string
  browser(headers?: Readonly<Record<string, string>>): Browser
  /** Resolves with the exit code, or null where a signal ended it. */
  end(signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT'): Promise<number | null>
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Throws with what it wrote to standard error where it ends before it is ready. */
export const spawnServer = async (env: Readonly<Record<string, string>>): Promise<ServerProcess> => {
  const child = spawn(process.execPath, ['scripts/start.mjs'], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', ...DEFAULTS, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const url = await readyLine(child, () => errors)
  return {
    url,
    pid: child.pid ?? 0,
    errors: () => errors,
    browser: (headers) => new Browser(url, headers),
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
      return child.exitCode
    },
  }
}

const readyLine = (child: ChildProcess, errors: () => string): Promise<string> =>
  new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error('the server has no standard output')
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /ready at (\S+)/.exec(line)?.[1]
      if (url !== undefined) resolve(url)
    })
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready: ${errors()}`)))
  })
