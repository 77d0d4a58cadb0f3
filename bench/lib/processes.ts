import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A program of ours or of the bench that prints `ready at <where>` when it is. */
export interface Program {
  /** What it said it is ready at. */
  readonly at: string
  readonly pid: number
  stop(): Promise<void>
}

/** `script` is relative to the repository, TypeScript or not. Throws with what it wrote to standard error where it is never ready. */
export async function startProgram(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  nodeOptions: readonly string[] = [],
): Promise<Program> {
  const loader = script.endsWith('.ts') ? ['--import', 'tsx'] : []
  const child = spawn(process.execPath, [...nodeOptions, ...loader, script, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithUs(child)
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const at = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const where = /ready at (\S+)/.exec(line)?.[1]
      if (where !== undefined) resolve(where)
    })
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code} before it was ready: ${errors}`)))
  })
  return { at, pid: child.pid ?? 0, stop: () => end(child) }
}

/** Where a benchmark breaks off, nobody is there to stop what it has started. */
function endWithUs(child: ChildProcess): void {
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** A process that is sent jobs and answers each with one message. */
export interface Worker<Job, Answer> {
  do(job: Job): Promise<Answer>
  stop(): Promise<void>
}

export function startWorker<Job extends object, Answer>(script: string): Worker<Job, Answer> {
  const child = fork(`${ROOT}${script}`, [], { cwd: ROOT, execArgv: ['--import', 'tsx'] })
  endWithUs(child)
  const failed = once(child, 'exit').then(() => {
    throw new Error(`${script} ended amid its work`)
  })
  // At the end of a benchmark it is nobody's error.
  failed.catch(() => {})
  return {
    async do(job) {
      const answered = once(child, 'message')
      child.send(job)
      const [answer] = await Promise.race([answered, failed])
      return answer as Answer
    },
    stop: () => end(child),
  }
}
