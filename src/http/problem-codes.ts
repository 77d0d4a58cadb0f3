/**
 * Every code an error answer can carry: the statuses it comes with, its title, the sentence that is its `detail`
 * where the thrower has none of its own, and after how many seconds to try again where nothing more exact is known.
 * The OpenAPI document and the pages under /problems are made from this table too. Codes are never renamed.
 */
export const problemCodes = {
  'invalid-request': {
    statuses: [400],
    title: 'The request is not valid',
    detail: 'Something in the request is missing, malformed or not known here; `errors` says what and where.',
  },
  unauthenticated: {
    statuses: [401],
    title: 'Sign in first',
    detail: 'This call needs valid credentials, and the request brought none that are.',
  },
  'session-expired': {
    statuses: [401],
    title: 'The session has expired',
    detail: 'The session was idle for too long or has reached its greatest age. Sign in again.',
  },
  'session-ended': {
    statuses: [401],
    title: 'The session has ended',
    detail: 'The session was ended by signing out, by revoking it or by a change of credentials. Sign in again.',
  },
  'invalid-credentials': {
    statuses: [401, 403],
    title: 'The credentials are not right',
    detail: 'The e-mail address or the password is not right.',
  },
  'code-invalid': {
    statuses: [401, 403, 422],
    title: 'The code is not valid',
    detail: 'The code is wrong, too old, or was used before.',
  },
  'challenge-expired': {
    statuses: [401],
    title: 'The sign-in took too long',
    detail: 'The second step has to follow the first within a few minutes. Start again with e-mail and password.',
  },
  'forbidden-origin': {
    statuses: [403],
    title: 'Requests from this origin are not accepted',
    detail: 'A page of another origin must not change anything here unless the operator has listed that origin.',
  },
  'insufficient-scope': {
    statuses: [403],
    title: 'The access token lacks a scope',
    detail: 'The access token is valid but was not issued for this call.',
  },
  'reauthentication-required': {
    statuses: [403],
    title: 'Confirm that it is you',
    detail: 'This call needs a recent proof of identity: POST /v1/auth/reauthenticate first.',
  },
  'registration-closed': {
    statuses: [403],
    title: 'Registration is closed',
    detail: 'Accounts of this installation are made by its operators.',
  },
  'not-found': {
    statuses: [404],
    title: 'Not found',
    detail: 'There is nothing at this address, or nothing that you may see.',
  },
  'method-not-allowed': {
    statuses: [405],
    title: 'The method is not allowed here',
    detail: 'The address exists, but not with this method; the Allow header lists those that work.',
  },
  'request-timeout': {
    statuses: [408],
    title: 'The request came too slowly',
    detail: 'The request was not complete within the time allowed for it.',
  },
  conflict: {
    statuses: [409],
    title: 'The request conflicts with the present state',
    detail: 'Something else was changed at the same time. Read the present state and decide anew.',
  },
  'already-done': {
    statuses: [409],
    title: 'This was done before',
    detail:
      'A request with this Idempotency-Key was carried out, and its answer held a secret that is shown only once.',
  },
  'email-taken': {
    statuses: [409],
    title: 'The e-mail address is in use',
    detail: 'There is an account with this e-mail address.',
  },
  'two-factor-already-enabled': {
    statuses: [409],
    title: 'The second factor is on already',
    detail: 'Disable the second factor before enrolling a new one.',
  },
  'two-factor-not-enabled': {
    statuses: [409],
    title: 'The second factor is not on',
    detail: 'This account has no second factor.',
  },
  'current-session': {
    statuses: [409],
    title: 'This is the session you are using',
    detail: 'To end the session in use, sign out: POST /v1/auth/logout.',
  },
  'legal-hold': {
    statuses: [409],
    title: 'The account is under legal hold',
    detail: 'The account must not be erased while the hold lasts.',
  },
  'token-invalid': {
    statuses: [410],
    title: 'The link is no longer valid',
    detail: 'The link was used, replaced by a newer one, has expired, or was never ours.',
  },
  'enrollment-expired': {
    statuses: [410],
    title: 'The enrolment has expired',
    detail: 'The enrolment was not confirmed in time, or a newer one replaced it. Start a new one.',
  },
  'precondition-failed': {
    statuses: [412],
    title: 'The resource has changed meanwhile',
    detail: 'If-Match names a version that is not the present one. Read it again and repeat the change.',
  },
  'content-too-large': {
    statuses: [413],
    title: 'The body is too large',
    detail: 'Bodies may have at most 64 KiB.',
  },
  'unsupported-media-type': {
    statuses: [415],
    title: 'The media type is not supported',
    detail: 'Bodies are application/json in UTF-8 and not compressed.',
  },
  'idempotency-mismatch': {
    statuses: [422],
    title: 'The Idempotency-Key was used for another request',
    detail: 'A request with this Idempotency-Key and another body was seen before.',
  },
  'password-too-short': {
    statuses: [422],
    title: 'The password is too short',
    detail: 'The new password is shorter than the policy asks for.',
  },
  'password-blocklisted': {
    statuses: [422],
    title: 'The password is too common',
    detail: 'The new password is on a list of passwords that attackers try first.',
  },
  'password-reused': {
    statuses: [422],
    title: 'The password was used before',
    detail: 'The new password is one of the last ones of this account.',
  },
  'password-context': {
    statuses: [422],
    title: 'The password is easy to guess for this account',
    detail: 'The new password is made of the e-mail address or the name of this product.',
  },
  'password-composition': {
    statuses: [422],
    title: 'The password lacks a kind of character',
    detail: 'The policy asks for at least one letter and one digit.',
  },
  'precondition-required': {
    statuses: [428],
    title: 'If-Match is required',
    detail: 'A change names the version it is based on: send the ETag of your last read as If-Match.',
  },
  'login-throttled': {
    statuses: [429],
    title: 'Too many failed attempts',
    detail: 'Wait for the time in Retry-After, or reset the password.',
    retryAfterSeconds: 60,
  },
  'too-many-requests': {
    statuses: [429],
    title: 'Too many requests',
    detail: 'Wait for the time in Retry-After.',
    retryAfterSeconds: 60,
  },
  'headers-too-large': {
    statuses: [431],
    title: 'The headers are too large',
    detail: 'The request line and the headers together may have at most 32 KiB.',
  },
  'internal-error': {
    statuses: [500],
    title: 'Something broke on our side',
    detail: 'The request could not be answered. The operator finds the cause in the log under the requestId.',
  },
  'store-unavailable': {
    statuses: [503],
    title: 'The store is not available',
    detail: 'The store does not answer at the moment. Nothing is lost; try again.',
    retryAfterSeconds: 2,
  },
  'projection-behind': {
    statuses: [503],
    title: 'The view has not caught up yet',
    detail: 'Your last change is stored, but this view does not show it yet. Try again.',
    retryAfterSeconds: 1,
  },
  'projection-halted': {
    statuses: [503],
    title: 'The view is not being updated',
    detail: 'Changes are stored, but this view cannot show them until an operator has looked after it.',
    retryAfterSeconds: 30,
  },
  overloaded: {
    statuses: [503],
    title: 'Too much to do at the moment',
    detail: 'More requests are waiting than can be answered in reasonable time. Try again.',
    retryAfterSeconds: 2,
  },
} as const satisfies Record<string, ProblemDefinition>

export interface ProblemDefinition {
  readonly statuses: readonly [number, ...number[]]
  readonly title: string
  readonly detail: string
  readonly retryAfterSeconds?: number
}

export type ProblemCode = keyof typeof problemCodes

/** The statuses that `Code` comes with. */
export type StatusOf<Code extends ProblemCode> = (typeof problemCodes)[Code]['statuses'][number]

export type ProblemStatus = StatusOf<ProblemCode>

/** The codes that come with `Status`. */
export type CodeOf<Status extends ProblemStatus> = {
  [Code in ProblemCode]: Status extends StatusOf<Code> ? Code : never
}[ProblemCode]

/** What an endpoint can answer when it refuses: status -> codes. */
export type Problems = { readonly [Status in ProblemStatus]?: readonly CodeOf<Status>[] }

export function problemDefinition(code: ProblemCode): ProblemDefinition {
  return problemCodes[code]
}

export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(problemCodes, text)
}
