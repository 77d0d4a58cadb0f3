import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Command } from '../../src/account/commands.ts'
import type { NewAccountEvent } from '../../src/account/events.ts'
import type { CommandRequest } from '../../src/commands/command-bus.ts'
import { InvalidAppend, StoreUnavailable } from '../../src/event-store/port.ts'
import { commandId, eventId, sessionId } from '../account/given.ts'
import { aSecret, by, changePassword, logInWith, revoke, revokeOthers, signInData } from '../account/stories.ts'
import { type BusHarness, CONTEXT, openBusHarness, USER } from './bus-harness.ts'

const registration: NewAccountEvent = {
  type: 'user:registered',
  data: {},
  personal: { email: 'ada@example.com', name: 'Ada' },
  credential: { passwordHash: aSecret('hash') },
}
const logIn = (n: number): NewAccountEvent => ({
  type: 'user:logged_in',
  data: signInData(n),
  credential: { tokenHash: aSecret('token hash') },
})
const revocation = (n: number): NewAccountEvent => ({
  type: 'user.session:revoked',
  data: { sessionId: sessionId(n), by: 'owner' },
})

const request = (command: Command, more: Partial<CommandRequest> = {}): CommandRequest => ({
  userId: USER,
  context: CONTEXT,
  establish: () => command,
  ...more,
})

/** A password checked against whatever is the current one when it is asked for. */
const logInRequest = (n: number): CommandRequest & { readonly established: string[] } => {
  const established: string[] = []
  return {
    ...request(revoke(by(1), 2)),
    established,
    establish: ({ state }) => {
      const passwordEventId = state.password?.eventId ?? eventId(0)
      established.push(passwordEventId)
      return logInWith('passwordMatched', { passwordEventId, session: n })
    },
  }
}

const registered = async (): Promise<BusHarness> => {
  const harness = openBusHarness()
  await harness.append(registration, logIn(1), logIn(2), logIn(3))
  return harness
}

afterEach(() => void vi.useRealTimers())

describe('a command', () => {
  it('is appended at the revision it was decided at, and answered with its position', async () => {
    const { bus, store, history } = await registered()
    const result = await bus.run(request(revoke(by(1), 2)))
    expect(result).toStrictEqual({ kind: 'accepted', outcome: { kind: 'done' }, position: 5n, appended: true })
    expect(store.attempts.map(({ expected }) => expected)).toStrictEqual([3n])
    expect((await history()).at(-1)).toMatchObject({ type: 'user.session:revoked', revision: 4n })
  })

  it('begins a stream that must not be there yet', async () => {
    const { bus, store } = openBusHarness()
    const register: Command = {
      kind: 'register',
      email: 'ada@example.com',
      name: null,
      passwordHash: aSecret('hash'),
    }
    expect(await bus.run(request(register))).toMatchObject({ kind: 'accepted', position: 1n })
    expect(store.attempts[0]?.expected).toBe('none')
    expect(await bus.run(request(register))).toStrictEqual({
      kind: 'rejected',
      rejection: { code: 'email-taken' },
    })
  })

  it('that leads to nothing appends nothing, and rests on the last event there is', async () => {
    const { bus, store, append } = await registered()
    await append(revocation(2))
    expect(await bus.run(request(revoke(by(1), 2)))).toStrictEqual({
      kind: 'accepted',
      outcome: { kind: 'done' },
      position: 5n,
      appended: false,
    })
    expect(store.attempts).toStrictEqual([])
  })

  it('that is rejected appends nothing', async () => {
    const { bus, store } = await registered()
    expect(await bus.run(request(revoke(by(1), 77)))).toStrictEqual({
      kind: 'rejected',
      rejection: { code: 'session-not-found' },
    })
    expect(store.attempts).toStrictEqual([])
  })

  it('is told of once its events are in the store, and not before', async () => {
    const { bus, store } = await registered()
    let stored = (): void => {}
    store.before.push(
      () =>
        new Promise((resolve) => {
          stored = resolve
        }),
    )
    let told = false
    const running = bus.run(request(revoke(by(1), 2))).then((result) => {
      told = true
      return result
    })
    await vi.waitFor(() => expect(store.attempts).toHaveLength(1))
    for (let i = 0; i < 10; i++) await turn()
    expect(told).toBe(false)
    stored()
    expect((await running).kind).toBe('accepted')
  })

  it('does not hide an error that is nobody else’s doing', async () => {
    const { bus, store } = await registered()
    store.before.push(() => Promise.reject(new InvalidAppend('a bug')))
    await expect(bus.run(request(revoke(by(1), 2)))).rejects.toThrow(InvalidAppend)
    expect(store.attempts).toHaveLength(1)
  })
})

describe('where another process was faster', () => {
  it('the command is decided anew on the fresh state, and appended behind it', async () => {
    const { bus, store, append, types } = await registered()
    store.before.push(async () => void (await append(revocation(3))))
    const result = await bus.run(request(revokeOthers(by(1))))
    expect(result).toMatchObject({ kind: 'accepted', outcome: { kind: 'revoked', count: 1 } })
    expect(store.attempts.map(({ expected, events }) => [expected, events.length])).toStrictEqual([
      [3n, 3],
      [4n, 2],
    ])
    expect((await types()).slice(4)).toStrictEqual([
      'user.session:revoked',
      'user.session:revoked',
      'user.session:others_revoked',
    ])
  })

  it('the command may have become superfluous: two revokes at once leave one event', async () => {
    const { bus, store, append, types } = await registered()
    store.before.push(async () => void (await append(revocation(2))))
    expect(await bus.run(request(revoke(by(1), 2)))).toStrictEqual({
      kind: 'accepted',
      outcome: { kind: 'done' },
      position: 5n,
      appended: false,
    })
    expect((await types()).filter((type) => type === 'user.session:revoked')).toHaveLength(1)
  })

  it('the command is refused where its own session was revoked: it appends nothing', async () => {
    const { bus, store, append, types } = await registered()
    store.before.push(async () => void (await append(revocation(1))))
    expect(await bus.run(request(revoke(by(1), 2)))).toStrictEqual({
      kind: 'rejected',
      rejection: { code: 'session-ended', reason: 'revoked' },
    })
    expect((await types()).slice(4)).toStrictEqual(['user.session:revoked'])
  })

  it('the facts are established again where they no longer hold: the old password does not sign in', async () => {
    const { bus, store, append } = await registered()
    const changed: NewAccountEvent = {
      type: 'user.password:changed',
      data: { by: 'owner', rotated: { sessionId: sessionId(1), generation: 1 } },
      credential: { passwordHash: aSecret('new hash'), tokenHash: aSecret('new token hash') },
    }
    let changeId: string | undefined
    store.before.push(async () => {
      const [id] = await append(changed)
      changeId = id
    })
    const login = logInRequest(9)
    expect(await bus.run(login)).toMatchObject({ kind: 'accepted', outcome: { kind: 'signedIn' } })
    expect(login.established).toHaveLength(2)
    expect(login.established[1]).toBe(changeId)
  })

  it('again and again, patience ends: the store counts as unavailable, and nothing was appended', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    const { bus, store, append, types } = await registered()
    for (let n = 0; n < 2_000; n++)
      store.before.push(async () => void (await append(logIn(100 + n), revocation(100 + n))))
    const running = bus.run(request(revoke(by(1), 2))).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(20_000)
    const error = await running
    expect(error).toBeInstanceOf(StoreUnavailable)
    expect((error as StoreUnavailable).outcome).toBe('notCommitted')
    expect((await types()).filter((type) => type === 'user.session:revoked')).toHaveLength(store.attempts.length)
  })
})

describe('where facts are stale', () => {
  it('they are established until they are fresh, against the account as it is by then', async () => {
    const { bus, history } = await registered()
    const registeredId = (await history())[0]?.id ?? ''
    const stale = [eventId(77), eventId(78)]
    const seen: (string | undefined)[] = []
    const result = await bus.run({
      ...request(revoke(by(1), 2)),
      establish: ({ state }) => {
        seen.push(state.password?.eventId)
        return logInWith('passwordMatched', { passwordEventId: stale.shift() ?? registeredId, session: 9 })
      },
    })
    expect(result).toMatchObject({ kind: 'accepted', outcome: { kind: 'signedIn', sessionId: sessionId(9) } })
    expect(seen).toStrictEqual([registeredId, registeredId, registeredId])
  })

  it('for ever, patience ends, and nobody outside hears of facts', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    const { bus, store } = await registered()
    const running = bus.run(request(changePassword(by(1), { passwordEvent: 99 }))).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await running).toBeInstanceOf(StoreUnavailable)
    expect(store.attempts).toStrictEqual([])
  })
})

describe('where the answer of the store was lost', () => {
  it('the same events are sent again, with their ids and their revision, and lie there once', async () => {
    const { bus, store, types } = await registered()
    store.failNextAppend('unknown')
    const result = await bus.run(logInRequest(9))
    expect(result).toMatchObject({ kind: 'accepted', appended: true, position: 5n })
    expect(store.attempts).toHaveLength(2)
    expect(store.attempts[1]).toStrictEqual(store.attempts[0])
    expect((await types()).filter((type) => type === 'user:logged_in')).toHaveLength(4)
  })

  it('it is found where others have appended since', async () => {
    const { bus, store, append, types } = await registered()
    store.failNextAppend('unknown')
    store.before.push(
      async () => {},
      async () => void (await append(logIn(50))),
    )
    expect(await bus.run(request(revoke(by(1), 2)))).toMatchObject({ kind: 'accepted', position: 5n })
    expect((await types()).slice(4)).toStrictEqual(['user.session:revoked', 'user:logged_in'])
  })

  it('and the store is away for a while, it is asked again when it is back', async () => {
    const { bus, store, types } = await registered()
    store.failNextAppend('unknown')
    store.before.push(
      async () => {},
      async () => store.setAvailable(false),
      async () => store.setAvailable(true),
    )
    expect(await bus.run(logInRequest(9))).toMatchObject({ kind: 'accepted', appended: true })
    expect((await types()).filter((type) => type === 'user:logged_in')).toHaveLength(4)
  })

  it('and does not come in time, the caller hears that nothing is known', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    const { bus, store } = await registered()
    store.failNextAppend('unknown')
    store.before.push(
      async () => {},
      async () => store.setAvailable(false),
    )
    const running = bus.run(logInRequest(9)).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(20_000)
    const error = await running
    expect(error).toBeInstanceOf(StoreUnavailable)
    expect((error as StoreUnavailable).outcome).toBe('unknown')
    expect(new Set(store.attempts.map(({ events }) => events[0].id)).size).toBe(1)
  })
})

describe('where the store is away', () => {
  it('the caller hears it at once: nothing was appended, and nothing is told', async () => {
    const { bus, store, types } = await registered()
    store.failNextAppend('notCommitted')
    const error = await bus.run(logInRequest(9)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StoreUnavailable)
    expect((error as StoreUnavailable).outcome).toBe('notCommitted')
    expect((await types()).filter((type) => type === 'user:logged_in')).toHaveLength(3)
  })

  it('the next command passes once it is back', async () => {
    const { bus, store } = await registered()
    store.setAvailable(false)
    await expect(bus.run(logInRequest(9))).rejects.toThrow(StoreUnavailable)
    store.setAvailable(true)
    expect(await bus.run(logInRequest(9))).toMatchObject({ kind: 'accepted' })
  })
})

describe('a person whose key was erased', () => {
  it('gets nothing written any more', async () => {
    const { bus, store, eraseKey } = await registered()
    eraseKey()
    await expect(bus.run(request(revoke(by(1), 2)))).rejects.toThrow(StoreUnavailable)
    expect(store.attempts).toStrictEqual([])
  })
})

describe('commands of one user in one process', () => {
  it('do not conflict with each other', async () => {
    const { bus, store, types } = await registered()
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => bus.run(logInRequest(10 + n))))
    for (const result of results) expect(result).toMatchObject({ kind: 'accepted', appended: true })
    expect(store.attempts).toHaveLength(20)
    expect((await types()).filter((type) => type === 'user:logged_in')).toHaveLength(23)
  })

  it('lead to one event where they ask for the same', async () => {
    const { bus, types } = await registered()
    await Promise.all(Array.from({ length: 10 }, () => bus.run(request(revoke(by(1), 2)))))
    expect((await types()).filter((type) => type === 'user.session:revoked')).toHaveLength(1)
  })
})

describe('a command under an Idempotency-Key', () => {
  const repeat = {
    commandId: commandId(7),
    bodyHash: 'hash of the body',
    answer: () => ({ status: 204, body: null, secret: false }),
  }
  const keyed = (n: number, more: Partial<typeof repeat> = {}) =>
    request(revoke(by(1), n), { repeat: { ...repeat, ...more } })

  it('checks no secret for a key that is used up: else a thief of the session could guess without being counted', async () => {
    const { bus } = await registered()
    await bus.run(keyed(2))
    const establish = vi.fn(() => revoke(by(1), 3))
    const guess = (bodyHash: string) => bus.run({ ...keyed(3, { bodyHash }), by: by(1), establish })
    expect(await guess('another body')).toStrictEqual({
      kind: 'rejected',
      rejection: { code: 'idempotency-mismatch' },
    })
    expect(await guess(repeat.bodyHash)).toMatchObject({ kind: 'repeated' })
    expect(establish).not.toHaveBeenCalled()
  })

  it('checks no secret for a session that may not act', async () => {
    const { bus, append } = await registered()
    await append(revocation(1))
    const establish = vi.fn(() => revoke(by(1), 2))
    expect(await bus.run({ ...request(revoke(by(1), 2)), by: by(1), establish })).toMatchObject({ kind: 'rejected' })
    expect(establish).not.toHaveBeenCalled()
  })

  it('leaves its answer with the first of its events', async () => {
    const { bus, history } = await registered()
    await bus.run(
      request(revokeOthers(by(1)), {
        repeat: {
          ...repeat,
          answer: (outcome) => ({
            status: 200,
            body: { revoked: outcome.kind === 'revoked' ? outcome.count : -1 },
            secret: false,
          }),
        },
      }),
    )
    const appended = (await history()).slice(4)
    expect(appended.map(({ metadata }) => metadata.commandId)).toStrictEqual(Array(3).fill(repeat.commandId))
    expect(appended.map(({ metadata }) => metadata.idempotency)).toStrictEqual([
      { bodyHash: 'hash of the body', status: 200, body: { revoked: 2 }, secret: false },
      undefined,
      undefined,
    ])
  })

  it('is carried out once, and answered alike each time, at the position of the last event', async () => {
    const { bus, store, append } = await registered()
    expect(await bus.run(keyed(2))).toMatchObject({ kind: 'accepted', position: 5n })
    await append(logIn(50))
    expect(await bus.run(keyed(2))).toStrictEqual({
      kind: 'repeated',
      idempotency: { bodyHash: 'hash of the body', status: 204, body: null, secret: false },
      position: 6n,
    })
    expect(store.attempts).toHaveLength(1)
  })

  it('is carried out once however many come at once', async () => {
    const { bus, store } = await registered()
    const results = await Promise.all(Array.from({ length: 8 }, () => bus.run(keyed(2))))
    expect(results.filter(({ kind }) => kind === 'accepted')).toHaveLength(1)
    expect(results.filter(({ kind }) => kind === 'repeated')).toHaveLength(7)
    expect(store.attempts).toHaveLength(1)
  })

  it('is refused with another body', async () => {
    const { bus } = await registered()
    await bus.run(keyed(2))
    expect(await bus.run(keyed(3, { bodyHash: 'hash of another body' }))).toStrictEqual({
      kind: 'rejected',
      rejection: { code: 'idempotency-mismatch' },
    })
  })
})
