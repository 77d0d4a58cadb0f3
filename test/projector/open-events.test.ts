import { describe, expect, it, vi } from 'vitest'
import { UnreadableEvent } from '../../src/account/upcast.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { isForNewer, openForProjections } from '../../src/projector/open-events.ts'
import type { Vault } from '../../src/secrets/vault.ts'
import { errorOf } from '../event-store/helpers.ts'

/** Of an account, and nothing that could be read. */
const damaged = (type: string): RecordedEvent => ({
  id: '0a000000-0000-4000-8000-000000000001',
  stream: 'user-0a000000-0000-4000-8000-000000000002',
  revision: 0n,
  position: 1n,
  recordedAt: new Date(0),
  type,
  data: {},
  metadata: {},
})

/** Nobody is to be asked for a key. */
const vault = {} as Vault
const reading = async (decode: typeof open, type: string) => decode(damaged(type))
const open = openForProjections(vault)({ handles: ['user:logged_in'] })

describe('an event on its way into a projection that names the types it handles', () => {
  it('is not even read where it is of another type', () => {
    expect(open(damaged('user:logged_out'))).toBeNull()
  })

  it('is read where it is of a handled type', async () => {
    expect(await errorOf(reading(open, 'user:logged_in'))).toBeInstanceOf(UnreadableEvent)
  })

  it('is told apart where its type is of a newer release, which may concern the projection', async () => {
    const error = await errorOf(reading(open, 'user:teleported'))
    expect(isForNewer(error)).toBe(true)
  })

  it('is read whatever its type where the projection names none', async () => {
    const all = openForProjections(vault)()
    expect(await errorOf(reading(all, 'user:logged_out'))).toBeInstanceOf(UnreadableEvent)
  })
})

describe('an event that several projections are handed', () => {
  const stored = { ...damaged('user:logged_in'), ...readable() }

  it('is opened once for all of them', async () => {
    const keys = vi.fn(async () => new Map<string, Buffer>())
    const decodeFor = openForProjections({ heldKey: () => undefined, dataKeys: keys } as unknown as Vault)
    const opened = await Promise.all([decodeFor()(stored), decodeFor({ handles: ['user:logged_in'] })(stored)])
    expect(opened[0]).toBe(opened[1])
    expect(await decodeFor()(stored)).toBe(opened[0])
    expect(keys).toHaveBeenCalledTimes(1)
    expect(opened[0]).toMatchObject({ personal: 'erased' })
  })

  it('is opened anew where that failed', async () => {
    const keys = vi.fn(async () => new Map<string, Buffer>()).mockRejectedValueOnce(new Error('away'))
    const decode = openForProjections({ heldKey: () => undefined, dataKeys: keys } as unknown as Vault)()
    expect(await errorOf((async () => decode(stored))())).toEqual(new Error('away'))
    expect(await decode(stored)).toMatchObject({ personal: 'erased' })
  })
})

function readable(): Pick<RecordedEvent, 'data' | 'metadata'> {
  const id = '0a000000-0000-4000-8000-000000000003'
  return {
    data: { sessionId: id, method: 'password', challengeId: null, step: null, unfamiliar: [] },
    metadata: {
      schemaVersion: 2,
      ...{ commandId: id, correlationId: id, causationId: null, occurredAt: '2026-03-01T10:20:30.456Z' },
      ...{ actor: { kind: 'anonymous', id: null }, sessionId: id, sessionHash: 'ab', client: null },
      boxes: { personal: 'v1.sealed', credential: null },
      commit: 'cd',
    },
  }
}
