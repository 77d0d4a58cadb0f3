/** A person in the course of the story: what they mean to do next, and what has become of their account. */
import type { Command, Limits } from '../../src/account/commands.ts'
import type { Actor, Secret } from '../../src/account/events.ts'
import { type AccountState, initialState } from '../../src/account/state.ts'
import type { ClientContext } from '../../src/client-context/client-context.ts'
import type { ExpectedRevision } from '../../src/event-store/port.ts'
import { type Person, personOf } from './people.ts'
import type { Place } from './places.ts'
import { type Random, randomOf } from './random.ts'

export interface Character {
  readonly person: Person
  readonly random: Random
  readonly joinsAt: number
  /** Null before they have joined. */
  account: { readonly userId: string; readonly dataKey: Buffer } | null
  state: AccountState
  revision: ExpectedRevision
  /** Which of the story's passwords is theirs at present. */
  password: number
}

/** Something that is tried at a moment. Whether it succeeds, the account decides then. */
export interface Act {
  /** Milliseconds since 1970; a fraction is cut off. */
  readonly at: number
  readonly actor: Actor['kind']
  /** null: nobody's client, as where a session runs out. */
  readonly from: Client | null
  /** The session that acts. */
  readonly sessionId: string | null
  readonly command: (state: AccountState) => Command
}

export interface Client {
  readonly place: Place
  readonly host: number
  readonly userAgent: string
}

/** What all strands of a story know. */
export interface Story {
  readonly begins: number
  readonly ends: number
  /** Wanted, of each person. */
  readonly eventsEach: number
  readonly limits: Limits
  readonly idleMs: number
  /** Five or more: whoever changes takes the next one, and the last four must not come again. */
  readonly passwords: readonly Password[]
  /** Everybody's, so that who plays with the result can sign in. Base32. */
  readonly totpSecret: Secret
  /** What the server would tell of a client. */
  contextOf(client: Client): ClientContext
  /** Mean time between two visits of one person, in milliseconds, if the story is to become as long as it should. */
  pace(): number
  /** A visit was paid. */
  visited(): void
}

export interface Password {
  readonly text: string
  readonly hash: Secret
}

const JOIN_IN_THE_FIRST = 0.25

/** Joins early on; so that at the end most have a long history, and some a short one. */
export const characterOf = (seed: number, number: number, { begins, ends }: Pick<Story, 'begins' | 'ends'>) => {
  const random = randomOf(seed, 'life', number)
  const share = random.chance(0.9) ? random.between(0, JOIN_IN_THE_FIRST) : random.between(0, 0.9)
  const character: Character = {
    person: personOf(seed, number),
    random,
    joinsAt: Math.floor(begins + share * (ends - begins)),
    account: null,
    state: initialState,
    revision: 'none',
    password: 0,
  }
  return character
}
