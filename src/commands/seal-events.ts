/** From decided events to what the store keeps: ids, the envelope, and boxes under the user's data key. */
import { randomUUID } from 'node:crypto'
import { type Actor, currentVersion, type Idempotency, type NewAccountEvent, type Personal } from '../account/events.ts'
import { streamOf } from '../accounts/accounts.ts'
import type { ClientContext } from '../client-context/client-context.ts'
import type { JsonObject, NewEvent } from '../event-store/port.ts'
import { sealCredential, sealPersonal } from '../secrets/boxes.ts'
import type { SessionHash } from '../secrets/session-hash.ts'
import { coarseClientOf } from './coarse-client.ts'

/** Who asks, from where, and under which request. */
export interface CommandContext {
  readonly actor: Actor
  readonly correlationId: string
  readonly client: ClientContext | null
  /** The session that acts; null where none does yet. */
  readonly sessionId: string | null
}

export interface Sealing {
  readonly userId: string
  readonly dataKey: Buffer
  readonly sessionHash: SessionHash
  readonly context: CommandContext
  readonly commandId: string
  readonly now: number
  readonly idempotency: Idempotency | null
}

export const sealEvents = (events: readonly NewAccountEvent[], sealing: Sealing): readonly NewEvent[] =>
  events.map((event, index) => sealEvent(event, sealing, index === 0 ? sealing.idempotency : null))

const sealEvent = (event: NewAccountEvent, sealing: Sealing, idempotency: Idempotency | null): NewEvent => {
  const { context, dataKey } = sealing
  const id = randomUUID()
  const place = { stream: streamOf(sealing.userId), type: event.type, eventId: id }
  const content = personalOf(event, context.client)
  const personal = content === null ? null : sealPersonal(dataKey, place, content)
  const credential = event.credential === undefined ? null : sealCredential(dataKey, place, event.credential)
  const sessionId = context.sessionId ?? sessionOf(event)
  const metadata = {
    schemaVersion: currentVersion(event.type),
    commandId: sealing.commandId,
    correlationId: context.correlationId,
    causationId: null,
    occurredAt: new Date(sealing.now).toISOString(),
    actor: actorOf(event, context),
    sessionId,
    sessionHash: sessionId === null ? null : sealing.sessionHash(sessionId),
    client: coarseClientOf(context.client),
    ...(idempotency === null ? {} : { idempotency: idempotency as unknown as JsonObject }),
    commit: personal?.commit ?? null,
    boxes: { personal: personal?.box ?? null, credential },
  }
  return { id, type: event.type, data: event.data, metadata }
}

/** Who failed to sign in proved no identity, whoever's account it was tried on. */
const actorOf = (event: NewAccountEvent, { actor }: CommandContext): Actor =>
  event.type === 'user:login_failed' || event.type === 'user:locked' ? { kind: 'anonymous', id: null } : actor

/** An event about one session that no session caused belongs to that session: a log-in begins it, an expiry ends it. */
const sessionOf = (event: NewAccountEvent): string | null => ('sessionId' in event.data ? event.data.sessionId : null)

const personalOf = (event: NewAccountEvent, client: ClientContext | null): Personal | null => {
  if (client === null && event.personal === undefined) return null
  const who =
    client === null
      ? {}
      : {
          ip: client.ip,
          userAgent: client.userAgent,
          region: client.location?.region ?? null,
          city: client.location?.city ?? null,
        }
  return { ...who, ...event.personal }
}
