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
    case 'two-factor-required':
      return new Problem(401, 'invalid-credentials')
    case 'login-throttled':
      return throttled(rejection.until, now)
    case 'email-taken':
      return new Problem(409, 'email-taken')
    case 'current-session':
      return new Problem(409, 'current-session')
    case 'session-not-found':
      return new Problem(404, 'not-found')
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
