/** Makes a history up in an installation: for a demonstration, a benchmark, or to try a rebuild on. */
import type { Kysely } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { Secret } from '../../src/account/events.ts'
import { openClientContext } from '../../src/client-context/client-context.ts'
import type { Config } from '../../src/config.ts'
import type { EventStore } from '../../src/event-store/port.ts'
import type { Database } from '../../src/platform/database.ts'
import { openPasswordHasher } from '../../src/secrets/password-hashing.ts'
import { openSessionHash, type SessionHash } from '../../src/secrets/session-hash.ts'
import type { Vault } from '../../src/secrets/vault.ts'
import { appendHistory } from './append.ts'
import type { Character, Story } from './character.ts'
import { resolveClients } from './clients.ts'
import { type HistoryOptions, historyOf } from './history.ts'
import { personOf } from './people.ts'
import { DAY } from './time.ts'

export interface Wish {
  readonly seed: number
  readonly users: number
  readonly events: number
  /** Where the story ends. Milliseconds since 1970. */
  readonly until: number
}

/** There are people with these addresses already. The message is a sentence for whoever runs it. */
export class AlreadySeeded extends Error {
  override readonly name = 'AlreadySeeded'
}

/** Somebody of the story, who can sign in. */
export interface Acquaintance {
  readonly userId: string
  readonly email: string
  readonly password: string
  /** Base32, where a code is asked for too. */
  readonly totpSecret?: string
}

export interface Seeded {
  readonly events: number
  readonly from: string
  readonly until: string
  readonly people: readonly Acquaintance[]
}

export interface SeedDependencies {
  readonly config: Pick<Config, 'hashing' | 'limits' | 'session'>
  readonly db: Kysely<Database>
  readonly vault: Vault
  readonly store: EventStore
  readonly log: Logger
}

/** The passwords of a story; the texts are no secret. Everybody begins with the first. */
const PASSWORDS = ['one', 'two', 'three', 'four', 'five'].map((number) => `quiet harbour ${number} lanterns`)
const TOTP_SECRET = 'STRNGRMSEEDSTRNGRMSEEDSTRNGRMSEE'
const ACQUAINTANCES = 7
const WITH_FACTOR = 3
/** So many events are an account's in a day; but the story lasts between two weeks and a year. */
const EVENTS_A_DAY = 3
const DAYS = { least: 14, most: 365 }

/** Throws AlreadySeeded, StoreUnavailable, and the signal's reason: what is there then is a history that broke off. */
export const seedHistory = async (
  deps: SeedDependencies,
  wish: Wish,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (events: number) => void },
): Promise<Seeded> => {
  const { db, store, vault } = deps
  await refuseTwice(vault, wish)
  const told = await openTold(deps)
  const days = Math.min(DAYS.most, Math.max(DAYS.least, wish.events / wish.users / EVENTS_A_DAY))
  const begins = wish.until - days * DAY
  const { appends, characters } = historyOf({
    ...{ seed: wish.seed, users: wish.users, events: wish.events, begins, ends: wish.until, told },
    sessionHash: remembering(openSessionHash(vault)),
    join: joinIn(vault),
  })
  const events = await appendHistory(appends, { store, signal, onProgress })
  signal.throwIfAborted()
  await noteActivity(db, characters, wish.until - deps.config.session.idleMs / 2)
  return {
    events,
    from: new Date(begins).toISOString(),
    until: new Date(wish.until).toISOString(),
    people: acquaintancesAmong(characters),
  }
}

/** Passwords are hashed as the server would, each once: their owners share the salt too, and would not in real life. */
const openTold = async ({ config, log }: SeedDependencies): Promise<HistoryOptions['told']> => {
  const hasher = openPasswordHasher(config.hashing)
  const clients = openClientContext({ log })
  try {
    const [passwords, contextOf] = await Promise.all([
      Promise.all(PASSWORDS.map(async (text) => ({ text, hash: (await hasher.hash(text)) as Secret }))),
      resolveClients(clients),
    ])
    const { idleMs } = config.session
    return {
      limits: config.limits,
      idleMs,
      passwords,
      totpSecret: TOTP_SECRET as Secret,
      contextOf,
    } satisfies Partial<Story>
  } finally {
    await clients.close()
  }
}

/** Before anything is written. */
const refuseTwice = async (vault: Vault, { seed, users }: Wish): Promise<void> => {
  for (let from = 0; from < users; from += LOOK_UPS_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(LOOK_UPS_AT_ONCE, users - from) }, (_, i) => from + i)
    const emails = numbers.map((number) => personOf(seed, number).email)
    const found = await Promise.all(emails.map((email) => vault.findUser(vault.lookupOf(email))))
    const index = found.findIndex((userId) => userId !== null)
    if (index >= 0) {
      throw new AlreadySeeded(`${emails[index]} is here already: give another --seed, and other people are made up`)
    }
  }
}

const LOOK_UPS_AT_ONCE = 200

const joinIn = (vault: Vault) => async (email: string) => {
  const { userId } = await vault.claim(vault.lookupOf(email))
  const dataKey = await vault.dataKey(userId)
  if (dataKey === null) throw new Error('a key was deleted while the history was being made')
  return { userId, dataKey }
}

/** An HMAC of the same few ids for most events would be a tenth of all the work. */
const remembering = (sessionHash: SessionHash): SessionHash => {
  const known = new LRUCache<string, string>({ max: 10_000 })
  return (sessionId) => {
    const hash = known.get(sessionId) ?? sessionHash(sessionId)
    known.set(sessionId, hash)
    return hash
  }
}

/** Whoever is still signed in as the story ends was there at `seenAt`, or the sweeper would have put them out. */
const noteActivity = async (db: Kysely<Database>, characters: readonly Character[], seenAt: number): Promise<void> => {
  const live = characters.flatMap(({ account, state }) =>
    account === null
      ? []
      : state.sessions.map(({ id, signedInAt }) => ({
          session_id: id,
          user_id: account.userId,
          last_accessed_at: new Date(Math.max(signedInAt, seenAt)),
        })),
  )
  for (let from = 0; from < live.length; from += ROWS_AT_ONCE) {
    await db
      .insertInto('vault.activity')
      .values(live.slice(from, from + ROWS_AT_ONCE))
      .onConflict((conflict) => conflict.column('session_id').doNothing())
      .execute()
  }
}

const ROWS_AT_ONCE = 1_000

/** Those first who are signed in just now, whose pages have the most to show; and some with a second factor. */
const acquaintancesAmong = (characters: readonly Character[]): readonly Acquaintance[] => {
  const active = characters
    .filter(({ state }) => state.status === 'active')
    .toSorted((a, b) => b.state.sessions.length - a.state.sessions.length)
  const [withFactor, without] = [true, false].map((has) =>
    active.filter(({ state }) => (state.twoFactor !== null) === has),
  )
  return [...(without ?? []).slice(0, ACQUAINTANCES), ...(withFactor ?? []).slice(0, WITH_FACTOR)].flatMap(introduce)
}

const introduce = ({ account, person, password, state }: Character): readonly Acquaintance[] =>
  account === null
    ? []
    : [
        {
          userId: account.userId,
          email: person.email,
          password: PASSWORDS[password] ?? '',
          ...(state.twoFactor === null ? {} : { totpSecret: TOTP_SECRET }),
        },
      ]
