/** Commands over the store in memory and a real vault; hashes are cheap, and counted. */
import { randomUUID } from 'node:crypto'
import type { Secret } from '../../src/account/events.ts'
import { openAccounts, streamOf } from '../../src/accounts/accounts.ts'
import { openAdmission } from '../../src/commands/admission.ts'
import { openCommandBus } from '../../src/commands/command-bus.ts'
import { openKeyedQueue } from '../../src/commands/keyed-queue.ts'
import type { CommandContext } from '../../src/commands/seal-events.ts'
import type { Services } from '../../src/commands/services.ts'
import { type LinkPurpose, makeToken } from '../../src/mailer/link-tokens.ts'
import { openPasswordHasher } from '../../src/secrets/password-hashing.ts'
import { openVault, type Vault } from '../../src/secrets/vault.ts'
import { LIMITS, START } from '../account/given.ts'
import { masterKeyOf, openVaultDatabase } from '../secrets/vault-database.ts'
import { FaultyStore } from './bus-harness.ts'

export const CONTEXT: Omit<CommandContext, 'actor' | 'sessionId'> = { correlationId: randomUUID(), client: null }
export const PASSWORD = 'seven purple lanterns hum'

export interface ServicesHarness {
  readonly store: FaultyStore
  readonly vault: Vault
  readonly services: Services
  /** The same installation as another process has it. */
  readonly elsewhere: Services
  /** Hashes made and compared so far. */
  hashes(): number
  setNow(now: number): void
  /** A new account with PASSWORD. */
  register(email: string): Promise<string>
  /** The token of a mail about the newest event of this type. */
  link(userId: string, type: string, purpose: LinkPurpose): Promise<string>
  types(userId: string): Promise<readonly string[]>
  close(): Promise<void>
}

export const openServicesHarness = async (): Promise<ServicesHarness> => {
  const database = await openVaultDatabase()
  const vault = await openVault(database.db, masterKeyOf(1))
  const store = new FaultyStore()
  const hasher = openPasswordHasher({ logN: 8, r: 1, p: 1, queueLimit: 64 })
  let hashes = 0
  let time = START
  const now = () => time

  const openServices = (): Services => {
    const accounts = openAccounts(store)
    const sessionHash = (id: string) => `hash of ${id}`
    const bus = openCommandBus({ store, accounts, vault, sessionHash, queue: openKeyedQueue(), limits: LIMITS, now })
    return {
      accounts,
      admission: openAdmission(),
      bus,
      hasher: {
        ...hasher,
        hash(password) {
          hashes += 1
          return hasher.hash(password)
        },
        verify(hash, password) {
          hashes += 1
          return hasher.verify(hash, password)
        },
      },
      vault,
      limits: LIMITS,
      passwordPolicy: 'default',
      session: { idleMs: LIMITS.sessionAbsoluteMs },
      now,
      activity: unused('activity'),
      throttles: unused('throttles'),
    }
  }
  const services = openServices()

  const history = async (userId: string) => {
    const events = []
    for await (const event of store.read(streamOf(userId))) events.push(event)
    return events
  }

  return {
    store,
    vault,
    services,
    elsewhere: openServices(),
    hashes: () => hashes,
    setNow: (next) => {
      time = next
    },
    async register(email) {
      const { userId } = await vault.claim(vault.lookupOf(email))
      const passwordHash = (await hasher.hash(PASSWORD)) as Secret
      const context = { ...CONTEXT, actor: { kind: 'user', id: userId }, sessionId: null } as const
      await services.bus.run({
        userId,
        context,
        establish: () => ({ kind: 'register', email, name: null, passwordHash }),
      })
      return userId
    },
    async link(userId, type, purpose) {
      const event = (await history(userId)).findLast((each) => each.type === type)
      if (event === undefined) throw new Error(`there is no ${type}`)
      return makeToken(vault.key('links'), purpose, { userId, eventId: event.id, at: now() })
    },
    types: async (userId) => (await history(userId)).map(({ type }) => type),
    close: () => database.close(),
  }
}

const unused = <T extends object>(name: string): T =>
  new Proxy({} as T, {
    get: () => {
      throw new Error(`${name} is not part of this`)
    },
  })
