/**
 * The files of the web page, ready to be sent. The program that `npm run build` makes has them beside it. In a checkout
 * they are built once for each state of the sources, into a cache: when somebody asks, or when told to prepare.
 */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { describeError } from './describe-error.ts'
import { buildFromSources } from './web-page/build.ts'

export interface WebPage {
  /** See Page in src/http/page.ts, whose shape this has. */
  file(name: string, acceptEncoding: string | undefined): Promise<WebPageFile | undefined>
  /** Builds what is missing, in a process of its own at a low priority. Never throws. */
  prepare(): Promise<void>
  /** Gives up a build that is under way. */
  close(): Promise<void>
}

export interface WebPageFile {
  readonly type: string
  readonly data: Buffer
  readonly encoding: Encoding | undefined
}

type Encoding = 'br' | 'gzip'

export interface WebPageOptions {
  /** Of whose sources the page is built. Without it, it has been built beside the program. */
  readonly checkout: string | undefined
  /** Where to build if the folder of the packages cannot be written to. */
  readonly dataDir: string
  readonly log: Logger
}

/** Cheap: nothing is read or built yet. */
export const openWebPage = ({ checkout, dataDir, log }: WebPageOptions): WebPage => {
  const closing = new AbortController()
  let opened: Promise<Built | undefined> | undefined
  const open = (): Promise<Built | undefined> => {
    opened ??= locate(checkout, dataDir, closing.signal)
      .then(listFiles)
      .catch((error: unknown) => {
        if (closing.signal.aborted) return undefined
        log.error({ err: describeError(error) }, 'the web page cannot be served: try `npm run build`')
        return undefined
      })
    return opened
  }
  return {
    async file(name, acceptEncoding) {
      const built = await open()
      if (built === undefined || !built.names.has(name)) return undefined
      const encoding = encodingFor(name, built, acceptEncoding)
      const data = await readFile(join(built.folder, encoding === undefined ? name : `${name}.${suffix[encoding]}`))
      return { type: mediaTypes.get(extname(name)) ?? 'application/octet-stream', data, encoding }
    },
    async prepare() {
      await open()
    },
    async close() {
      closing.abort()
      await opened
    },
  }
}

interface Built {
  readonly folder: string
  /** All that is served, relative to the folder. What is asked for is looked up here, so no path can lead elsewhere. */
  readonly names: ReadonlySet<string>
}

const mediaTypes: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.txt', 'text/plain; charset=utf-8'],
])

const suffix: Readonly<Record<Encoding, string>> = { br: 'br', gzip: 'gz' }

const locate = async (root: string | undefined, dataDir: string, signal: AbortSignal): Promise<string> =>
  root === undefined
    ? fileURLToPath(new URL('../../web', import.meta.url))
    : await buildFromSources({ root, dataDir, signal })

const listFiles = async (folder: string): Promise<Built> => {
  const assets = await readdir(join(folder, 'assets'))
  return { folder, names: new Set(['index.html', ...assets.map((name) => `assets/${name}`)]) }
}

/** What the build has compressed lies beside the file (web/build/compress.ts). */
const encodingFor = (name: string, { names }: Built, accept = ''): Encoding | undefined => {
  const taken = new Set(
    accept
      .toLowerCase()
      .split(',')
      .map((each) => each.trim())
      .filter((each) => !/;\s*q=0(\.0*)?$/.test(each))
      .map((each) => each.replace(/;.*$/, '').trim()),
  )
  return (['br', 'gzip'] as const).find((encoding) => taken.has(encoding) && names.has(`${name}.${suffix[encoding]}`))
}
