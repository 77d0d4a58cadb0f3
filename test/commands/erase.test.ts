import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { streamOf } from '../../src/accounts/accounts.ts'
import { erase, setLegalHold } from '../../src/commands/erase.ts'
import { logIn } from '../../src/commands/log-in.ts'
import type { Services } from '../../src/commands/services.ts'
import { CONTEXT, openServicesHarness, PASSWORD, type ServicesHarness } from './services-harness.ts'

let harness: ServicesHarness

beforeAll(async () => {
  harness = await openServicesHarness()
})
afterAll(() => harness.close())

const noAnswer = () => ({ status: 202, body: null, secret: false })
const eraseBy = (services: Services, userId: string) =>
  erase(services, { operatorId: 'grace', context: CONTEXT }, userId, noAnswer)

let count = 0
const someEmail = () => `erase-${count++}@example.com`

describe('erasing', () => {
  it('appends the last event, with nothing in it of where the operator sat, and forgets the key at once', async () => {
    const userId = await harness.register(someEmail())
    expect(await harness.vault.dataKey(userId)).not.toBeNull()
    expect(await eraseBy(harness.services, userId)).toMatchObject({ kind: 'accepted', appended: true })
    expect(await harness.vault.dataKey(userId)).toBeNull()
    const events = []
    for await (const event of harness.store.read(streamOf(userId))) events.push(event)
    expect(events.at(-1)).toMatchObject({
      type: 'user:erased',
      data: {},
      metadata: { actor: { kind: 'operator', id: 'grace' }, client: null, commit: null, boxes: { personal: null } },
    })
  })

  it('is done once by two processes at the same moment, and again it is nothing', async () => {
    const userId = await harness.register(someEmail())
    const results = await Promise.all([harness.services, harness.elsewhere].map((each) => eraseBy(each, userId)))
    expect(results.map((result) => result.kind === 'accepted' && result.appended).sort()).toEqual([false, true])
    expect(await eraseBy(harness.services, userId)).toMatchObject({ kind: 'accepted', appended: false })
  })

  it('lets nobody in afterwards', async () => {
    const email = someEmail()
    const userId = await harness.register(email)
    await eraseBy(harness.services, userId)
    const services = { ...harness.elsewhere, throttles: { ...noThrottles } }
    const result = await logIn(services, { email, password: PASSWORD }, CONTEXT)
    expect(result.kind).not.toBe('signedIn')
    expect((await harness.types(userId)).at(-1)).toBe('user:erased')
  })

  it('finds nobody where there is nobody', async () => {
    const rejected = { kind: 'rejected', rejection: { code: 'account-not-found' } }
    expect(await eraseBy(harness.services, randomUUID())).toEqual(rejected)
  })
})

const noThrottles: Services['throttles'] = {
  standing: async () => ({ failures: 0, lockedUntil: 0 }),
  fail: async () => ({ failures: 0, lockedUntil: 0 }),
  forget: async () => {},
}

describe('a legal hold', () => {
  it('keeps from being erased until it is lifted', async () => {
    const userId = await harness.register(someEmail())
    expect(await setLegalHold(harness.services, userId, true)).toBe(true)
    expect(await eraseBy(harness.elsewhere, userId)).toEqual({ kind: 'rejected', rejection: { code: 'legal-hold' } })
    expect(await harness.types(userId)).toEqual(['user:registered'])
    expect(await setLegalHold(harness.elsewhere, userId, false)).toBe(true)
    expect(await eraseBy(harness.services, userId)).toMatchObject({ kind: 'accepted', appended: true })
  })

  it('set while somebody erases either prevents that or is told that it came too late', async () => {
    for (let round = 0; round < 12; round += 1) {
      const userId = await harness.register(someEmail())
      const both = [
        () => eraseBy(harness.services, userId),
        () => setLegalHold(harness.elsewhere, userId, true),
      ] as const
      const [first, second] = round % 2 === 0 ? [both[0](), both[1]()] : [both[1](), both[0]()].reverse()
      const [erased, isHeld] = await Promise.all([first, second])
      const isErased = typeof erased === 'object' && erased.kind === 'accepted'
      expect(isHeld).toBe(!isErased)
      expect((await harness.types(userId)).includes('user:erased')).toBe(isErased)
    }
  })

  it('of who is gone, or never was, cannot be set', async () => {
    const userId = await harness.register(someEmail())
    await eraseBy(harness.services, userId)
    expect(await setLegalHold(harness.elsewhere, userId, true)).toBe(false)
    expect(await setLegalHold(harness.services, randomUUID(), true)).toBe(false)
  })
})
