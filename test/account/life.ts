/**
 * An account lived at random: commands from sessions that are live, ended or made up, with tokens and facts that are
 * right or stale, decided, sealed, stored and read back. What must hold for every life is checked by life.test.ts.
 */
import fc from 'fast-check'
import type { Command, Limits, SessionClaim } from '../../src/account/commands.ts'
import { decide } from '../../src/account/decide.ts'
import type { AccountEvent, NewAccountEvent, Secret } from '../../src/account/events.ts'
import { type AccountState, evolve, initialState } from '../../src/account/state.ts'
import { readAccountEvent } from '../../src/account/upcast.ts'
import { streamOf } from '../../src/accounts/accounts.ts'
import { type CommandContext, sealEvents } from '../../src/commands/seal-events.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { NewEvent, RecordedEvent } from '../../src/event-store/port.ts'
import { deepFreeze } from './any-event.ts'
import { commandId, eventId, hours, minutes, START, sessionId } from './given.ts'

export const LIFE_LIMITS: Limits = {
  lockAfterFailures: 3,
  lockMs: minutes(30),
  sessionAbsoluteMs: hours(12),
  sudoMs: minutes(15),
  sessionsMax: 3,
  idempotencyMs: hours(24),
}

export const USER = '0a000000-0000-4000-8000-000000000001'

/** One thing that somebody tries. Numbers pick among what there is by then. */
type Attempt =
  | { readonly kind: 'register' }
  | { readonly kind: 'logIn'; readonly matched: boolean; readonly stale: boolean; readonly stronger: boolean }
  | ({ readonly kind: 'changePassword'; readonly matched: boolean; readonly stale: boolean } & BySession)
  | ({ readonly kind: 'logOut' | 'revokeOtherSessions' } & BySession)
  | ({ readonly kind: 'revokeSession'; readonly target: number } & BySession)
  | { readonly kind: 'expireSession'; readonly target: number; readonly limit: 'idle' | 'absolute' }
  | { readonly kind: 'erase' | 'unlock' }

interface BySession {
  readonly session: number
  readonly generationOff: number
  /** Under which Idempotency-Key, if any. */
  readonly key: number | null
  readonly keepOtherSessions: boolean
}

export interface Step {
  readonly attempt: Attempt
  readonly pauseMs: number
}

const bySession = {
  session: fc.nat(20),
  generationOff: fc.constantFrom(0, 0, 0, 0, -1, 1),
  key: fc.option(fc.nat(3)),
  keepOtherSessions: fc.boolean(),
}
const mostly = fc.constantFrom(true, true, true, false)
const seldom = fc.constantFrom(false, false, false, false, true)

const attempt: fc.Arbitrary<Attempt> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('register' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('logIn' as const),
      matched: fc.boolean(),
      stale: seldom,
      stronger: seldom,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('changePassword' as const),
      matched: mostly,
      stale: seldom,
      ...bySession,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('logOut' as const, 'revokeOtherSessions' as const), ...bySession }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('revokeSession' as const), target: fc.nat(20), ...bySession }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('expireSession' as const),
      target: fc.nat(20),
      limit: fc.constantFrom('idle' as const, 'absolute' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unlock' as const) }) },
)

const step: fc.Arbitrary<Step> = fc.record({
  attempt,
  pauseMs: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: minutes(10) }) },
    { weight: 1, arbitrary: fc.integer({ min: hours(1), max: hours(13) }) },
  ),
})

/** Registered first, and erased last where it is erased: some steps follow to see that nothing comes back. */
export const aLife: fc.Arbitrary<readonly Step[]> = fc
  .tuple(fc.array(step, { maxLength: 60, size: 'max' }), fc.boolean(), fc.array(step, { maxLength: 6 }))
  .map(([steps, isErased, after]) => [
    { attempt: { kind: 'register' }, pauseMs: 0 },
    ...steps,
    ...(isErased ? [{ attempt: { kind: 'erase' } as const, pauseMs: 0 }, ...after] : []),
  ])

/** What one step led to. */
export interface Moment {
  readonly command: Command | null
  readonly at: number
  readonly before: AccountState
  readonly after: AccountState
  readonly appended: readonly AccountEvent[]
  readonly rejected: string | null
}

export interface Life {
  readonly moments: readonly Moment[]
  readonly stored: readonly RecordedEvent[]
  /** Everything that went in and must lie in no open field. */
  readonly secrets: readonly string[]
}

export const live = async (steps: readonly Step[]): Promise<Life> => {
  const store = new MemoryEventStore()
  const stored: RecordedEvent[] = []
  const moments: Moment[] = []
  const secrets = [
    'ada-secret@example.com',
    'Ada Secret',
    '192.0.2.77',
    'SecretBrowser/1.0',
    'Secretville',
    'SecretRegion',
  ]
  const known: string[] = []
  let state = deepFreeze(initialState)
  let now = START

  const newSecret = (name: string): Secret => {
    const secret = `SECRET-${name}-${secrets.length}`
    secrets.push(secret)
    return secret as Secret
  }

  const record = async (events: readonly NewAccountEvent[], context: CommandContext, command: Command | null) => {
    const repeat = command !== null && 'by' in command ? command.repeat : undefined
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
    const command = toCommand(attempt, { state, known, newSecret })
    if (command !== null) deepFreeze(command)
    const decision = command === null ? null : decide(command, state, { now, limits: LIFE_LIMITS })
    const events = decision === null ? outside(attempt) : decision.kind === 'accepted' ? decision.events : []
    const appended = await record(events, contextOf(command), command)
    for (const event of appended) {
      if (event.type === 'user:logged_in') known.push(event.data.sessionId)
      state = deepFreeze(evolve(state, event))
    }
    const rejected = decision?.kind === 'rejected' ? decision.rejection.code : null
    moments.push({ command, at: now, before, after: state, appended, rejected })
  }
  return { moments, stored, secrets }
}

/** What no command of this version does, but events can. */
const outside = ({ kind }: Attempt): readonly NewAccountEvent[] =>
  kind === 'erase' ? [{ type: 'user:erased', data: {} }] : [{ type: 'user:unlocked', data: { by: 'operator' } }]

const contextOf = (command: Command | null): CommandContext => ({
  actor: { kind: 'user', id: USER },
  correlationId: commandId(1),
  client: {
    ip: '192.0.2.77',
    userAgent: 'SecretBrowser/1.0',
    location: { country: 'PT', region: 'SecretRegion', city: 'Secretville' },
    device: { type: 'desktop' },
    browser: { name: 'Firefox', version: '140' },
    os: { name: 'Linux', version: null },
    geoVersion: 'g1',
    uaVersion: 'u1',
  },
  sessionId: command !== null && 'by' in command ? command.by.sessionId : null,
})

interface Hand {
  readonly state: AccountState
  readonly known: readonly string[]
  readonly newSecret: (name: string) => Secret
}

const toCommand = (attempt: Attempt, { state, known, newSecret }: Hand): Command | null => {
  const pick = (n: number): string => known[n % (known.length + 1)] ?? sessionId(0xbad)
  const current = state.password?.eventId ?? eventId(0xdead)
  const claim = ({ session, generationOff, key }: BySession) => {
    const id = pick(session)
    const generation = (state.sessions.find((each) => each.id === id)?.generation ?? 0) + generationOff
    const by: SessionClaim = { sessionId: id, generation }
    return key === null ? { by } : { by, repeat: { commandId: commandId(key), bodyHash: `body ${attempt.kind}` } }
  }
  const fact = ({ matched, stale }: { readonly matched: boolean; readonly stale: boolean }) =>
    ({
      kind: matched ? 'passwordMatched' : 'passwordMismatched',
      passwordEventId: stale ? eventId(0xdead) : current,
    }) as const
  switch (attempt.kind) {
    case 'register':
      return {
        kind: 'register',
        email: 'ada-secret@example.com',
        name: 'Ada Secret',
        passwordHash: newSecret('passwordHash'),
      }
    case 'logIn':
      return {
        kind: 'logIn',
        fact: fact(attempt),
        // The shell makes a random id for each log-in.
        sessionId: sessionId(known.length + 1),
        tokenHash: newSecret('tokenHash'),
        ...(attempt.stronger ? { strongerHash: newSecret('strongerHash') } : {}),
      }
    case 'changePassword':
      return {
        kind: 'changePassword',
        ...claim(attempt),
        fact: fact(attempt),
        fresh: {
          kind: 'newPasswordCompared',
          passwordEventIds: [current, ...state.formerPasswords.map((former) => former.eventId)],
          reuses: null,
        },
        passwordHash: newSecret('newPasswordHash'),
        tokenHash: newSecret('newTokenHash'),
        keepOtherSessions: attempt.keepOtherSessions,
      }
    case 'logOut':
    case 'revokeOtherSessions':
      return { kind: attempt.kind, ...claim(attempt) }
    case 'revokeSession':
      return { kind: 'revokeSession', ...claim(attempt), sessionId: pick(attempt.target) }
    case 'expireSession':
      return { kind: 'expireSession', sessionId: pick(attempt.target), limit: attempt.limit }
    default:
      return null
  }
}
