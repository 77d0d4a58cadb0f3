/** Which read models there are, and what becomes of one whose event cannot be projected. */
import { auditlog } from '../projections/auditlog.ts'
import { sessions } from '../projections/sessions.ts'
import { overAccounts, overAll, type Projected } from './projector/open-events.ts'
import type { FailurePolicy } from './projector/projector.ts'
import type { Projection } from './projector/row-operation.ts'

export interface ReadModel {
  readonly projection: Projection<Projected>
  readonly onFailure: FailurePolicy
}

export const readModels: readonly ReadModel[] = [
  // The list of one person's sessions must not stand still for an event of another one.
  { projection: overAccounts(sessions), onFailure: 'park' },
  // A log with a hole in it is none: it stops, and somebody has to look.
  { projection: overAll(auditlog), onFailure: 'halt' },
]
