/** As much of a Dockerfile as ours uses, carried out in plain folders where there is no container engine. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

interface Instruction {
  readonly name: string
  readonly text: string
}

export interface BuiltImage {
  /** The folder that stands for WORKDIR of the last stage. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  readonly command: readonly string[]
  readonly health: readonly string[]
  readonly user: string | undefined
}

export interface Builder {
  readonly dockerfile: string
  /** The build context: what COPY copies from. */
  readonly context: string
  /** An empty folder; each stage gets one in it. */
  readonly into: string
  readonly identity: { readonly uid?: number; readonly gid?: number }
  readonly environment: NodeJS.ProcessEnv
}

export const buildImage = async ({
  dockerfile,
  context,
  into,
  identity,
  environment,
}: Builder): Promise<BuiltImage> => {
  const stages = new Map<string, string>()
  const env: Record<string, string> = {}
  const run = (program: string, args: readonly string[], cwd: string) =>
    promisify(execFile)(program, args, { cwd, env: environment, ...identity })
  let folder = into
  let [command, health, user]: [readonly string[], readonly string[], string | undefined] = [[], [], undefined]
  for (const { name, text } of instructionsOf(dockerfile)) {
    if (name === 'FROM') {
      const stage = / AS (\w+)$/.exec(text)?.[1] ?? 'final'
      folder = join(into, stage)
      stages.set(stage, folder)
      await run('mkdir', [folder], into)
    } else if (name === 'COPY') {
      const [, from, paths = ''] = /^(?:--from=(\w+) )?(.*)$/.exec(text) ?? []
      const sources = paths.split(' ')
      const target = join(folder, sources.pop() ?? '')
      const origin = from === undefined ? context : (stages.get(from) ?? '')
      const places = sources.map((source) => join(origin, source.replace(/^\/build\//, '')))
      if (target.endsWith('/')) await run('mkdir', ['-p', target], into)
      await run('cp', ['-R', ...places, target], into)
    } else if (name === 'RUN') {
      await run('sh', ['-ec', text], folder)
    } else if (name === 'ENV') {
      for (const [, key = '', value = ''] of text.matchAll(/(\w+)=(\S+)/g)) env[key] = value
    } else if (name === 'CMD') command = JSON.parse(text)
    else if (name === 'HEALTHCHECK') health = JSON.parse(text.replace(/^.*?CMD /, ''))
    else if (name === 'USER') user = text
    else if (!['WORKDIR', 'ARG', 'EXPOSE'].includes(name)) throw new Error(`${name} is not understood here`)
  }
  return { folder, environment: env, command, health, user }
}

const instructionsOf = (dockerfile: string): readonly Instruction[] =>
  dockerfile
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', ...words] = line.split(' ')
      return { name, text: words.join(' ') }
    })
