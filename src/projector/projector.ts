import { PROJECTIONS } from './job.ts'
import { layoutsOf } from './layout.ts'
import type { Projection } from './row-operation.ts'
import { writeOperations } from './rows.ts'
import { registerProjections } from './schema.ts'
import { type RunningWorker, runJob, type WorkerOptions } from './worker.ts'

export interface ProjectorOptions<Event> extends WorkerOptions<Event> {
  readonly projection: Projection<Event>
  readonly onFailure?: FailurePolicy
}

/** What to do with an event that cannot be projected. Only one answer yet: stop in front of it and alert. */
export type FailurePolicy = 'halt'

/**
 * Runs one projection until it is stopped: its rows are written in batches, each in one transaction with the
 * checkpoint. Returns at once; throws ProjectionFault where the projection's definition contradicts itself.
 */
export function runProjection<Event>({ projection, ...options }: ProjectorOptions<Event>): RunningWorker {
  const { name, version } = projection
  const layouts = layoutsOf(projection)
  return runJob(
    {
      name,
      version,
      checkpoints: PROJECTIONS,
      register: () => registerProjections(options.pool, [projection]),
      prepare: (events) => {
        const operations = events.flatMap((event) => projection.apply(event))
        return (client) => writeOperations(client, layouts, operations)
      },
    },
    options,
  )
}
