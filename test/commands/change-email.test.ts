/** The look-up of addresses follows the events, whatever happens in between. Over HTTP: test/security/profile.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { confirmEmailChange } from '../../src/commands/change-email.ts'
import { CONTEXT, openServicesHarness, type ServicesHarness } from './services-harness.ts'

let harness: ServicesHarness
let counter = 0

beforeAll(async () => {
  harness = await openServicesHarness()
})
afterAll(() => harness.close())

interface Mover {
  readonly userId: string
  readonly oldEmail: string
  readonly newEmail: string
  readonly link: Readonly<Record<'old' | 'new', string>>
}

const mover = async (newEmail = `new-${counter}@example.com`): Promise<Mover> => {
  const oldEmail = `old-${counter++}@example.com`
  const userId = await harness.register(oldEmail)
  await signInAndAsk(userId, newEmail)
  const linkOf = (mailbox: 'old' | 'new') => harness.link(userId, 'user.email:change_requested', `email-${mailbox}`)
  return { userId, oldEmail, newEmail, link: { old: await linkOf('old'), new: await linkOf('new') } }
}

const signInAndAsk = async (userId: string, email: string): Promise<void> => {
  const { bus } = harness.services
  const context = { ...CONTEXT, actor: { kind: 'user', id: userId }, sessionId: null } as const
  const sessionId = `5e000000-0000-4000-8000-${String(counter).padStart(12, '0')}`
  const matched = (passwordEventId: string | null) => ({ kind: 'passwordMatched', passwordEventId }) as const
  await bus.run({
    userId,
    context,
    establish: ({ state }) => ({
      kind: 'logIn',
      fact: matched(state.password?.eventId ?? null),
      sessionId,
      tokenHash: 'hash' as never,
      client: null,
    }),
  })
  await bus.run({
    userId,
    context,
    establish: ({ state }) => ({
      kind: 'requestEmailChange',
      by: { sessionId, generation: 0 },
      fact: matched(state.password?.eventId ?? null),
      email,
    }),
  })
}

const confirm = (token: string, services = harness.services) => confirmEmailChange(services, token, CONTEXT)

const holderOf = (email: string): Promise<string | null> => harness.vault.findUser(harness.vault.lookupOf(email))

const expectMoved = async ({ userId, oldEmail, newEmail }: Mover): Promise<void> => {
  expect(await holderOf(newEmail)).toBe(userId)
  expect(await holderOf(oldEmail)).toBeNull()
  expect((await harness.types(userId)).filter((type) => type === 'user.email:changed')).toHaveLength(1)
}

describe('two processes', () => {
  it('that confirm both mailboxes between each other’s check and append file the address before it is theirs', async () => {
    const person = await mover()
    harness.store.before.push(async () => {
      expect(await confirm(person.link.new, harness.elsewhere)).toMatchObject({ outcome: { kind: 'halfConfirmed' } })
      harness.store.before.push(async () => expect(await holderOf(person.newEmail)).toBe(person.userId))
    })
    expect(await confirm(person.link.old)).toMatchObject({ kind: 'accepted', outcome: { kind: 'done' } })
    await expectMoved(person)
  })

  it('one of which repeats a used link while the other is about to append do not lose the new address', async () => {
    const person = await mover()
    await confirm(person.link.old)
    harness.store.before.push(async () => {
      expect(await holderOf(person.newEmail)).toBe(person.userId)
      expect(await confirm(person.link.old, harness.elsewhere)).toMatchObject({ rejection: { code: 'token-invalid' } })
      expect(await holderOf(person.newEmail)).toBe(person.userId)
    })
    expect(await confirm(person.link.new)).toMatchObject({ outcome: { kind: 'done' } })
    await expectMoved(person)
  })
})

describe('the new address', () => {
  it('is held for nobody before both mailboxes have confirmed', async () => {
    const person = await mover()
    await confirm(person.link.old)
    expect(await holderOf(person.newEmail)).toBeNull()
    const other = await mover()
    await confirm(other.link.new)
    expect(await holderOf(other.newEmail)).toBeNull()
  })

  it('that somebody else has by then is refused, and stays theirs; free again, the link works', async () => {
    const person = await mover()
    await confirm(person.link.old)
    const stranger = await harness.vault.claim(harness.vault.lookupOf(person.newEmail))
    expect(await confirm(person.link.new)).toMatchObject({ rejection: { code: 'token-invalid' } })
    expect(await holderOf(person.newEmail)).toBe(stranger.userId)
    expect(await holderOf(person.oldEmail)).toBe(person.userId)
    await harness.vault.claimAnother(stranger.userId, harness.vault.lookupOf('moved-away@example.com'))
    await harness.vault.keepOnly(stranger.userId, harness.vault.lookupOf('moved-away@example.com'))
    expect(await confirm(person.link.new)).toMatchObject({ outcome: { kind: 'done' } })
    await expectMoved(person)
  })
})
