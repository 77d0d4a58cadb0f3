/**
 * An account lived at random: commands from sessions that are live, ended or made up, with tokens and facts that are
 * right or stale, decided, sealed, stored and read back. What must hold for every life is checked by life.test.ts and
 * its neighbours.
 */
import fc from 'fast-check'
import type { Command, Limits, Outcome } from '../../src/account/commands.ts'
import { decide } from '../../src/account/decide.ts'
import type { AccountEvent, NewAccountEvent, Secret } from '../../src/account/events.ts'
import { type AccountState, evolve, initialState } from '../../src/account/state.ts'
import { readAccountEvent } from '../../src/account/upcast.ts'
import { streamOf } from '../../src/accounts/accounts.ts'
import type { ClientContext } from '../../src/client-context/client-context.ts'
import { coarseClientOf } from '../../src/commands/coarse-client.ts'
import { type CommandContext, sealEvents } from '../../src/commands/seal-events.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { NewEvent, RecordedEvent } from '../../src/event-store/port.ts'
import { deepFreeze } from './any-event.ts'
import { ask, type Challenge, FIELD_VALUE, NEW_EMAIL, PERSON } from './ask.ts'
import { aLife, type Step } from './attempts.ts'
import { commandId, hours, minutes, START, sessionId } from './given.ts'

/** Small, so that a life reaches them. */
export const LIFE_LIMITS: Limits = {
  lockAfterFailures: 3,
  lockMs: minutes(30),
  sessionAbsoluteMs: hours(12),
  sudoMs: minutes(15),
  sessionsMax: 3,
  idempotencyMs: hours(24),
  challengeMs: minutes(5),
  enrollmentMs: minutes(10),
  resetTokenMs: hours(1),
  notMeMs: hours(20),
  resetMailsPerHour: 2,
}

const USER = '0a000000-0000-4000-8000-000000000001'

/** What one step led to. */
export interface Moment {
  readonly command: Command
  readonly at: number
  readonly before: AccountState
  readonly after: AccountState
  readonly appended: readonly AccountEvent[]
  readonly outcome: Outcome | null
  readonly rejected: string | null
}

export interface Life {
  readonly moments: readonly Moment[]
  readonly stored: readonly RecordedEvent[]
  /** Everything that went in and must lie in no open field. */
  readonly secrets: readonly string[]
}

/** Checks the property on many lives. */
export const inEveryLife = (property: (life: Life) => void, numRuns = 40): Promise<void> =>
  fc.assert(
    fc.asyncProperty(aLife, async (steps) => property(await live(steps))),
    { numRuns },
  )

export const live = async (steps: readonly Step[]): Promise<Life> => {
  const store = new MemoryEventStore()
  const stored: RecordedEvent[] = []
  const past: AccountEvent[] = []
  const challenges: Challenge[] = []
  const moments: Moment[] = []
  const secrets = [...Object.values(PERSON), NEW_EMAIL, FIELD_VALUE, ...ofTheClient]
  let state = deepFreeze(initialState)
  let now = START

  const newSecret = (name: string): Secret => {
    const secret = `SECRET-${name}-${secrets.length}`
    secrets.push(secret)
    return secret as Secret
  }

  const record = async (events: readonly NewAccountEvent[], context: CommandContext, command: Command) => {
    const repeat = 'repeat' in command ? command.repeat : undefined
    const sealed = sealEvents(events, {
      userId: USER,
      dataKey: Buffer.alloc(32, 3),
      sessionHash: (id) => `hash of ${id}`,
      context,
      commandId: repeat?.commandId ?? commandId(stored.length + 1_000),
      now,
      idempotency: repeat === undefined ? null : { bodyHash: repeat.bodyHash, status: 204, body: null, secret: false },
    })
    const [first, ...rest] = sealed as readonly NewEvent[]
    if (first === undefined) return []
    const revision = stored.length === 0 ? 'none' : BigInt(stored.length - 1)
    await store.append(streamOf(USER), [first, ...rest], revision)
    const recorded: RecordedEvent[] = []
    for await (const event of store.read(streamOf(USER), { from: BigInt(stored.length) })) recorded.push(event)
    stored.push(...recorded)
    return recorded.map((event) => deepFreeze(readAccountEvent(event)))
  }

  for (const { attempt, pauseMs } of steps) {
    now += pauseMs
    const before = state
    const client = clientOf('client' in attempt ? attempt.client : 0)
    const command = ask(attempt, { state, now, past, challenges, newSecret, clientOf: () => coarseClientOf(client) })
    deepFreeze(command)
    const decision = decide(command, state, { now, limits: LIFE_LIMITS })
    const events = decision.kind === 'accepted' ? decision.events : []
    const appended = await record(events, contextOf(command, client), command)
    past.push(...appended)
    state = deepFreeze(appended.reduce(evolve, state))
    const outcome = decision.kind === 'accepted' ? decision.outcome : null
    if (outcome?.kind === 'secondFactorRequired') {
      challenges.push({ id: sessionId(0x1000 + challenges.length), credentialEpoch: outcome.credentialEpoch })
    }
    const rejected = decision.kind === 'rejected' ? decision.rejection.code : null
    moments.push({ command, at: now, before, after: state, appended, outcome, rejected })
  }
  return { moments, stored, secrets }
}

const ofTheClient = ['192.0.2.77', 'SecretBrowser/1.0', 'Secretville', 'SecretRegion'] as const

/** From home, from another device, from another country, from nowhere that is known. */
const clientOf = (n: number): ClientContext | null => {
  if (n === 3) return null
  const [ip, userAgent, city, region] = ofTheClient
  return {
    ip,
    userAgent,
    location: { country: n === 2 ? 'BR' : 'PT', region, city },
    device: { type: n === 1 ? 'mobile' : 'desktop' },
    browser: { name: 'Firefox', version: '140' },
    os: { name: 'Linux', version: null },
    geoVersion: 'g1',
    uaVersion: 'u1',
  }
}

const contextOf = (command: Command, client: ClientContext | null): CommandContext => ({
  actor: 'as' in command ? { kind: 'operator', id: 'a token' } : { kind: 'user', id: USER },
  correlationId: commandId(1),
  client,
  sessionId: 'by' in command ? command.by.sessionId : null,
})
