/** What people do once they are in: most often nothing that leaves a trace. */
import { randomUUID } from 'node:crypto'
import {
  changePassword,
  disableTwoFactor,
  reauthenticate,
  regenerateCodes,
  revoke,
  revokeOthers,
  type Seat,
  startEnrollment,
  update,
  verifyEnrollment,
} from './acts.ts'
import type { Character, Story } from './character.ts'
import { isLive, type Scene, withNextPassword } from './strand.ts'
import { MINUTE, SECOND } from './time.ts'

/** Tells when it was over. */
export function* somethingDone(who: Character, story: Story, seat: Seat, begins: number): Scene<number> {
  const { random } = who
  const at = begins + random.between(5, 90) * SECOND
  const wish = random.next()
  if (wish < 0.05) yield update(at, seat, 'updatePreferences', somePreference(who))
  else if (wish < 0.065) yield update(at, seat, 'updateProfile', { phone: somePhone(who) })
  else if (wish < 0.08) return yield* securedMore(who, story, seat, at)
  else if (wish < 0.09) return yield* passwordChanged(who, story, seat, at)
  else if (wish < 0.1 || (wish < 0.3 && who.state.sessions.length > 1)) yield* tidiedUp(who, seat, at)
  else return begins
  return at
}

/** Looks through the sessions, and ends what is not needed any more. */
function* tidiedUp({ random, state }: Character, seat: Seat, at: number): Scene<void> {
  const other = state.sessions.find(({ id }) => id !== seat.sessionId)
  if (random.chance(0.3)) yield revokeOthers(at, seat)
  else if (other !== undefined) yield revoke(at, seat, other.id)
}

/** Identity confirmed first, as the sudo window asks for; then the second factor, on or off or with new codes. */
function* securedMore(who: Character, story: Story, seat: Seat, begins: number): Scene<number> {
  const { random } = who
  let at = begins
  if (random.chance(0.1)) {
    yield reauthenticate(at, seat, false)
    at += random.between(5, 30) * SECOND
  }
  // A code is good once: that of the log-in has gone by then.
  at += who.state.twoFactor === null ? 0 : MINUTE
  yield reauthenticate(at, seat, true)
  if (!isLive(who, seat.sessionId)) return at
  at += random.between(10, 60) * SECOND
  if (who.state.twoFactor === null) return random.chance(0.5) ? yield* factorSetUp(who, story, seat, at) : at
  const wish = random.next()
  if (wish < 0.3) yield regenerateCodes(at, seat)
  else if (wish < 0.5) {
    at += MINUTE
    yield disableTwoFactor(at, seat)
  }
  return at
}

function* factorSetUp({ random }: Character, { totpSecret }: Story, seat: Seat, begins: number): Scene<number> {
  const enrollmentId = randomUUID()
  yield startEnrollment(begins, seat, enrollmentId, totpSecret)
  let at = begins + random.between(20, 120) * SECOND
  // Somebody who has no app at hand leaves it at that.
  if (random.chance(0.1)) return at
  if (random.chance(0.15)) {
    yield verifyEnrollment(at, seat, { enrollmentId, right: false }, totpSecret)
    at += random.between(10, 40) * SECOND
  }
  yield verifyEnrollment(at, seat, { enrollmentId, right: true }, totpSecret)
  return at
}

function* passwordChanged(who: Character, story: Story, seat: Seat, begins: number): Scene<number> {
  const { random } = who
  const keepOtherSessions = random.chance(0.3)
  let at = begins
  if (random.chance(0.15)) {
    yield* withNextPassword(who, story, (next) => changePassword(at, seat, { right: false, keepOtherSessions }, next))
    at += random.between(5, 30) * SECOND
  }
  yield* withNextPassword(who, story, (next) => changePassword(at, seat, { right: true, keepOtherSessions }, next))
  return at
}

const somePhone = ({ random }: Character): string => `+49${random.whole(1_000_000_000, 9_999_999_999)}`

const somePreference = ({ random, person }: Character): Readonly<Record<string, string | number | boolean>> =>
  random.pick<Readonly<Record<string, string | number | boolean>>>([
    { timeZone: person.home.timeZone },
    { itemsPerPage: random.pick([20, 50, 100]) },
    { relativeTime: random.chance(0.5) },
    { dateFormat: random.pick(['DD.MM.YYYY', 'DD/MM/YYYY', 'MM/DD/YYYY']), decimalSeparator: random.pick([',', '.']) },
    { language: random.pick(['en', 'de', 'fr', 'es']) },
  ])
