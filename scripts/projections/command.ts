/** What `npm run projections` and `npm run rebuild` understand, without the process around them. */
import { setTimeout as delay } from 'node:timers/promises'
import { Argument, Command } from 'commander'
import { streamOf } from '../../src/accounts/accounts.ts'
import type { ReadModel } from '../../src/projections.ts'
import {
  type Build,
  cancelVerification,
  listBuilds,
  requestRebuild,
  requestRollback,
} from '../../src/projector/builds.ts'
import type { Comparison } from '../../src/projector/compare.ts'
import { rebuildOf, viewOf } from '../../src/projector/overview.ts'
import { askRelease, listParked, parkStream } from '../../src/projector/parking.ts'
import { lastEventOf } from '../../src/replay/read-log.ts'
import { formatTable } from '../demo/table.ts'
import { EXIT as COMMON } from '../operate/ending.ts'
import { Refused, runCommands } from '../operate/frame.ts'
import { parseUserId } from '../operate/user-id.ts'
import type { Workshop } from './workshop.ts'

const EXIT = { ...COMMON, different: 4 } as const

export interface Surroundings {
  /** Opens the installation for as long as the work takes; asked only once the command is understood. */
  readonly withWorkshop: (work: (workshop: Workshop) => Promise<void>) => Promise<void>
  readonly out: (text: string) => void
  readonly complain: (text: string) => void
  readonly onProgress: (phase: string, events: number, total: number) => void
  readonly interrupted: AbortSignal
}

/** Resolves with the exit code. Throws what `withWorkshop` throws. */
export const runProjectionsCommand = (args: readonly string[], surroundings: Surroundings): Promise<number> =>
  runCommands(program(surroundings), args, surroundings.complain)

const LOOK_EVERY_MS = 200

const program = (surroundings: Surroundings): Command => {
  const { withWorkshop, out, complain, onProgress, interrupted } = surroundings
  const root = new Command('projections')
    .description(
      'Looks after the read models. Works beside a running server and without one, on the installation that the ' +
        'environment names; give it the same settings as the server has.',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'afterAll',
      '\nIt may be interrupted at any time: what was asked for stays asked for, and a server, or the next run, goes on.' +
        '\nExit codes: 0 done; 1 it failed, run it again; 2 the command or the configuration is wrong; 3 there is no such' +
        '\nprojection or stream; 4 it differs, was refused or is halted; 130 interrupted.',
    )
    .configureOutput({ writeOut: out, writeErr: complain })
    .exitOverride()

  const tell = (text: string, json: unknown): void =>
    out(`${root.opts().json === true ? JSON.stringify(json) : text}\n`)

  const withReadModel = (name: string, work: (workshop: Workshop, readModel: ReadModel) => Promise<void>) =>
    withWorkshop(async (workshop) => {
      const readModel = workshop.readModel(name)
      if (!readModel) throw new Refused(`there is no projection ${name}`, EXIT.notFound)
      if (interrupted.aborted) throw new Refused('interrupted', EXIT.interrupted)
      await work(workshop, readModel)
    })

  /** Looks again and again, as often as a person would like to see it, until there is an answer. */
  const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
    for (;;) {
      if (interrupted.aborted) throw new Refused('interrupted', EXIT.interrupted)
      const answer = await look()
      if (answer !== undefined) return answer
      await delay(LOOK_EVERY_MS, undefined, { signal: interrupted }).catch(() => {})
    }
  }

  /** Until the build is live, or will not be. */
  const follow = async ({ pool }: Workshop, name: string, id: Pick<Build, 'version' | 'build'>): Promise<void> => {
    const isIt = (one: Build) => one.version === id.version && one.build === id.build
    const end = await until(async () => {
      const build = (await listBuilds(pool, name)).find(isIt)
      if (!build) throw new Refused('the build was dropped: somebody asked for another one', EXIT.failed)
      const { eventsDone, eventsTotal, state } = rebuildOf(build)
      onProgress(state, eventsDone, eventsTotal ?? eventsDone)
      return build.stage === 'building' && build.state === 'running' ? undefined : build
    })
    if (end.stage === 'live') {
      const text = `Version ${end.version}, build ${end.build} of ${name} is live: ${end.events} events handled.`
      tell(text, { name, version: end.version, build: end.build, events: end.events, report: end.report })
    } else if (end.state === 'halted') {
      throw new Refused(`the build is halted: ${JSON.stringify(end.halted)}`, EXIT.different)
    } else {
      const { version } = end
      throw new Refused(
        `the build is refused: it differs from the live one, see npm run projections -- diff ${name}; ` +
          `npm run rebuild -- ${name} --force takes it nevertheless (version ${version})`,
        EXIT.different,
      )
    }
  }

  root
    .command('status')
    .description('Where each read model is, what is being built, and what is parked.')
    .action(() =>
      withWorkshop(async ({ pool }) => {
        const builds = await listBuilds(pool)
        const names = [...new Set(builds.map(({ name }) => name))]
        const views = names.flatMap((name) => viewOf(builds.filter((one) => one.name === name)))
        if (root.opts().json === true) for (const view of views) out(`${JSON.stringify(view)}\n`)
        else out(`${formatTable(HEAD, builds.map(rowOf))}\n`)
        for (const name of names) {
          for (const { stream, type, parkedAt } of await listParked(pool, name)) {
            if (root.opts().json !== true) out(`parked: ${name} ${stream} at ${type} ${parkedAt.toISOString()}\n`)
          }
        }
      }),
    )

  root
    .command('rebuild')
    .description('Builds a read model anew beside the live one, compares the two, and flips.')
    .argument('<name>')
    .option('--force', 'make it live even where it differs from the live one of the same version')
    .action((name: string, { force = false }: { readonly force?: boolean }) =>
      withReadModel(name, async (workshop, readModel) => {
        const answer = await requestRebuild(workshop.pool, readModel.projection, { forced: force })
        if (answer.kind === 'conflict') complain('One is under way: following it.\n')
        workshop.run(readModel)
        await follow(workshop, name, answer)
      }),
    )

  root
    .command('rollback')
    .description('Brings the build that was live before up to date, and makes it live again.')
    .argument('<name>')
    .action((name: string) =>
      withReadModel(name, async (workshop, readModel) => {
        const answer = await requestRollback(workshop.pool, name)
        if (answer.kind === 'nothing') throw new Refused('no build is kept to go back to', EXIT.notFound)
        if (answer.kind === 'conflict') throw new Refused('a build is under way: wait for it', EXIT.failed)
        if (answer.version !== readModel.projection.version) {
          const { version } = answer
          complain(
            `Version ${version} is not of this release: a server of the release that has it goes on from here.\n`,
          )
          return
        }
        workshop.run(readModel)
        await follow(workshop, name, answer)
      }),
    )

  root
    .command('verify')
    .description(
      'Builds a read model in tables of its own and compares it with the live one, row by row where they differ.',
    )
    .argument('<name>')
    .action((name: string) =>
      withReadModel(name, async (workshop, readModel) => {
        const answer = await requestRebuild(workshop.pool, readModel.projection, { purpose: 'verify' })
        if (answer.kind !== 'accepted') throw new Refused('a build is under way: wait for it', EXIT.failed)
        let found: Comparison | undefined
        const running = workshop.verify(readModel, answer.build, (comparison) => {
          found = comparison
        })
        // Where no server runs, the live one has to be brought up to date as well.
        workshop.run(readModel)
        const look = async (): Promise<Comparison | undefined> => {
          if (found) return found
          const builds = await listBuilds(workshop.pool, name)
          const build = builds.find((one) => one.version === answer.version && one.build === answer.build)
          if (build?.state === 'halted') {
            throw new Refused(`the build is halted: ${JSON.stringify(build.halted)}`, EXIT.different)
          }
          if (build) {
            const { eventsDone, eventsTotal, state } = rebuildOf(build)
            onProgress(state, eventsDone, eventsTotal ?? eventsDone)
          }
          return undefined
        }
        const comparison = await until(look).catch(async (error: unknown) => {
          await running.stop()
          await cancelVerification(workshop.pool, { name, ...answer })
          throw error
        })
        await running.stop()
        tellComparison(name, comparison)
        if (!comparison.equal) throw new Refused(`${name} differs from a rebuild`, EXIT.different)
      }),
    )

  const tellComparison = (name: string, comparison: Comparison): void => {
    const lines = comparison.tables.flatMap(({ table, live, built, equal, added, removed, differences }) => [
      `${table}: ${live ?? 'no'} rows live, ${built} built: ${equal ? 'equal' : 'different'}`,
      ...(added.length > 0 ? [`  new columns: ${added.join(', ')}`] : []),
      ...(removed.length > 0 ? [`  columns no more: ${removed.join(', ')}`] : []),
      ...differences.map(({ key, kind, columns }) =>
        `  ${kind} ${JSON.stringify(key)} ${columns.join(', ')}`.trimEnd(),
      ),
    ])
    const parked = comparison.parked.map((stream) => `parked in the new build: ${stream}`)
    tell([`${name} at position ${comparison.position ?? 'start'}`, ...lines, ...parked].join('\n'), {
      name,
      ...comparison,
    })
  }

  root
    .command('diff')
    .description('How the newest build that was compared differs from the one it was compared with.')
    .argument('<name>')
    .action((name: string) =>
      withReadModel(name, async ({ pool }) => {
        const builds = await listBuilds(pool, name)
        const compared = builds.find(({ stage }) => stage === 'refused') ?? builds.find(({ report }) => report !== null)
        if (!compared) throw new Refused('nothing was compared yet', EXIT.notFound)
        const comparison = compared.report as Comparison
        tellComparison(name, comparison)
        if (!comparison.equal)
          throw new Refused(`version ${compared.version}, build ${compared.build} differs`, EXIT.different)
      }),
    )

  root
    .command('park')
    .description('Leaves the events of a user aside from now on; others go on.')
    .argument('<name>')
    .addArgument(new Argument('<user>', 'id').argParser(parseUserId))
    .action((name: string, user: string) =>
      withReadModel(name, async ({ pool, store }, { onFailure }) => {
        if (onFailure !== 'park') throw new Refused(`${name} halts rather than leave anything aside`, EXIT.misuse)
        if ((await lastEventOf(store, streamOf(user))) === null) {
          throw new Refused(`there is no user ${user}`, EXIT.notFound)
        }
        if (!(await parkStream(pool, store, name, streamOf(user)))) {
          throw new Refused(`${user} is parked already`, EXIT.notFound)
        }
        tell(`The events of ${user} are left aside.`, { name, stream: streamOf(user) })
      }),
    )

  root
    .command('unpark')
    .description('Projects in order what was left aside of a user, or of all.')
    .argument('<name>')
    .addArgument(new Argument('[user]', 'id').argParser(parseUserId))
    .action((name: string, user: string | undefined) =>
      withReadModel(name, async (workshop, readModel) => {
        const stream = user === undefined ? undefined : streamOf(user)
        const asked = await askRelease(workshop.pool, name, stream)
        if (asked === 0) throw new Refused('nothing is parked', EXIT.notFound)
        workshop.run(readModel)
        const left = await until(async () => {
          const parked = await listParked(workshop.pool, name)
          const ours = parked.filter((one) => stream === undefined || one.stream === stream)
          return ours.some(({ releaseAsked }) => releaseAsked) ? undefined : ours
        })
        if (left.length > 0) {
          const reasons = left.map((one) => `${one.stream} at ${one.type}: ${JSON.stringify(one.fault)}`)
          throw new Refused(`still parked: ${reasons.join('; ')}`, EXIT.different)
        }
        tell(`Released: ${asked}.`, { name, released: asked })
      }),
    )

  return root
}

const HEAD = ['projection', 'version', 'build', 'stage', 'state', 'position', 'lag s', 'events', 'parked']

const rowOf = (build: Build): readonly string[] => [
  build.name,
  String(build.version),
  String(build.build),
  build.stage,
  build.state === 'running' && !build.owned && build.stage !== 'kept' ? 'nobody at work' : build.state,
  String(build.position ?? '-'),
  build.lagSeconds === null ? '-' : build.lagSeconds.toFixed(1),
  String(build.events),
  String(build.parked),
]
