import { describe, expect, it } from 'vitest'
import type { Command } from '../../src/account/commands.ts'
import type { Idempotency, NewAccountEvent } from '../../src/account/events.ts'
import { RECENT_COMMANDS } from '../../src/account/state.ts'
import { commandId, given, LIMITS, minutes, type PastEvent, START, sessionId } from './given.ts'
import { by, erased, loggedIn, loggedOut, registered, revoke } from './stories.ts'

const KEY = commandId(900)
const answered: Idempotency = { bodyHash: 'hash of the body', status: 204, body: null, secret: false }
const keyed = (command: Command, bodyHash = answered.bodyHash, id = KEY) =>
  ({ ...command, repeat: { commandId: id, bodyHash } }) as Command

const past = [registered(), loggedIn(1), loggedIn(2), loggedIn(3)]
const revokedUnderKey = (n: number, { at = START, id = KEY, idempotency = answered } = {}): PastEvent => ({
  type: 'user.session:revoked',
  data: { sessionId: sessionId(n), by: 'owner' },
  at,
  commandId: id,
  idempotency,
})
const revocationOf3: NewAccountEvent = {
  type: 'user.session:revoked',
  data: { sessionId: sessionId(3), by: 'owner' },
}

describe('a command under an Idempotency-Key', () => {
  it('is decided like any other the first time', () => {
    given(past)
      .when(keyed(revoke(by(1), 3)))
      .then([revocationOf3])
  })

  it('is answered as before when it comes again', () => {
    given([...past, revokedUnderKey(2)])
      .when(keyed(revoke(by(1), 2)))
      .then({ repeated: answered })
  })

  it('is answered as before even where it would be refused today', () => {
    const withSecret: Idempotency = { ...answered, secret: true }
    given([...past, revokedUnderKey(2, { idempotency: withSecret })])
      .when(keyed(revoke(by(1), 1)))
      .then({ repeated: withSecret })
  })

  it('is refused where the same key comes with another body', () => {
    given([...past, revokedUnderKey(2)])
      .when(keyed(revoke(by(1), 3), 'hash of another body'))
      .then({ code: 'idempotency-mismatch' })
  })

  it('is decided anew under another key', () => {
    given([...past, revokedUnderKey(2)])
      .when(keyed(revoke(by(1), 3), answered.bodyHash, commandId(901)))
      .then([revocationOf3])
  })

  it('is not answered to a session that has no right to ask any more', () => {
    given([...past, revokedUnderKey(2), loggedOut(1)])
      .when(keyed(revoke(by(1), 2)))
      .then({ code: 'session-ended', reason: 'logged_out' })
  })

  it('is remembered for 24 hours, to the millisecond', () => {
    const limits = { sessionAbsoluteMs: 10 * LIMITS.idempotencyMs }
    given([...past, revokedUnderKey(2)])
      .when(keyed(revoke(by(1), 3)), { at: START + LIMITS.idempotencyMs, limits })
      .then({ repeated: answered })
    given([...past, revokedUnderKey(2)])
      .when(keyed(revoke(by(1), 3)), { at: START + LIMITS.idempotencyMs + 1, limits })
      .then([revocationOf3])
  })

  it('is remembered from its last run on where the key was used again after its time', () => {
    const again = START + LIMITS.idempotencyMs + minutes(1)
    given([...past, revokedUnderKey(2), revokedUnderKey(3, { at: again })])
      .when(keyed(revoke(by(1), 2)), {
        at: again + minutes(1),
        limits: { sessionAbsoluteMs: 10 * LIMITS.idempotencyMs },
      })
      .then({ repeated: answered })
  })

  it('is remembered once, by the first of the events it led to', () => {
    const first: PastEvent = revokedUnderKey(2)
    const second: PastEvent = { type: 'user:logged_out', data: { sessionId: sessionId(3) }, commandId: KEY }
    expect(given([...past, first, second]).state.recentCommands).toStrictEqual([
      { commandId: KEY, at: START, idempotency: answered },
    ])
  })

  it('is forgotten behind 256 newer ones', () => {
    const newer = (count: number) =>
      Array.from({ length: count }, (_, n) => revokedUnderKey(2, { id: commandId(2_000 + n) }))
    given([...past, revokedUnderKey(2), ...newer(RECENT_COMMANDS - 1)])
      .when(keyed(revoke(by(1), 3)))
      .then({ repeated: answered })
    given([...past, revokedUnderKey(2), ...newer(RECENT_COMMANDS)])
      .when(keyed(revoke(by(1), 3)))
      .then([revocationOf3])
  })

  it('leaves nothing behind in an erased account', () => {
    const { state } = given([
      ...past,
      revokedUnderKey(2),
      { ...erased, commandId: commandId(5), idempotency: answered },
    ])
    expect(state.recentCommands).toStrictEqual([])
  })
})
