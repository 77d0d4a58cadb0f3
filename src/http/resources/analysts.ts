/** What the analysts' resources share: parameters, shapes, and refusals. */
import { z } from 'zod'
import { isEventType } from '../../account/events.ts'
import { UnreadableEvent } from '../../account/upcast.ts'
import type { RecordedEvent } from '../../event-store/port.ts'
import { parseMoment, parsePosition } from '../../replay/moment.ts'
import { type AnalystEvent, forAnalysts, type OpenEvent, openEvents } from '../../replay/open-for-analysts.ts'
import type { TokenHolder } from '../../secrets/access-tokens.ts'
import { Problem } from '../problem.ts'
import type { Api } from './api.ts'
import { instant } from './schemas.ts'

export const analysts = { tag: 'Analysts', auth: 'token', scopes: ['events:read'], method: 'GET' } as const

/** Reading the log waits for no read model, and fails only with its store. */
export const storeProblems = { 503: ['store-unavailable'] } as const

export const positionSchema = z
  .string()
  .refine((text) => parsePosition(text) !== null, 'must be a position: decimal digits')
  .meta({ pattern: '^\\d{1,19}$', description: 'A position of the log, in decimal digits' })

export const momentSchema = z
  .string()
  .transform((text, context) => {
    const moment = parseMoment(text)
    if (moment !== null) return moment
    context.addIssue({ code: 'custom', message: 'must be a position, or a time such as 2026-01-31T12:00:00.000Z' })
    return z.NEVER
  })
  .optional()
  .meta({ description: 'A position of the log; or a time (RFC 3339): the last event the store had recorded by then' })

const TYPE = /^[a-z0-9_.-]{1,60}:[a-z0-9_.-]{1,60}$/

/** Several in one parameter, parted by commas, or the parameter several times. */
export const typesSchema = z
  .array(
    z
      .string()
      .max(4_000)
      .refine((text) => text.split(',').every(isType), 'must be types as /v1/event-types lists them'),
  )
  .optional()
  .meta({ description: 'Only events of these types; several parted by commas' })

/** A mistyped code of ours would look like nothing ever having happened. */
const isType = (text: string): boolean => TYPE.test(text) && (isEventType(text) || !/^user[.:]/.test(text))

/** null: all. */
export const typesOf = (texts: readonly string[] | undefined): ReadonlySet<string> | null =>
  texts === undefined ? null : new Set(texts.flatMap((text) => text.split(',')))

export const analystEventSchema = z.strictObject({
  position: z.string().meta({ description: 'Of the whole log, in decimal digits: may be larger than 2^53' }),
  id: z.uuid(),
  stream: z.string(),
  revision: z.int().nonnegative().meta({ description: 'Place in the stream, from 0' }),
  type: z.string(),
  occurredAt: instant,
  data: z.record(z.string(), z.unknown()).meta({ description: "In the type's newest version" }),
  metadata: z.record(z.string(), z.unknown()),
  personal: z
    .strictObject({
      ip: z.string().optional(),
      userAgent: z.string().nullable().optional(),
      region: z.string().nullable().optional(),
      city: z.string().nullable().optional(),
      email: z.string().optional(),
      name: z.string().nullable().optional(),
      values: z.record(z.string(), z.unknown()).optional(),
    })
    .nullable()
    .meta({ description: 'null without the scope events:pii, where nothing was known, and after an erasure' }),
})

/** As far as the token's scopes let its holder see. */
export const openingFor = (api: Api, holder: TokenHolder): OpenEvent =>
  openEvents(api.services.vault, { personal: showsPeople(holder) })

export const showsPeople = ({ scopes }: TokenHolder): boolean => scopes.includes('events:pii')

/** Throws Problem 503 that names the event, so that one that cannot be read does not bar the way to those behind it. */
export const describeAll = (open: OpenEvent, events: readonly RecordedEvent[]): Promise<readonly AnalystEvent[]> =>
  Promise.all(events.map((event) => describe(open, event)))

const describe = async (open: OpenEvent, stored: RecordedEvent): Promise<AnalystEvent> => {
  try {
    return await forAnalysts(open, stored)
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error
    const { position, type } = stored
    throw new Problem(503, 'store-unavailable', {
      detail: `The event of type ${type} at position ${position} is none that this version can read. Go on after it.`,
    })
  }
}
