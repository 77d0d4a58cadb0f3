import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ENDED_SESSIONS,
  type EndedSession,
  endedSessions,
  noneEnded,
  whyEnded,
  withEnded,
} from '../../src/account/ended.ts'
import { endCauses } from '../../src/account/events.ts'
import { sessionId } from './given.ts'

const anyReason = fc.constantFrom(
  'logged_out' as const,
  'revoked' as const,
  'expired' as const,
  'erased' as const,
  ...endCauses,
)
const anySession = fc.record({ id: fc.uuid(), reason: anyReason }, { noNullPrototype: true })
const ended = (sessions: readonly EndedSession[]) => sessions.reduce(withEnded, noneEnded)

describe('the ended sessions of an account', () => {
  it('are all there, in their order, each with its reason', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anySession, { selector: ({ id }) => id, maxLength: 50 }),
        fc.uuid(),
        (sessions, other) => {
          const text = ended(sessions)
          expect(endedSessions(text)).toStrictEqual(sessions)
          for (const { id, reason } of sessions) expect(whyEnded(text, id)).toBe(reason)
          if (!sessions.some(({ id }) => id === other)) expect(whyEnded(text, other)).toBeUndefined()
        },
      ),
    )
  })

  it('are the last thousand', () => {
    const sessions = Array.from({ length: ENDED_SESSIONS + 2 }, (_, n) => ({
      id: sessionId(n),
      reason: 'limit' as const,
    }))
    expect(endedSessions(ended(sessions))).toStrictEqual(sessions.slice(2))
  })

  it('are not found by what begins in the middle of one and ends in the next', () => {
    // Two entries whose bytes, read across their border, are a third id: `l` between them is one of its characters.
    const text = ended([
      { id: idOf('AAAAAAAAAAABBBBBBBBBBA'), reason: 'revoked' },
      { id: idOf('CCCCCCCCCCCDDDDDDDDDDA'), reason: 'logged_out' },
      { id: idOf('BBBBBBBBBBAlCCCCCCCCCA'), reason: 'guessing' },
    ])
    expect(text).toContain('BBBBBBBBBBAlCCCCCCCCCC')
    expect(whyEnded(text, idOf('BBBBBBBBBBAlCCCCCCCCCA'))).toBe('guessing')
    const across = ended([
      { id: idOf('AAAAAAAAAAABBBBBBBBBBA'), reason: 'revoked' },
      { id: idOf('CCCCCCCCCACDDDDDDDDDDA'), reason: 'logged_out' },
    ])
    expect(across).toContain('BBBBBBBBBBAlCCCCCCCCCA')
    expect(whyEnded(across, idOf('BBBBBBBBBBAlCCCCCCCCCA'))).toBeUndefined()
  })

  it('are not found by what is no id at all', () => {
    const text = ended([{ id: sessionId(1), reason: 'revoked' }])
    for (const id of ['', 'r', sessionId(1).slice(1), `${sessionId(1)}0`, sessionId(1).replaceAll('-', '')]) {
      expect(whyEnded(text, id)).toBeUndefined()
    }
  })
})

const idOf = (key: string): string =>
  Buffer.from(key, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
