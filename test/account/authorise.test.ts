/** The sudo window. That a session must be live and its token current, sessions.test.ts asks of every command. */
import { describe, expect, it } from 'vitest'
import { authorise } from '../../src/account/authorise.ts'
import type { SessionClaim } from '../../src/account/commands.ts'
import { disabled, enabled, reauthenticated, STEP, withFactor } from './factor-stories.ts'
import { given, LIMITS, minutes, type PastEvent, START } from './given.ts'
import { by, loggedIn, loggedOut, passwordChanged, registered } from './stories.ts'

const needsProof = { code: 'reauthentication-required' }
const ask = (past: readonly PastEvent[], generation: number, at: number, sudo = true) => {
  const claim: SessionClaim = { ...by(1, generation), ...(sudo ? { sudo: true as const } : {}) }
  return authorise(given(past).state, claim, { now: at, limits: LIMITS })
}
const plain = [registered(), loggedIn(1)]
const later = START + minutes(60)

describe('the sudo window', () => {
  it('is open from signing in on, until a millisecond before its end', () => {
    expect(ask(plain, 0, START)).toBeNull()
    expect(ask(plain, 0, START + LIMITS.sudoMs - 1)).toBeNull()
    expect(ask(plain, 0, START + LIMITS.sudoMs)).toStrictEqual(needsProof)
  })

  it('does not concern a command that needs no recent proof', () => {
    expect(ask(plain, 0, START + LIMITS.sudoMs, false)).toBeNull()
  })

  it('opens again with a right proof, of the password or of a code', () => {
    expect(ask([...plain, reauthenticated(null, { at: later })], 1, later)).toBeNull()
    expect(ask([...withFactor(), reauthenticated(STEP + 1, { generation: 2, at: later })], 2, later)).toBeNull()
    expect(ask([...plain, reauthenticated(null, { at: later })], 1, later + LIMITS.sudoMs)).toStrictEqual(needsProof)
  })

  it('opens with a change of the password, and with the factor going on or off: each proves what is needed', () => {
    expect(ask([...plain, passwordChanged(1, 1, { at: later })], 1, later)).toBeNull()
    expect(ask([...plain, enabled(1, { at: later })], 1, later)).toBeNull()
    expect(ask([...withFactor(), { ...disabled(2), at: later }], 2, later)).toBeNull()
  })

  it('stays shut where the password was changed while the factor is on: the password alone proves too little', () => {
    const past = [...withFactor(), passwordChanged(1, 2, { at: later })]
    expect(ask(past, 2, later)).toStrictEqual(needsProof)
    expect(ask(past, 2, later, false)).toBeNull()
  })

  it('stays as open as it was where the password was changed while the factor is on', () => {
    const past = [...withFactor(), passwordChanged(1, 2, { at: START + minutes(5) })]
    expect(ask(past, 2, START + LIMITS.sudoMs - 1)).toBeNull()
    expect(ask(past, 2, START + LIMITS.sudoMs)).toStrictEqual(needsProof)
  })

  it('is that of one session: what another proves opens nothing here', () => {
    const past = [...plain, loggedIn(2, { at: later }), passwordChanged(2, 1, { at: later })]
    expect(ask(past, 0, later)).toStrictEqual(needsProof)
  })

  it('is not what a dead or ended session is told of', () => {
    expect(ask(plain, 7, later)).toStrictEqual({ code: 'unauthenticated' })
    expect(ask([...plain, loggedOut(1)], 0, later)).toStrictEqual({ code: 'session-ended', reason: 'logged_out' })
    expect(ask(plain, 0, START + LIMITS.sessionAbsoluteMs)).toStrictEqual({
      code: 'session-expired',
      limit: 'absolute',
    })
  })

  it('is asked for at the append: what was open when the request came may be shut by then', () => {
    const command = { kind: 'regenerateBackupCodes', codeListId: '', backupCodes: '' as never } as const
    given(withFactor())
      .when({ ...command, by: { ...by(1, 1), sudo: true } }, { at: START + LIMITS.sudoMs })
      .then({ code: 'reauthentication-required' })
  })
})
