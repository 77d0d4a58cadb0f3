/** What the account refuses, in the terms of the HTTP contract. */
import type { Rejection } from '../../account/commands.ts'
import type { PasswordProblem } from '../../secrets/password-policy.ts'
import { invalidRequest, Problem } from '../problem.ts'

export const rejectionProblem = (rejection: Rejection, now: number): Problem => {
  switch (rejection.code) {
    case 'unauthenticated':
      return new Problem(401, 'unauthenticated')
    case 'session-expired':
      return new Problem(401, 'session-expired')
    case 'session-ended':
      return new Problem(401, 'session-ended')
    case 'invalid-credentials':
      return new Problem(401, 'invalid-credentials')
    case 'challenge-expired':
      return new Problem(401, 'challenge-expired')
    case 'login-throttled':
      return throttled(rejection.until, now)
    case 'too-many-requests':
      return new Problem(429, 'too-many-requests', { retryAfterSeconds: (rejection.until - now) / 1_000 })
    case 'reauthentication-required':
      return new Problem(403, 'reauthentication-required')
    case 'totp-required':
      return new Problem(403, 'code-invalid', {
        detail: 'The second factor is on: a code from the authenticator app is needed.',
      })
    case 'email-taken':
      return new Problem(409, 'email-taken')
    case 'current-session':
      return new Problem(409, 'current-session')
    case 'two-factor-already-enabled':
      return new Problem(409, 'two-factor-already-enabled')
    case 'two-factor-not-enabled':
      return new Problem(409, 'two-factor-not-enabled')
    case 'legal-hold':
      return new Problem(409, 'legal-hold')
    case 'session-not-found':
    case 'account-not-found':
      return new Problem(404, 'not-found')
    case 'token-invalid':
      return new Problem(410, 'token-invalid')
    case 'enrollment-expired':
      return new Problem(410, 'enrollment-expired')
    case 'version-stale':
      return new Problem(412, 'precondition-failed')
    case 'password-reused':
      return new Problem(422, 'password-reused')
    case 'idempotency-mismatch':
      return new Problem(422, 'idempotency-mismatch')
    case 'fact-stale':
      return new Problem(409, 'conflict')
  }
}

export const throttled = (until: number, now: number): Problem =>
  new Problem(429, 'login-throttled', { retryAfterSeconds: (until - now) / 1_000 })

/** Too long is a matter of the request's form; all else is policy. */
export const passwordProblem = (problems: readonly PasswordProblem[], pointer: string): Problem => {
  const [first] = problems
  if (first === undefined) throw new Error('a refused password has a reason')
  const errors = problems.map(({ code, detail }) => ({ pointer, code, detail }))
  if (first.code === 'password-too-long') return invalidRequest({ pointer, ...first })
  return new Problem(422, first.code, { detail: first.detail, errors })
}
