/**
 * Whoever reads or exports other people's history is in the history: an event in the stream of the access token, in the
 * store before the first row is read.
 */
import { createHmac, randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { v5 as uuidv5 } from 'uuid'
import { ACCESS_VERSION, type AccessData, type AccessFilter, type AccessType } from '../account/access-events.ts'
import { type EventStore, type NewEvent, WrongExpectedRevision } from '../event-store/port.ts'
import type { Vault } from '../secrets/vault.ts'

export interface Accessor {
  /** null: who works at the machine itself, and needs no token. */
  readonly tokenId: string | null
  readonly correlationId: string
}

export interface AccessRecorder {
  /** Once for the same token and filter in an hour. Throws StoreUnavailable. */
  accessed(who: Accessor, wish: { readonly filter: WholeFilter; readonly userId: string | null }): Promise<void>
  /** Each time. Throws StoreUnavailable. */
  exported(
    who: Accessor,
    wish: Omit<AccessData<'audit:exported'>, 'filter'> & { readonly filter: WholeFilter },
  ): Promise<void>
}

/** As asked for, the IP address in full: it is not recorded. */
export type WholeFilter = Omit<AccessFilter, 'ip'> & { readonly ip?: string | undefined }

const HOUR_MS = 3_600_000
const REMEMBERED = 10_000
const ATTEMPTS = 20
const NAMESPACE = '6f1f3c1e-6b0b-4d0e-9a53-0f8f2f6d9c11'

export const openAccessRecorder = ({
  store,
  vault,
  now,
}: {
  readonly store: Pick<EventStore, 'read' | 'append'>
  readonly vault: Pick<Vault, 'key'>
  readonly now: () => number
}): AccessRecorder => {
  /** Ids of events that are known to be in the store. */
  const recorded = new LRUCache<string, true>({ max: REMEMBERED })

  /** Where another process appends to the same stream meanwhile, it is tried again behind that. */
  const append = async (who: Accessor, event: NewEvent, since: number): Promise<void> => {
    const stream = streamOfAccessor(who)
    for (let attempt = 1; ; attempt++) {
      const { revision, found } = await lookBack(store, stream, event.id, since)
      if (found) return
      try {
        await store.append(stream, [event], revision)
        return
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision) || attempt === ATTEMPTS) throw error
      }
    }
  }

  return {
    async accessed(who, { filter, userId }) {
      const at = now()
      const hour = at - (at % HOUR_MS)
      const filterHash = createHmac('sha256', vault.key('request-hash'))
        .update(`audit filter\n${JSON.stringify(Object.entries(filter).sort())}`)
        .digest('base64url')
      const id = uuidv5(`${who.tokenId} ${filterHash} ${hour}`, NAMESPACE)
      if (recorded.has(id)) return
      const data = { filter: shown(filter), userId, hour: new Date(hour).toISOString(), filterHash }
      await append(who, eventOf('audit:accessed', id, data, who, at), hour)
      recorded.set(id, true)
    },
    async exported(who, { filter, ...wish }) {
      const at = now()
      const data = { ...wish, filter: shown(filter) }
      await append(who, eventOf('audit:exported', randomUUID(), data, who, at), at)
    },
  }
}

export const streamOfAccessor = ({ tokenId }: Pick<Accessor, 'tokenId'>): string => `access-${tokenId ?? 'operator'}`

const shown = ({ ip, ...rest }: WholeFilter): AccessFilter => (ip === undefined ? rest : { ...rest, ip: 'given' })

const eventOf = <T extends AccessType>(
  type: T,
  id: string,
  data: AccessData<T>,
  { tokenId, correlationId }: Accessor,
  at: number,
): NewEvent => ({
  id,
  type,
  // JSON knows no undefined: what is left out is left out.
  data: JSON.parse(JSON.stringify(data)),
  metadata: {
    schemaVersion: ACCESS_VERSION,
    commandId: id,
    correlationId,
    causationId: null,
    occurredAt: new Date(at).toISOString(),
    actor: { kind: 'operator', id: tokenId },
    sessionId: null,
    sessionHash: null,
    client: null,
    commit: null,
    boxes: { personal: null, credential: null },
  },
})

/** The end of the stream, and whether the event is among those of this hour, which are its last. */
const lookBack = async (store: Pick<EventStore, 'read'>, stream: string, id: string, since: number) => {
  let revision: 'none' | bigint = 'none'
  for await (const event of store.read(stream, { backwards: true })) {
    if (revision === 'none') revision = event.revision
    if (event.id === id) return { revision, found: true }
    const { occurredAt } = event.metadata
    if (typeof occurredAt !== 'string' || Date.parse(occurredAt) < since - CLOCKS_APART_MS) break
  }
  return { revision, found: false }
}

/** Of two processes. */
const CLOCKS_APART_MS = 60_000
