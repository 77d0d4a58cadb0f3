import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { streamOf } from '../../src/accounts/accounts.ts'
import { openLive } from '../../src/accounts/live.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { Vault } from '../../src/secrets/vault.ts'
import { someEvent } from './held-store.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

const setUp = () => {
  const store = new MemoryEventStore()
  const forgotten = { accounts: [] as string[], keys: [] as string[] }
  const follow = () => {
    const following = openLive({
      store,
      accounts: {
        load: () => Promise.reject(new Error('nobody loads')),
        evict: (id) => void forgotten.accounts.push(id),
      },
      vault: { evict: (id: string) => void forgotten.keys.push(id) } as unknown as Vault,
      log: pino({ level: 'silent' }),
    })
    stops.push(() => following.stop())
    return following
  }
  const append = (stream: string, type: string) =>
    store.append(stream, [someEvent(randomUUID(), type, {}, '2026-03-01T12:00:00.000Z')], 'none')
  return { store, follow, append, forgotten }
}

describe('a process that listens', () => {
  it('forgets a person who was erased by another one: the account and the key', async () => {
    const { follow, append, forgotten } = setUp()
    follow()
    await append(streamOf('a'), 'user:registered')
    await append(streamOf('b'), 'user:erased')
    await vi.waitFor(() => expect(forgotten).toStrictEqual({ accounts: ['b'], keys: ['b'] }))
  })

  it('heeds no other stream and no other event', async () => {
    const { follow, append, forgotten } = setUp()
    follow()
    await append('access-1', 'user:erased')
    await append(streamOf('c'), 'user:logged_out')
    await append(streamOf('d'), 'user:erased')
    await vi.waitFor(() => expect(forgotten.accounts).toStrictEqual(['d']))
  })

  it('does not go through the past: what was erased before it began was never in its memory', async () => {
    const { follow, append, forgotten } = setUp()
    await append(streamOf('long-gone'), 'user:erased')
    follow()
    await append(streamOf('now'), 'user:erased')
    await vi.waitFor(() => expect(forgotten.accounts).toStrictEqual(['now']))
  })

  it('listens again where its subscription broke', async () => {
    const { follow, append, forgotten, store } = setUp()
    const subscribe = vi.spyOn(store, 'subscribe').mockImplementationOnce(() => {
      throw new Error('the store refuses')
    })
    follow()
    await vi.waitFor(() => expect(subscribe).toHaveBeenCalledTimes(2), { timeout: 10_000 })
    await append(streamOf('e'), 'user:erased')
    await vi.waitFor(() => expect(forgotten.accounts).toStrictEqual(['e']))
  })

  it('stops when it is told to', async () => {
    const { follow } = setUp()
    await expect(follow().stop()).resolves.toBeUndefined()
  })
})
