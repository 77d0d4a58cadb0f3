/** The server that the demo talks to: one that runs already, or one of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Config } from '../../src/config.ts'
import { DemoFailed } from './failure.ts'

export interface DemoServer {
  readonly url: string
  /** Started for this demo. */
  readonly started: boolean
  /** Stops it if the demo started it, and waits for its end. */
  release(): Promise<void>
}

interface Wanted {
  readonly url: string | undefined
  readonly config: Config
  readonly signal: AbortSignal
}

const PROBE_MS = 2_000
const START_MS = 60_000

/** Throws DemoFailed where the server asked for does not answer, or none can be started; and the signal's reason. */
export const findServer = async ({ url, config, signal }: Wanted): Promise<DemoServer> => {
  const { publicUrl } = config.http
  for (const candidate of url === undefined ? [publicUrl, `http://localhost:${config.http.port}`] : [url]) {
    const base = candidate.replace(/\/+$/, '')
    if (await isStrongroom(base, signal)) return { url: base, started: false, release: async () => {} }
  }
  if (url !== undefined) throw new DemoFailed(`There is no Strongroom at ${url}.`)
  return startOne(signal)
}

/** Another program on the port is not taken for ours. */
const isStrongroom = async (url: string, signal: AbortSignal): Promise<boolean> => {
  try {
    const response = await fetch(`${url}/v1/password-policy`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]),
    })
    const body: unknown = await response.json()
    return typeof body === 'object' && body !== null && 'policy' in body
  } catch {
    signal.throwIfAborted()
    return false
  }
}

const startOne = async (signal: AbortSignal): Promise<DemoServer> => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../start.mjs', import.meta.url))], {
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: '0',
      PUBLIC_URL: '',
      REGISTRATION: 'open',
      // The demo plays the proxy, so that its devices can be in different places.
      TRUSTED_PROXIES: '127.0.0.0/8 ::1/128',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  const release = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await exited
  }
  try {
    return { url: await readyUrl(child, signal), started: true, release }
  } catch (error) {
    await release()
    throw error
  }
}

const readyUrl = (child: ChildProcess, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    let out = ''
    let errors = ''
    const late = setTimeout(() => reject(new DemoFailed('The server was not ready within a minute.')), START_MS)
    const end = (settle: () => void): void => {
      clearTimeout(late)
      signal.removeEventListener('abort', abort)
      settle()
    }
    const abort = () => end(() => reject(signal.reason))
    signal.addEventListener('abort', abort)
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out = (out + text).slice(-20_000)
      const url = /is ready at (http\S+)/.exec(out)?.[1]
      if (url !== undefined) end(() => resolve(url))
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4_000)
    })
    child.once('exit', () => end(() => reject(new DemoFailed(`The server could not be started. ${errors.trim()}`))))
  })
