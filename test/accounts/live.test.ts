import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { streamOf } from '../../src/accounts/accounts.ts'
import { openLive } from '../../src/accounts/live.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
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
      accounts: { evict: (id) => void forgotten.accounts.push(id) },
      vault: { evict: (id) => void forgotten.keys.push(id) },
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

  it('tells who follows an account, and nobody else, until they leave', async () => {
    const { follow, append } = setUp()
    const live = follow()
    const [heard, other] = [vi.fn(), vi.fn()]
    const unfollow = live.follow('f', heard)
    live.follow('g', other)
    await append(streamOf('f'), 'user:registered')
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(1))
    expect(other).not.toHaveBeenCalled()
    unfollow()
    await append(streamOf('g'), 'user:registered')
    await vi.waitFor(() => expect(other).toHaveBeenCalledTimes(1))
    expect(heard).toHaveBeenCalledTimes(1)
  })

  it('goes on behind an event that cannot be decoded, and misses none', async () => {
    const { follow, append, forgotten, store } = setUp()
    await append(streamOf('h'), 'user:registered')
    const live = follow()
    const heard = vi.fn()
    live.follow('i', heard)
    await append(streamOf('i'), 'user:registered')
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(1))
    await append(streamOf('broken'), 'user:registered')
    store.corruptEvent(streamOf('broken'), 0n)
    await append(streamOf('j'), 'user:erased')
    await vi.waitFor(() => expect(forgotten.accounts).toStrictEqual(['j']), { timeout: 10_000 })
  })

  it('stops when it is told to', async () => {
    const { follow } = setUp()
    await expect(follow().stop()).resolves.toBeUndefined()
  })
})
