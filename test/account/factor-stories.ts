/** Events, facts and commands about the second factor that many tests begin with. */
import type { CodeFact, CommandOf, PasswordFact, SessionClaim, TotpFact } from '../../src/account/commands.ts'
import type { DataOf } from '../../src/account/events.ts'
import {
  challengeId,
  codeListId,
  enrollmentId,
  eventId,
  iso,
  minutes,
  type PastEvent,
  START,
  sessionId,
} from './given.ts'
import { aSecret, by, loggedIn, registered } from './stories.ts'

/** The step whose code confirmed the enrolment in `withFactor`. */
export const STEP = 1_000

export const enrollmentStarted = (n = 1, { at = START, forMs = minutes(10) } = {}): PastEvent => ({
  type: 'user.2fa:enrollment_started',
  data: { enrollmentId: enrollmentId(n), expiresAt: iso(at + forMs) },
  at,
})

export const enabled = (n = 1, { generation = 1, at = START } = {}): PastEvent => ({
  type: 'user.2fa:enabled',
  data: {
    enrollmentId: enrollmentId(n),
    step: STEP,
    codeListId: codeListId(n),
    rotated: { sessionId: sessionId(1), generation },
  },
  at,
})

export const disabled = (generation: number | 'operator' = 2): PastEvent => ({
  type: 'user.2fa:disabled',
  data:
    generation === 'operator'
      ? { enrollmentId: enrollmentId(1), by: 'operator', rotated: null }
      : { enrollmentId: enrollmentId(1), by: 'owner', rotated: { sessionId: sessionId(1), generation } },
})

/** Three events: registered, signed in as session 1, and its factor is on; the token is of generation 1. */
export const withFactor = (): readonly PastEvent[] => [registered(), loggedIn(1), enabled()]

export const codeUsed = (index: number, remaining: number, list = 1): PastEvent => ({
  type: 'user.2fa:backup_code_used',
  data: { codeListId: codeListId(list), index, remaining },
})

export const codesGenerated = (list: number): PastEvent => ({
  type: 'user.2fa:backup_codes_generated',
  data: { codeListId: codeListId(list) },
})

export const reauthenticated = (
  step: number | null,
  { generation = 1, at = START }: { readonly generation?: number; readonly at?: number } = {},
): PastEvent => ({
  type: 'user:reauthenticated',
  data: {
    sessionId: sessionId(1),
    method: step === null ? 'password' : 'totp',
    step,
    rotated: { sessionId: sessionId(1), generation },
  },
  at,
})

export const totp = (step: number, enrollment = 1): TotpFact => ({
  kind: 'totpMatched',
  enrollmentId: enrollmentId(enrollment),
  step,
})

export const wrongTotp = (enrollment = 1): TotpFact => ({
  kind: 'totpMismatched',
  enrollmentId: enrollmentId(enrollment),
})

export const backupCode = (index: number, list = 1): CodeFact => ({
  kind: 'backupCodeMatched',
  codeListId: codeListId(list),
  index,
})

export const wrongBackupCode = (list = 1): CodeFact => ({ kind: 'backupCodeMismatched', codeListId: codeListId(list) })

/** Begins session 9. In `withFactor` the credentials are of epoch 1. */
export const completeLogIn = (
  fact: CodeFact,
  { challenge = 1, credentialEpoch = 1 }: { readonly challenge?: number; readonly credentialEpoch?: number } = {},
): CommandOf<'completeLogIn'> => ({
  kind: 'completeLogIn',
  challenge: { id: challengeId(challenge), credentialEpoch },
  fact,
  sessionId: sessionId(9),
  tokenHash: aSecret('token hash'),
  client: null,
})

/** Of session 9, begun with the code of a second factor. */
export const signInWithCode = (
  method: 'totp' | 'backup_code',
  step: number | null,
  challenge = 1,
): DataOf<'user:logged_in'> => ({
  sessionId: sessionId(9),
  method,
  challengeId: challengeId(challenge),
  step,
  unfamiliar: [],
})

export const matched = (passwordEvent = 0): PasswordFact => ({
  kind: 'passwordMatched',
  passwordEventId: eventId(passwordEvent),
})

export const mismatched = (passwordEvent = 0): PasswordFact => ({
  kind: 'passwordMismatched',
  passwordEventId: eventId(passwordEvent),
})

export const reauthenticate = (
  fact: PasswordFact | TotpFact,
  claim: SessionClaim = by(1),
): CommandOf<'reauthenticate'> => ({ kind: 'reauthenticate', by: claim, fact, tokenHash: aSecret('new token hash') })

export const disableTwoFactor = (
  password: PasswordFact,
  code?: CodeFact,
  claim: SessionClaim = by(1, 1),
): CommandOf<'disableTwoFactor'> => ({
  kind: 'disableTwoFactor',
  by: claim,
  password,
  ...(code === undefined ? {} : { code }),
  tokenHash: aSecret('new token hash'),
})
