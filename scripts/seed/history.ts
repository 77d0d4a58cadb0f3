/**
 * A made-up history: every strand of every life, merged by time. What is tried is decided by the account's own decider
 * on the account's own state, and sealed as a command's events are, so that each event is what the server would have
 * appended at that moment. The same seed tells the same story; ids, salts and keys are new each time.
 */
import { randomUUID } from 'node:crypto'
import { decide } from '../../src/account/decide.ts'
import type { AccountEvent } from '../../src/account/events.ts'
import { evolve } from '../../src/account/state.ts'
import { streamOf } from '../../src/accounts/accounts.ts'
import { sealEvents } from '../../src/commands/seal-events.ts'
import type { ExpectedRevision, NewEvent, NonEmpty } from '../../src/event-store/port.ts'
import type { SessionHash } from '../../src/secrets/session-hash.ts'
import { register } from './acts.ts'
import { openAgenda } from './agenda.ts'
import { type Act, type Character, characterOf, type Story } from './character.ts'
import { attacks, farewell } from './misfortunes.ts'
import type { Strand } from './strand.ts'
import { lastVisit, visits } from './visits.ts'

/** What one command appends. */
export interface Appended {
  readonly stream: string
  readonly expected: ExpectedRevision
  readonly events: NonEmpty<NewEvent>
  /** By the clock of the story. Milliseconds since 1970, never less than that of what came before. */
  readonly at: number
}

export interface HistoryOptions {
  readonly seed: number
  readonly users: number
  /** So many, or a few less or more: people are as busy as that takes, and the story ends when it should. */
  readonly events: number
  readonly begins: number
  readonly ends: number
  readonly told: Pick<Story, 'limits' | 'idleMs' | 'passwords' | 'totpSecret' | 'contextOf'>
  readonly sessionHash: SessionHash
  /** Gives an address to an account, and the account its key. */
  join(email: string): Promise<{ readonly userId: string; readonly dataKey: Buffer }>
}

export interface History {
  /** To be told once. */
  readonly appends: AsyncGenerator<Appended>
  /** As they are at the moment of the story. */
  readonly characters: readonly Character[]
}

/** Before anybody has paid so many visits, their yield is a guess. */
const EVENTS_PER_VISIT = 2.4
const GUESSED_VISITS = 200
const JOINING_TOGETHER = 100
/** This share of the people has just come back when the story ends. */
const PRESENT_AT_THE_END = 0.2

export const historyOf = (options: HistoryOptions): History => {
  const { seed, users, begins, ends } = options
  const characters = Array.from({ length: users }, (_, number) => characterOf(seed, number, { begins, ends }))
  return { characters, appends: tell(options, characters) }
}

async function* tell(options: HistoryOptions, characters: readonly Character[]): AsyncGenerator<Appended> {
  const { users, events: wanted, begins, ends, told, sessionHash } = options
  let now = begins
  let made = 0
  let visitsPaid = 0
  const story: Story = {
    ...told,
    begins,
    ends,
    eventsEach: wanted / users,
    pace() {
      const perVisit = (made + EVENTS_PER_VISIT * GUESSED_VISITS) / (visitsPaid + GUESSED_VISITS)
      const visitsLeft = Math.max(0, wanted - made - users * PRESENT_AT_THE_END) / perVisit
      return ((ends - now) * users) / visitsLeft
    },
    visited: () => void visitsPaid++,
  }
  const agenda = openAgenda<Entry>()
  const goOn = (who: Character, strand: Strand): void => {
    const { value: act, done } = strand.next()
    if (done !== true && act.at <= ends) agenda.add(act.at, { who, strand, act })
  }
  const joinInTime = joiner(characters, options.join)
  for (const who of characters)
    goOn(
      who,
      joining(who, story, (strand) => goOn(who, strand)),
    )
  for (let entry = agenda.next(); entry !== undefined; entry = agenda.next()) {
    const { who, strand, act } = entry.item
    now = act.at
    const appended = carryOut(who, act, { account: who.account ?? (await joinInTime(who)), story, sessionHash })
    if (appended !== null) {
      made += appended.events.length
      yield appended
    }
    goOn(who, strand)
  }
}

interface Entry {
  readonly who: Character
  readonly strand: Strand
  readonly act: Act
}

/** Everything else in a life begins once its account is there. */
function* joining(who: Character, story: Story, begin: (strand: Strand) => void): Strand {
  const { person, random } = who
  const [userAgent = ''] = person.devices
  const [password] = story.passwords
  if (password === undefined) throw new Error('a story has passwords')
  yield register(who.joinsAt, { place: person.home, host: person.host, userAgent }, person, password)
  for (const device of person.devices) begin(visits(who, story, device))
  begin(attacks(who, story))
  begin(farewell(who, story))
  if (random.chance(PRESENT_AT_THE_END)) begin(lastVisit(who, story))
}

/** In the order in which they will be needed, many at once, and those after them meanwhile. */
const joiner = (characters: readonly Character[], join: HistoryOptions['join']) => {
  const waiting = characters.toSorted((a, b) => a.joinsAt - b.joinsAt)
  const joinSome = async (): Promise<void> => {
    const next = waiting.splice(0, JOINING_TOGETHER)
    await Promise.all(
      next.map(async (each) => {
        each.account = await join(each.person.email)
      }),
    )
  }
  let underWay = joinSome()
  return async (who: Character): Promise<Joined> => {
    for (;;) {
      await underWay
      const isLast = waiting.length === 0
      underWay = joinSome()
      // It is awaited when the next one comes: until then nobody is there to catch it.
      underWay.catch(() => {})
      if (who.account !== null) return who.account
      if (isLast) throw new Error('somebody of another story')
    }
  }
}

type Joined = NonNullable<Character['account']>

/** null: refused, or nothing came of it. */
const carryOut = (
  who: Character,
  act: Act,
  {
    account,
    story,
    sessionHash,
  }: { readonly account: Joined; readonly story: Story; readonly sessionHash: SessionHash },
): Appended | null => {
  const { state, revision: expected } = who
  const { userId, dataKey } = account
  const now = Math.floor(act.at)
  const decision = decide(act.command(state), state, { now, limits: story.limits })
  if (decision.kind !== 'accepted') return null
  const actorId = act.actor === 'user' ? userId : act.actor === 'operator' ? 'script:seed' : null
  const [first, ...rest] = sealEvents(decision.events, {
    ...{ userId, dataKey, sessionHash, now, commandId: randomUUID(), idempotency: null },
    context: {
      actor: { kind: act.actor, id: actorId },
      correlationId: randomUUID(),
      client: act.from === null ? null : story.contextOf(act.from),
      sessionId: act.sessionId,
    },
  })
  if (first === undefined) return null
  const events = [first, ...rest] as const
  let revision = expected === 'none' ? -1n : expected
  for (const event of events) {
    revision += 1n
    who.state = evolve(who.state, asRecorded(event, revision))
  }
  who.revision = revision
  return { stream: streamOf(userId), expected, events, at: now }
}

/** As it is read back; not validated, for the decider's types have seen to it, and a test reads all of them. */
const asRecorded = ({ id, type, data, metadata }: NewEvent, revision: bigint): AccountEvent => {
  const { boxes, commit: _, ...rest } = metadata
  const { personal, credential } = boxes as Pick<AccountEvent, 'personal' | 'credential'>
  return { id, type, data, revision, metadata: rest, personal, credential } as unknown as AccountEvent
}
