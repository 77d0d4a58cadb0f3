/** The things a person can try, as the commands that the server would make of them. */
import { randomUUID } from 'node:crypto'
import type {
  FieldValues,
  FreshPasswordFact,
  PasswordFact,
  SessionClaim,
  TotpFact,
} from '../../src/account/commands.ts'
import type { Secret } from '../../src/account/events.ts'
import type { AccountState } from '../../src/account/state.ts'
import { coarseClientOf } from '../../src/commands/coarse-client.ts'
import { hashBackupCodes, newBackupCodes } from '../../src/secrets/backup-codes.ts'
import { hashTokenSecret, newTokenSecret } from '../../src/secrets/session-token.ts'
import type { Act, Client, Password, Story } from './character.ts'
import type { Person } from './people.ts'

const tokenHash = () => hashTokenSecret(newTokenSecret())

const passwordFact = (state: AccountState, right: boolean): PasswordFact => ({
  kind: right ? 'passwordMatched' : 'passwordMismatched',
  passwordEventId: state.password?.eventId ?? null,
})

/** Time steps of 30 seconds (RFC 6238). */
const totpFact = (enrollmentId: string, at: number, right: boolean): TotpFact =>
  right
    ? { kind: 'totpMatched', enrollmentId, step: Math.floor(at / 30_000) }
    : { kind: 'totpMismatched', enrollmentId }

/** No longer live: generation 0 is as good as any, the account refuses. */
const claimOf = (state: AccountState, sessionId: string, sudo = false): SessionClaim => ({
  sessionId,
  generation: state.sessions.find(({ id }) => id === sessionId)?.generation ?? 0,
  ...(sudo ? { sudo: true as const } : {}),
})

const compared = ({ password, formerPasswords }: AccountState): FreshPasswordFact => ({
  kind: 'newPasswordCompared',
  passwordEventIds: [password, ...formerPasswords].flatMap((held) => (held === null ? [] : [held.eventId])),
  reuses: null,
})

export const register = (at: number, from: Client, { email, name }: Person, { hash }: Password): Act => ({
  ...{ at, from, actor: 'user', sessionId: null },
  command: () => ({ kind: 'register', email, name, passwordHash: hash }),
})

/** With a second factor on, the right password alone leaves nothing behind: then `completeLogIn` follows. */
export const logIn = (at: number, from: Client, story: Story, sessionId: string, right: boolean): Act => ({
  ...{ at, from, actor: 'user', sessionId: null },
  command: (state) => ({
    kind: 'logIn',
    fact: passwordFact(state, right),
    sessionId,
    tokenHash: tokenHash(),
    client: coarseClientOf(story.contextOf(from)),
  }),
})

export const completeLogIn = (
  at: number,
  from: Client,
  story: Story,
  sessionId: string,
  how: 'right' | 'wrong' | 'backupCode',
): Act => ({
  ...{ at, from, actor: 'user', sessionId: null },
  command: (state) => {
    const { twoFactor } = state
    const codes = twoFactor?.codes
    const index = [...Array(10).keys()].find((each) => !codes?.used.some((used) => used.index === each))
    return {
      kind: 'completeLogIn',
      challenge: { id: randomUUID(), credentialEpoch: state.credentialEpoch },
      fact:
        how === 'backupCode' && codes !== undefined && index !== undefined
          ? { kind: 'backupCodeMatched', codeListId: codes.listId, index }
          : totpFact(twoFactor?.enrollmentId ?? '', at, how !== 'wrong'),
      sessionId,
      tokenHash: tokenHash(),
      client: coarseClientOf(story.contextOf(from)),
    }
  },
})

export const expire = (at: number, sessionId: string, limit: 'idle' | 'absolute'): Act => ({
  ...{ at, from: null, actor: 'system', sessionId: null },
  command: () => ({ kind: 'expireSession', sessionId, limit }),
})

export const requestReset = (at: number, from: Client): Act => ({
  ...{ at, from, actor: 'anonymous', sessionId: null },
  command: () => ({ kind: 'requestPasswordReset' }),
})

export const resetPassword = (at: number, from: Client, { hash }: Password): Act => ({
  ...{ at, from, actor: 'user', sessionId: null },
  command: (state) => ({
    kind: 'resetPassword',
    resetId: state.reset?.eventId ?? '',
    fresh: compared(state),
    passwordHash: hash,
  }),
})

export const byOperator = (at: number, kind: 'unlock' | 'erase'): Act => ({
  ...{ at, from: null, actor: 'operator', sessionId: null },
  command: () =>
    kind === 'erase' ? { kind, as: 'operator', fact: { kind: 'noLegalHold' } } : { kind, as: 'operator' },
})

/** From inside a session, by whoever uses that device. */
export interface Seat {
  readonly client: Client
  readonly sessionId: string
}

const act = (at: number, { client: from, sessionId }: Seat, command: Act['command']): Act => ({
  ...{ at, from, sessionId, actor: 'user', command },
})

export const logOut = (at: number, seat: Seat): Act =>
  act(at, seat, (state) => ({ kind: 'logOut', by: claimOf(state, seat.sessionId) }))

export const reauthenticate = (at: number, seat: Seat, right: boolean): Act =>
  act(at, seat, (state) => ({
    kind: 'reauthenticate',
    by: claimOf(state, seat.sessionId),
    fact: state.twoFactor === null ? passwordFact(state, right) : totpFact(state.twoFactor.enrollmentId, at, right),
    tokenHash: tokenHash(),
  }))

export const changePassword = (
  at: number,
  seat: Seat,
  { right, keepOtherSessions }: { readonly right: boolean; readonly keepOtherSessions: boolean },
  { hash }: Password,
): Act =>
  act(at, seat, (state) => ({
    kind: 'changePassword',
    by: claimOf(state, seat.sessionId),
    fact: passwordFact(state, right),
    keepOtherSessions,
    fresh: compared(state),
    passwordHash: hash,
    tokenHash: tokenHash(),
  }))

export const startEnrollment = (at: number, seat: Seat, enrollmentId: string, totpSecret: Secret): Act =>
  act(at, seat, (state) => ({
    kind: 'startEnrollment',
    by: claimOf(state, seat.sessionId, true),
    enrollmentId,
    totpSecret,
  }))

export const verifyEnrollment = (
  at: number,
  seat: Seat,
  { enrollmentId, right }: { readonly enrollmentId: string; readonly right: boolean },
  totpSecret: Secret,
): Act =>
  act(at, seat, (state) => ({
    kind: 'verifyEnrollment',
    by: claimOf(state, seat.sessionId),
    fact: totpFact(enrollmentId, at, right),
    totpSecret,
    codeListId: randomUUID(),
    backupCodes: hashBackupCodes(newBackupCodes()),
    tokenHash: tokenHash(),
  }))

export const regenerateCodes = (at: number, seat: Seat): Act =>
  act(at, seat, (state) => ({
    kind: 'regenerateBackupCodes',
    by: claimOf(state, seat.sessionId, true),
    codeListId: randomUUID(),
    backupCodes: hashBackupCodes(newBackupCodes()),
  }))

export const disableTwoFactor = (at: number, seat: Seat): Act =>
  act(at, seat, (state) => ({
    kind: 'disableTwoFactor',
    by: claimOf(state, seat.sessionId),
    password: passwordFact(state, true),
    code: totpFact(state.twoFactor?.enrollmentId ?? '', at, true),
    tokenHash: tokenHash(),
  }))

export const revoke = (at: number, seat: Seat, revoked: string): Act =>
  act(at, seat, (state) => ({ kind: 'revokeSession', by: claimOf(state, seat.sessionId), sessionId: revoked }))

export const revokeOthers = (at: number, seat: Seat): Act =>
  act(at, seat, (state) => ({ kind: 'revokeOtherSessions', by: claimOf(state, seat.sessionId) }))

export const update = (at: number, seat: Seat, kind: 'updateProfile' | 'updatePreferences', values: FieldValues): Act =>
  act(at, seat, (state) => ({
    kind,
    by: claimOf(state, seat.sessionId),
    version: (kind === 'updateProfile' ? state.profile : state.preferences).version,
    values,
  }))
