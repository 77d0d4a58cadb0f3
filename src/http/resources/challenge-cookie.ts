/** The cookie between the two steps of signing in. It opens nothing but the second step. */
import { type Challenge, openChallenge, sealChallenge } from '../../secrets/challenge.ts'
import { clearedHostCookie, hostCookie } from '../cookies.ts'
import type { RequestInfo } from '../request-info.ts'
import type { Api } from './api.ts'

const CHALLENGE_COOKIE = '__Host-challenge'

export const challengeCookie = ({ sealer, services }: Api, challenge: Challenge): string => {
  const seconds = Math.ceil((challenge.expiresAt - services.now()) / 1_000)
  return hostCookie(CHALLENGE_COOKIE, sealChallenge(sealer, challenge), seconds)
}

export const clearedChallengeCookie = (): string => clearedHostCookie(CHALLENGE_COOKIE)

/** null: there is none, or none of ours. */
export const challengeOf = ({ sealer }: Api, request: RequestInfo): Challenge | null => {
  const cookie = request.cookie(CHALLENGE_COOKIE)
  return cookie === undefined ? null : openChallenge(sealer, cookie)
}
