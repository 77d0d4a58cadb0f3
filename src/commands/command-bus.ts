/**
 * The way of every command: load, establish facts, decide, append; again where the world moved on in between.
 *
 * Facts (is this the password?) are established outside the account's queue, for they take long; the decision is made
 * inside it, on state read inside it, at the revision it is appended at. What the caller is told is told only after
 * its events are in the store.
 */
import { randomUUID } from 'node:crypto'
import type { Circumstances, Command, Limits, Outcome, Rejection, SessionClaim } from '../account/commands.ts'
import { decide, decideEntry } from '../account/decide.ts'
import type { Idempotency } from '../account/events.ts'
import type { Account, Accounts } from '../accounts/accounts.ts'
import { streamOf } from '../accounts/accounts.ts'
import {
  type EventStore,
  type NewEvent,
  type Position,
  StoreUnavailable,
  WrongExpectedRevision,
} from '../event-store/port.ts'
import type { SessionHash } from '../secrets/session-hash.ts'
import type { Vault } from '../secrets/vault.ts'
import type { KeyedQueue } from './keyed-queue.ts'
import { type CommandContext, sealEvents } from './seal-events.ts'

/** How an outcome is answered, kept with the events so that a repeat under the same key is answered alike. */
export interface Answer {
  readonly status: number
  readonly body: Idempotency['body']
  readonly secret: boolean
}

export interface CommandRequest {
  readonly userId: string
  readonly context: CommandContext
  /** The command, with facts established against this account. Called again where they turn out stale. */
  readonly establish: (account: Account) => Command | Promise<Command>
  /** Who asks, where it matters: decided before facts are established, and again at the append. */
  readonly by?: SessionClaim
  readonly as?: 'operator'
  /** Present where the client sent an Idempotency-Key. */
  readonly repeat?: {
    readonly commandId: string
    readonly bodyHash: string
    readonly answer: (outcome: Outcome) => Answer
  }
}

export type CommandResult =
  /** `position`: of the last event this outcome rests on; null where the account has none. */
  | {
      readonly kind: 'accepted'
      readonly outcome: Outcome
      readonly position: Position | null
      readonly appended: boolean
    }
  | { readonly kind: 'repeated'; readonly idempotency: Idempotency; readonly position: Position | null }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }

export interface CommandBus {
  /** Throws StoreUnavailable where the outcome could not be had in time; whatever was decided is then not told. */
  run(request: CommandRequest): Promise<CommandResult>
}

export interface CommandBusDependencies {
  readonly store: EventStore
  readonly accounts: Accounts
  readonly vault: Vault
  readonly sessionHash: SessionHash
  readonly queue: KeyedQueue
  readonly limits: Limits
  readonly now: () => number
}

/** How long a command is tried against conflicts and lost answers. */
const PATIENCE_MS = 8_000
const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 250

export const openCommandBus = (deps: CommandBusDependencies): CommandBus => ({
  async run(request) {
    const retry = openRetry()
    for (;;) {
      const account = await deps.accounts.load(request.userId)
      const settled = settleAtEntry(request, account, { now: deps.now(), limits: deps.limits })
      if (settled !== null) return settled
      const command = await request.establish(account)
      const result = await deps.queue.run(request.userId, () => decideAndAppend(deps, request, command, retry))
      if (result.kind !== 'rejected' || result.rejection.code !== 'fact-stale') return result
      await retry.pause(new StoreUnavailable('notCommitted'))
    }
  },
})

/** No fact is established for who may not act, nor for what was answered before. */
const settleAtEntry = (
  { by, as, repeat }: CommandRequest,
  account: Account,
  circumstances: Circumstances,
): CommandResult | null => {
  const entry = by !== undefined ? { by } : as !== undefined ? { as } : null
  const decision = entry === null ? null : decideEntry(withClaim(entry, repeat), account.state, circumstances)
  if (decision === null || decision.kind === 'accepted') return null
  return decision.kind === 'rejected' ? decision : { ...decision, position: account.position }
}

const decideAndAppend = async (
  deps: CommandBusDependencies,
  request: CommandRequest,
  command: Command,
  retry: Retry,
): Promise<CommandResult> => {
  for (;;) {
    const account = await deps.accounts.load(request.userId)
    const circumstances: Circumstances = { now: deps.now(), limits: deps.limits }
    const decision = decide(withRepeat(command, request), account.state, circumstances)
    if (decision.kind === 'rejected') return decision
    if (decision.kind === 'repeated') return { ...decision, position: account.position }
    const { outcome } = decision
    const [first, ...rest] = await seal(deps, request, decision, circumstances.now)
    if (first === undefined) return { kind: 'accepted', outcome, position: account.position, appended: false }
    try {
      const { position } = await appendForSure(deps.store, account, [first, ...rest], retry)
      return { kind: 'accepted', outcome, position, appended: true }
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error
      await retry.pause(new StoreUnavailable('notCommitted', error))
    }
  }
}

const withRepeat = (command: Command, { repeat }: CommandRequest): Command =>
  'by' in command || 'as' in command ? withClaim(command, repeat) : command

const withClaim = <C extends object>(command: C, repeat: CommandRequest['repeat']) =>
  repeat === undefined ? command : { ...command, repeat: { commandId: repeat.commandId, bodyHash: repeat.bodyHash } }

const seal = async (
  deps: CommandBusDependencies,
  { userId, context, repeat }: CommandRequest,
  decision: { readonly events: Parameters<typeof sealEvents>[0]; readonly outcome: Outcome },
  now: number,
): Promise<readonly NewEvent[]> => {
  if (decision.events.length === 0) return []
  const dataKey = await deps.vault.dataKey(userId)
  // The row went between load and here: an erasure is under way, and nothing may be written for a person that is gone.
  if (dataKey === null) throw new StoreUnavailable('notCommitted')
  const idempotency = repeat === undefined ? null : { bodyHash: repeat.bodyHash, ...repeat.answer(decision.outcome) }
  const commandId = repeat?.commandId ?? randomUUID()
  return sealEvents(decision.events, {
    userId,
    dataKey,
    sessionHash: deps.sessionHash,
    context,
    commandId,
    now,
    idempotency,
  })
}

/**
 * A lost answer is asked for again with the same ids and revision: the store then tells what became of the append. A
 * store that is away by then tells nothing of it, so the outcome stays unknown until it answers.
 */
const appendForSure = async (
  store: EventStore,
  account: Account,
  events: readonly [NewEvent, ...NewEvent[]],
  retry: Retry,
) => {
  let lost: StoreUnavailable | null = null
  for (;;) {
    try {
      return await store.append(streamOf(account.userId), events, account.revision)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      if (error.outcome === 'unknown') lost = error
      if (lost === null) throw error
      await retry.pause(lost)
    }
  }
}

interface Retry {
  /** Waits a jittered, growing while; throws `error` where patience is at its end. */
  pause(error: Error): Promise<void>
}

const openRetry = (): Retry => {
  const deadline = performance.now() + PATIENCE_MS
  let longest = FIRST_PAUSE_MS
  return {
    async pause(error) {
      const pause = Math.random() * longest
      if (performance.now() + pause > deadline) throw error
      longest = Math.min(longest * 2, LONGEST_PAUSE_MS)
      await new Promise((resolve) => setTimeout(resolve, pause))
    },
  }
}
