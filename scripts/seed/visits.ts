/** Somebody's life with one of their devices: visit after visit, at the hours at which people are awake. */
import { randomUUID } from 'node:crypto'
import { closedUntil } from '../../src/account/throttle.ts'
import { completeLogIn, expire, logIn, logOut, requestReset, resetPassword } from './acts.ts'
import type { Character, Client, Story } from './character.ts'
import { isLive, type Scene, type Strand, withNextPassword } from './strand.ts'
import { MINUTE, SECOND, whenAwake } from './time.ts'
import { somethingDone } from './wishes.ts'

const LONGEST_VISIT = 40 * MINUTE
/** The sweeper does not come at once. */
const SWEPT_AFTER = 90 * SECOND

export function* visits(who: Character, story: Story, userAgent: string): Strand {
  const { random, person } = who
  let at = who.joinsAt + random.between(1, 5) * MINUTE
  let open: { readonly sessionId: string; readonly usedAt: number } | null = null
  for (;;) {
    const place = random.chance(0.93) ? person.home : person.elsewhere
    const gap = random.exponential(story.pace() * person.devices.length)
    at = whenAwake(at, gap, place.utcOffset)
    // Else a clock that has stopped would turn this into an endless loop.
    if (at > story.ends) return
    if (open !== null && at - open.usedAt >= story.idleMs) {
      const sweptAt = open.usedAt + story.idleMs + random.between(0, SWEPT_AFTER)
      yield expire(Math.min(sweptAt, at), open.sessionId, 'idle')
      open = null
    }
    story.visited()
    const client = { place, host: person.host, userAgent }
    const from: { readonly sessionId: string | null; readonly at: number } =
      open !== null && isLive(who, open.sessionId)
        ? { sessionId: open.sessionId, at }
        : yield* signIn(who, story, client, at)
    at = from.at
    open = null
    if (from.sessionId === null) continue
    const seat = { client, sessionId: from.sessionId }
    at = yield* somethingDone(who, story, seat, at)
    at += Math.min(random.exponential(8 * MINUTE), LONGEST_VISIT, gap / 3)
    if (random.chance(0.4)) yield logOut(at, seat)
    if (isLive(who, seat.sessionId)) open = { sessionId: seat.sessionId, usedAt: at }
  }
}

/** As the story ends, somebody is just there: a list of sessions in which nothing is live would be a sad sight. */
export function* lastVisit(who: Character, story: Story): Strand {
  const { person, random } = who
  const [userAgent = ''] = person.devices
  const client = { place: person.home, host: person.host, userAgent }
  const at = story.ends - Math.min(random.between(0.2, 0.8) * story.idleMs, story.ends - who.joinsAt)
  yield* signIn(who, story, client, at)
}

/** Wrong now and then, and forgotten once in a while. `sessionId`: null where they did not get in. */
function* signIn(
  who: Character,
  story: Story,
  client: Client,
  begins: number,
): Scene<{ readonly sessionId: string | null; readonly at: number }> {
  const { random } = who
  let at = begins
  const forgotten = random.chance(0.006)
  const typos = forgotten ? 3 : random.chance(0.05) ? random.whole(1, 2) : 0
  for (let typo = 0; typo < typos; typo++) {
    yield logIn(at, client, story, randomUUID(), false)
    at += random.between(4, 25) * SECOND
  }
  if (forgotten) at = yield* resetByMail(who, story, client, at)
  if (closedUntil(who.state, at, story.limits) > 0 || who.state.status !== 'active') return { sessionId: null, at }
  const sessionId = randomUUID()
  if (who.state.twoFactor === null) yield logIn(at, client, story, sessionId, true)
  else {
    at += random.between(5, 20) * SECOND
    if (random.chance(0.04)) {
      yield completeLogIn(at, client, story, sessionId, 'wrong')
      at += random.between(8, 30) * SECOND
    }
    yield completeLogIn(at, client, story, sessionId, random.chance(0.01) ? 'backupCode' : 'right')
  }
  return { sessionId: isLive(who, sessionId) ? sessionId : null, at: at + random.between(2, 20) * SECOND }
}

function* resetByMail(who: Character, story: Story, client: Client, begins: number): Scene<number> {
  yield requestReset(begins, client)
  const at = begins + who.random.between(1, 6) * MINUTE
  yield* withNextPassword(who, story, (next) => resetPassword(at, client, next))
  return at + who.random.between(10, 40) * SECOND
}
