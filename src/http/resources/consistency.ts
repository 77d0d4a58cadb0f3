/**
 * Reading your own writes: a command answers with a Consistency-Token, a query that brings it waits until the read
 * model has got there. Browsers carry it in a cookie of ten seconds without doing anything.
 */
import { z } from 'zod'
import { streamOf } from '../../accounts/accounts.ts'
import type { Position } from '../../event-store/port.ts'
import { hostCookie } from '../cookies.ts'
import { invalidRequest, Problem } from '../problem.ts'
import type { Problems } from '../problem-codes.ts'
import type { RequestInfo } from '../request-info.ts'
import type { Api } from './api.ts'

const PURPOSE = 'consistency'
const COOKIE = '__Host-consistency'
const COOKIE_SECONDS = 10

export const consistencyHeader = z.strictObject({
  'Consistency-Token': z.string().optional().meta({ description: 'From a command: wait until its effect is visible.' }),
})

export const consistencyProblems = {
  400: ['invalid-request'],
  503: ['projection-behind', 'projection-halted', 'store-unavailable'],
} as const satisfies Problems

export const commandHeaders = { 'Consistency-Token': "Bring it with a query to see this command's effect." }

/** Headers and cookie of a command's answer. */
export const consistencyOf = (
  { sealer }: Api,
  position: Position | null,
): { readonly headers: Record<string, string>; readonly cookies: readonly string[] } => {
  if (position === null) return { headers: {}, cookies: [] }
  const token = sealer.seal(PURPOSE, String(position))
  return { headers: { 'Consistency-Token': token }, cookies: [hostCookie(COOKIE, token, COOKIE_SECONDS)] }
}

/**
 * Throws Problem 400 for a token that is none of ours, 503 where the read model does not get there in time. Without a token,
 * a read model that is being made for the first time of a history that is there already is not shown in part: 503.
 */
export const awaitConsistency = async (api: Api, projection: string, request: RequestInfo): Promise<void> => {
  const position = wantedPosition(api, request)
  if (position === null) {
    if (await api.progress.isPartial(projection)) throw new Problem(503, 'projection-behind')
    return
  }
  const reached = await api.progress.waitFor(projection, position, api.consistencyWaitMs, request.signal)
  if (reached === 'behind') throw new Problem(503, 'projection-behind')
  if (reached === 'halted') throw new Problem(503, 'projection-halted')
}

/** Throws Problem 503 where the read model has left this person's events aside: the rows are not up to date. */
export const mustNotBeParked = async (api: Api, projection: string, userId: string): Promise<void> => {
  if (await api.progress.isParked(projection, streamOf(userId))) throw new Problem(503, 'projection-halted')
}

/** The header is asked for on purpose, so a bad one is an error; a stale cookie of another key is not. */
const wantedPosition = ({ sealer }: Api, request: RequestInfo): Position | null => {
  const header = request.header('Consistency-Token')
  if (header !== undefined) {
    const payload = sealer.open(PURPOSE, header)
    if (payload === null) {
      throw invalidRequest({
        pointer: '#/header/Consistency-Token',
        code: 'invalid',
        detail: 'This is not a token that a command of this installation has answered with.',
      })
    }
    return BigInt(payload)
  }
  const cookie = request.cookie(COOKIE)
  const payload = cookie === undefined ? null : sealer.open(PURPOSE, cookie)
  return payload === null ? null : BigInt(payload)
}
