export interface SessionFetchOptions {
  readonly fetch: (request: Request) => Promise<Response>
  readonly now: () => number
  /** A request that needs a session was answered 401, for good. */
  readonly onSignedOut: (code: string) => void
}

/** How long after a new token a 401 may be the echo of the old one. */
const ECHO_MS = 5_000

/** Commands whose answer brings a new token. */
const ROTATING: readonly (readonly [method: string, path: RegExp])[] = [
  ['POST', /^\/v1\/auth\/(login|two-factor|reauthenticate)$/],
  ['PUT', /^\/v1\/me\/password$/],
  ['POST', /^\/v1\/me\/two-factor\/(disable|enrollments\/[^/]+\/verify)$/],
]

/**
 * `fetch` that knows sessions. A request that left with the old token while a command brought a new one is refused,
 * though nobody was signed out: within five seconds of the new token it is sent once more. Any other 401 of a session is
 * its end.
 */
export const createSessionFetch = ({ fetch, now, onSignedOut }: SessionFetchOptions) => {
  let rotating: Promise<unknown> | undefined
  let rotatedAt = Number.NEGATIVE_INFINITY

  const rotate = async (request: Request): Promise<Response> => {
    const sent = fetch(request)
    rotating = sent.catch(() => undefined)
    const response = await sent
    if (response.ok) rotatedAt = now()
    return response
  }

  return async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    const isRotating = ROTATING.some(([method, path]) => request.method === method && path.test(pathname))
    // A body can be sent once only.
    const again = request.clone()
    const first = await (isRotating ? rotate(request) : fetch(request))
    if (first.status !== 401 || (await endOf(first)) === null) return first
    await rotating
    const response = now() - rotatedAt < ECHO_MS ? await fetch(again) : first
    const end = response.status === 401 ? await endOf(response) : null
    if (end !== null) onSignedOut(end)
    return response
  }
}

/** The code of an answer that says that the session is over; null where it speaks of something else, such as a password. */
const endOf = async (response: Response): Promise<string | null> => {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => null)
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined
  return code === 'unauthenticated' || code === 'session-ended' || code === 'session-expired' ? code : null
}
