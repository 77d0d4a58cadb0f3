import { type InjectionKey, readonly, ref, shallowRef } from 'vue'
import { type ApiClient, type Outcome, outcomeOf } from '../api/client.ts'
import { isSignedOut } from '../api/problem.ts'
import type { Me } from '../api/types.ts'
import { messages } from '../messages.ts'

/** Who is signed in here, as far as this page knows. The truth is the server's: each request asks it. */
export type Session = ReturnType<typeof createSession>
export const sessionKey: InjectionKey<Session> = Symbol('session')

/** `unknown` until the server was asked; why it is out is told where somebody signs in again. */
type Status = 'unknown' | 'in' | 'out'

export const createSession = (client: ApiClient) => {
  const status = ref<Status>('unknown')
  const me = shallowRef<Me | null>(null)
  /** The code that ended a session that was open here: what the sign-in page explains. */
  const endedBy = ref<string | null>(null)

  const leave = (code: string | null): void => {
    if (status.value === 'in') endedBy.value = code
    me.value = null
    status.value = 'out'
  }

  return {
    status: readonly(status),
    me,
    endedBy: readonly(endedBy),

    /** Asks who is signed in. `background` keeps an abandoned session from being extended. */
    async load({ background = false } = {}): Promise<Outcome<Me>> {
      const headers = background ? { 'X-Background': '1' } : {}
      const outcome = await outcomeOf(client.GET('/v1/me', { headers }), messages.problems)
      if (outcome.kind === 'done') {
        me.value = outcome.data
        status.value = 'in'
        endedBy.value = null
      } else if (isSignedOut(outcome.problem)) {
        leave(outcome.problem.code)
      }
      return outcome
    },

    /** The server has said that the session is over. */
    ended: (code: string) => leave(code),

    async signOut(): Promise<Outcome<unknown>> {
      const outcome = await outcomeOf(client.POST('/v1/auth/logout', {}), messages.problems)
      if (outcome.kind === 'done') {
        leave(null)
        endedBy.value = null
      }
      return outcome
    },
  }
}
