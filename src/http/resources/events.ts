/** The history, for analysts: in pages, as one download, live, and stream by stream. */
import { z } from 'zod'
import type { Position, RecordedEvent } from '../../event-store/port.ts'
import { eventLines } from '../../replay/event-lines.ts'
import { parsePosition } from '../../replay/moment.ts'
import { forAnalysts, type OpenEvent } from '../../replay/open-for-analysts.ts'
import { lastEventOf, readLog, revisionAfter } from '../../replay/read-log.ts'
import { invalidRequest, Problem } from '../problem.ts'
import { integerParameter } from '../query.ts'
import {
  analystEventSchema,
  analysts,
  describeAll,
  openingFor,
  positionSchema,
  showsPeople,
  storeProblems,
  typesOf,
  typesSchema,
} from './analysts.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import type { ServerSentEvent } from './event-streams.ts'
import { limitParameter } from './paging.ts'
import { untilErased, untilRevoked } from './token-downloads.ts'

const NDJSON = 'application/x-ndjson'
const PAGE = 50
const LARGEST_PAGE = 200
/** Events of other types that are passed over for one page, once it has one. */
const LOOKED_AT = 20_000

const pageSchema = z.strictObject({
  items: z.array(analystEventSchema),
  nextAfter: z.string().meta({ description: 'Bring it as `after` for the events behind these' }),
})

export const eventEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    ...analysts,
    path: '/v1/events',
    summary: 'The events of all streams in the order of the log',
    description:
      `A page of JSON, or with \`Accept: ${NDJSON}\` one line an event up to the end of the log, or as many as \`limit\` ` +
      'says. A page without items is the end; what is appended later is found after its `nextAfter`.',
    query: z.strictObject({
      after: positionSchema.optional(),
      types: typesSchema,
      limit: integerParameter({ min: 1, max: 1_000_000_000 }).optional(),
    }),
    responses: { 200: { description: 'Events', schema: pageSchema, mediaTypes: [NDJSON] } },
    problems: { ...storeProblems, 429: ['too-many-requests'], 503: ['store-unavailable', 'overloaded'] },
    async handler({ auth, query, request }) {
      const { limit } = query
      const types = typesOf(query.types)
      const after = placeOf(query.after)
      const open = openingFor(api, auth)
      const headers = { Vary: 'Accept' }
      if (wantsLines(request.header('Accept'))) {
        // Once lines have begun to flow, a store that is away could only cut them off.
        await api.store.ping()
        const wanted = { after, types, limit: limit ?? Number.POSITIVE_INFINITY }
        const begin = async () => eventLines(api.store, open, wanted)
        const data = await api.eventDownloads.start(
          showsPeople(auth) ? untilErased(api, auth, null, begin) : untilRevoked(api, auth, begin),
        )
        return { status: 200, headers, content: { type: NDJSON, data } }
      }
      const size = limit ?? PAGE
      if (size > LARGEST_PAGE) {
        const detail = `A page has at most ${LARGEST_PAGE} events; ask for ${NDJSON} to get more at once.`
        throw invalidRequest({ pointer: '#/query/limit', code: 'too_big', detail })
      }
      const page = await pageOf(ofTypes(readLog(api.store, after, request.signal), types), size)
      const items = await describeAll(open, page.events)
      return { status: 200, headers, body: { items, nextAfter: String(page.last ?? query.after ?? '0') } }
    },
  }),

  endpoint({
    ...analysts,
    path: '/v1/events/stream',
    summary: 'The events of all streams as they come',
    description:
      'Server-sent events: `id` is the position, `data` an item of /v1/events. Begins after `Last-Event-ID`, else after ' +
      '`after`, else with the first event; `after=end`: with the next one. Comments are heartbeats.',
    query: z.strictObject({ after: z.union([z.literal('end'), positionSchema]).optional(), types: typesSchema }),
    headers: z.strictObject({ 'Last-Event-ID': positionSchema.optional() }),
    responses: { 200: { description: 'Events', mediaTypes: ['text/event-stream'] } },
    problems: { ...storeProblems, 429: ['too-many-requests'], 503: ['store-unavailable', 'overloaded'] },
    async handler({ auth, query, headers }) {
      const begin = headers['Last-Event-ID'] ?? query.after
      // Asked for now: what is appended once the answer has begun is in the stream.
      const after = begin === 'end' ? await api.store.tail() : placeOf(begin)
      await api.store.ping()
      const open = openingFor(api, auth)
      const messages = (signal: AbortSignal) => live(api, open, { after, types: typesOf(query.types), signal })
      return {
        status: 200,
        content: api.streams.start(`token ${auth.id}`, messages, () => api.tokens.isValid(auth.id)),
      }
    },
  }),

  endpoint({
    ...analysts,
    path: '/v1/streams/{stream}/events',
    summary: 'The events of one stream',
    description: 'A person is `user-<id>`. `after` is a position here too. A page without items is the end.',
    params: z.strictObject({ stream: z.string().min(1).max(200) }),
    query: z.strictObject({ after: positionSchema.optional(), limit: limitParameter }),
    responses: { 200: { description: 'A page', schema: pageSchema } },
    problems: { ...storeProblems, 404: ['not-found'] },
    async handler({ auth, params: { stream }, query }) {
      const last = await lastEventOf(api.store, stream)
      if (last === null) throw new Problem(404, 'not-found')
      const from = query.after === undefined ? 0n : await revisionAfter(api.store, last, BigInt(query.after))
      const events = await arrayOf(api.store.read(stream, { from, limit: query.limit }))
      const items = await describeAll(openingFor(api, auth), events)
      const nextAfter = String(events.at(-1)?.position ?? query.after ?? '0')
      return { status: 200, body: { items, nextAfter } }
    },
  }),
]

/** 0 is before the first event, in whatever store. */
const placeOf = (after: string | undefined): Position | 'start' => {
  const position = after === undefined ? null : parsePosition(after)
  return position === null || position === 0n ? 'start' : position
}

const wantsLines = (accept: string | undefined): boolean =>
  /(^|,)\s*application\/x-ndjson\s*(;|,|$)/i.test(accept ?? '')

type Types = ReadonlySet<string> | null

interface Looked {
  readonly event: RecordedEvent
  /** Of a wanted type. */
  readonly wanted: boolean
}

async function* ofTypes(events: AsyncIterable<RecordedEvent>, types: Types): AsyncGenerator<Looked> {
  for await (const event of events) yield { event, wanted: types === null || types.has(event.type) }
}

/** Never empty before the end of the log, however rare the type. `last`: the position of the last event looked at. */
const pageOf = async (looked: AsyncIterable<Looked>, size: number) => {
  const events: RecordedEvent[] = []
  let last: Position | null = null
  let count = 0
  for await (const { event, wanted } of looked) {
    last = event.position
    count += 1
    if (wanted) events.push(event)
    if (events.length === size || (count >= LOOKED_AT && events.length > 0)) break
  }
  return { events, last }
}

async function* live(
  api: Api,
  open: OpenEvent,
  { after, types, signal }: { readonly after: Position | 'start'; readonly types: Types; readonly signal: AbortSignal },
): AsyncGenerator<ServerSentEvent> {
  for await (const message of api.store.subscribe(after, signal)) {
    if (message.kind !== 'events') continue
    for (const event of message.events) {
      if (signal.aborted) return
      if (types !== null && !types.has(event.type)) continue
      const data = await forAnalysts(open, event)
      yield { id: data.position, data }
    }
  }
}

const arrayOf = async (events: AsyncIterable<RecordedEvent>): Promise<readonly RecordedEvent[]> => {
  const all: RecordedEvent[] = []
  for await (const event of events) all.push(event)
  return all
}
