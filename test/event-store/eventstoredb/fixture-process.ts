import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface FixtureProcess {
  readonly connectionString: string
  readonly port: number
  /** With SIGKILL: nothing is left but what is in its file. */
  kill(): Promise<void>
}

/** The fixture as a process of its own, with its log in a file. */
export async function spawnFixture(file: string, port = 0): Promise<FixtureProcess> {
  const script = fileURLToPath(new URL('./run-server.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, String(port), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(String),
    once(child, 'exit').then(() => Promise.reject(new Error('the fixture ended before it was ready'))),
  ])
  const connectionString = /ready at (\S+)/.exec(line)?.[1] ?? ''
  return {
    connectionString,
    port: Number(/:(\d+)\?/.exec(connectionString)?.[1]),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}
