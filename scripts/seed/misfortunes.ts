/** What befalls an account from outside: strangers who guess, and operators who help, or erase. */
import { randomUUID } from 'node:crypto'
import { closedUntil } from '../../src/account/throttle.ts'
import { byOperator, logIn } from './acts.ts'
import type { Character, Story } from './character.ts'
import { programs } from './devices.ts'
import { faraway } from './places.ts'
import type { Strand } from './strand.ts'
import { MINUTE, SECOND } from './time.ts'

/** How often in a story somebody guesses, on average, and the share of all events that may be spent on that. */
const ATTACKS = 1.5
const ATTACKED_SHARE = 0.08
/** The share of people that asks to be erased. */
const ERASED = 0.004

/** Guesses at a machine's pace, from far away, until they stop by themselves or the account locks. */
export function* attacks(who: Character, story: Story): Strand {
  const { random } = who
  const { lockAfterFailures } = story.limits
  const attacked = Math.min(ATTACKS, (ATTACKED_SHARE * story.eventsEach) / lockAfterFailures)
  let at = who.joinsAt + MINUTE
  for (;;) {
    at += random.exponential((story.ends - story.begins) / attacked)
    if (at > story.ends) return
    const client = { place: random.pick(faraway), host: random.whole(2, 254), userAgent: random.pick(programs) }
    const tries = random.whole(3, lockAfterFailures + 5)
    for (let tried = 0; tried < tries && closedUntil(who.state, at, story.limits) === 0; tried++) {
      yield logIn(at, client, story, randomUUID(), false)
      at += random.between(1, 5) * SECOND
    }
    if (closedUntil(who.state, at, story.limits) > 0 && random.chance(0.2)) {
      at += random.between(5, 25) * MINUTE
      yield byOperator(at, 'unlock')
    }
  }
}

/** Some leave for good, after a while. */
export function* farewell(who: Character, story: Story): Strand {
  if (!who.random.chance(ERASED)) return
  yield byOperator(who.random.between((who.joinsAt + story.ends) / 2, story.ends), 'erase')
}
