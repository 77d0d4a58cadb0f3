/**
 * given(what happened).when(what is asked).then(what follows): a decision as a sentence. `then` compares the whole
 * decision: every event, every field, in order. What is not named there must not be there.
 */
import { expect } from 'vitest'
import type { Circumstances, Command, Decision, Limits, Outcome, Rejection } from '../../src/account/commands.ts'
import { decide } from '../../src/account/decide.ts'
import {
  type AccountEvent,
  type Box,
  type CoarseClient,
  currentSchema,
  currentVersion,
  type DataOf,
  type EventType,
  type Idempotency,
  type MaybeBox,
  type NewAccountEvent,
} from '../../src/account/events.ts'
import { type AccountState, evolve, initialState } from '../../src/account/state.ts'

/** An event of the past, as briefly as it can be told. The n-th one has the id `eventId(n)`. */
export type PastEvent<T extends EventType = EventType> = {
  [K in T]: {
    readonly type: K
    readonly data: DataOf<K>
    /** Milliseconds since 1970; default: START. */
    readonly at?: number
    readonly commandId?: string
    readonly idempotency?: Idempotency
    /** Default: a box of its own, which nothing opens. */
    readonly personal?: MaybeBox
    readonly credential?: MaybeBox
    /** Default: none. */
    readonly client?: CoarseClient
  }
}[T]

export interface Decided {
  /** Throws where the decision is anything else than this. */
  then(expected: readonly NewAccountEvent[], outcome?: Outcome): void
  then(expected: Rejection | { readonly repeated: Idempotency }): void
}

export interface Given {
  readonly state: AccountState
  when(command: Command, circumstances?: { readonly at?: number; readonly limits?: Partial<Limits> }): Decided
}

export const START = Date.parse('2026-03-01T12:00:00.000Z')
export const seconds = (count: number): number => count * 1_000
export const minutes = (count: number): number => seconds(60 * count)
export const hours = (count: number): number => minutes(60 * count)
export const iso = (at: number): string => new Date(at).toISOString()

export const LIMITS: Limits = {
  lockAfterFailures: 10,
  lockMs: minutes(30),
  sessionAbsoluteMs: hours(12),
  sudoMs: minutes(15),
  sessionsMax: 100,
  idempotencyMs: hours(24),
  challengeMs: minutes(5),
  enrollmentMs: minutes(10),
  resetTokenMs: hours(1),
  notMeMs: hours(7 * 24),
  resetMailsPerHour: 3,
}

export const given = (past: readonly PastEvent[]): Given => {
  const state = past.map(toAccountEvent).reduce(evolve, initialState)
  return {
    state,
    when(command, { at = START + minutes(1), limits } = {}) {
      const circumstances: Circumstances = { now: at, limits: { ...LIMITS, ...limits } }
      const decision = decide(command, state, circumstances)
      return {
        // biome-ignore lint/suspicious/noThenProperty: given, when, then are the words of the field; nobody awaits this
        then: (expected: Expected, outcome?: Outcome) => expect(decision).toStrictEqual(toDecision(expected, outcome)),
      }
    },
  }
}

type Expected = readonly NewAccountEvent[] | Rejection | { readonly repeated: Idempotency }

const toDecision = (expected: Expected, outcome: Outcome = { kind: 'done' }): Decision => {
  if ('code' in expected) return { kind: 'rejected', rejection: expected }
  if ('repeated' in expected) return { kind: 'repeated', idempotency: expected.repeated }
  return { kind: 'accepted', events: expected, outcome }
}

/** The id of the n-th event of a history, from 0; also of the facts and boxes that rest on it. */
export const eventId = (n: number): string => uuid('e0', n)
export const sessionId = (n: number): string => uuid('5e', n)
export const commandId = (n: number): string => uuid('c0', n)
export const enrollmentId = (n: number): string => uuid('2f', n)
export const codeListId = (n: number): string => uuid('bc', n)
export const challengeId = (n: number): string => uuid('ca', n)

const uuid = (kind: string, n: number): string => `${kind}000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`

/** A box of the n-th event of a history. */
export const boxOf = (n: number, name: 'personal' | 'credential'): Box => `${name} box of event ${n}` as Box

/** As it would be read from the store. Throws where no such event can exist. */
export const toAccountEvent = (past: PastEvent, n: number): AccountEvent => {
  const data = currentSchema(past.type).parse(past.data)
  const event = {
    id: eventId(n),
    type: past.type,
    revision: BigInt(n),
    data,
    metadata: {
      schemaVersion: currentVersion(past.type),
      commandId: past.commandId ?? commandId(n),
      correlationId: commandId(n),
      causationId: null,
      occurredAt: iso(past.at ?? START),
      actor: { kind: 'user' as const, id: 'somebody' },
      sessionId: null,
      sessionHash: null,
      client: past.client ?? null,
      ...(past.idempotency === undefined ? {} : { idempotency: past.idempotency }),
    },
    personal: past.personal === undefined ? boxOf(n, 'personal') : past.personal,
    credential: past.credential === undefined ? boxOf(n, 'credential') : past.credential,
  }
  return event as AccountEvent
}
