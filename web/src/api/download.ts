import { messages } from '../messages.ts'
import type { Outcome } from './client.ts'
import { networkProblem, type Problem, problemOf } from './problem.ts'

export type Ask = (request: Request) => Promise<Response>

/**
 * Has the browser save an answer, however long it is, without holding it in memory. A browser tells no page that a
 * download was refused, so it is asked first without the content (HEAD); what is refused then is told as a problem.
 */
export const download = async (ask: Ask, path: string): Promise<Outcome<undefined>> => {
  const refusal = await refusalOf(ask, path)
  if (refusal !== null) return { kind: 'refused', problem: refusal }
  const link = document.createElement('a')
  link.href = path
  link.download = ''
  link.click()
  return { kind: 'done', data: undefined, etag: null }
}

/** HEAD has no body: what the problem is called is asked for once more, with a GET that is given up at its head if it is none. */
const refusalOf = async (ask: Ask, path: string): Promise<Problem | null> => {
  try {
    const head = await ask(new Request(path, { method: 'HEAD', cache: 'no-store' }))
    if (head.ok) return null
    const giveUp = new AbortController()
    const told = await ask(new Request(path, { cache: 'no-store', signal: giveUp.signal }))
    if (told.ok) {
      giveUp.abort()
      return null
    }
    const body: unknown = await told.json().catch(() => null)
    return problemOf(told.status, body, told.headers.get('Retry-After'), messages.problems)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return networkProblem(messages.problems)
  }
}
