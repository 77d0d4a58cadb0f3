import { type InjectionKey, inject, ref, shallowRef } from 'vue'
import { need } from '../components/need.ts'
import { messages } from '../messages.ts'
import { reauthenticationKey } from '../session/reauthentication.ts'
import { type ApiClient, type Outcome, outcomeOf } from './client.ts'
import { isSignedOut, type Problem } from './problem.ts'

export const apiKey: InjectionKey<ApiClient> = Symbol('api')
/** For what is no JSON: downloads. */
export const fetchKey: InjectionKey<(request: Request) => Promise<Response>> = Symbol('fetch')

/** The API, and what turns its answers into outcomes. */
export const useApi = () => {
  const client = need(inject(apiKey), 'api')
  return {
    client,
    ask: <Data>(answer: Parameters<typeof outcomeOf<Data>>[0]) => outcomeOf(answer, messages.problems),
  }
}

/**
 * One form or button: is it at work, and what was refused. What is typed stays, whatever happens; a proof of identity is
 * asked for where the command needs one.
 */
export const useCommand = () => {
  const reauthentication = need(inject(reauthenticationKey), 'reauthentication')
  const busy = ref(false)
  const problem = shallowRef<Problem | null>(null)
  return {
    busy,
    problem,
    /** The outcome where it is done, null where it was refused, called off, or is under way already. */
    async run<Data>(
      command: () => Promise<Outcome<Data>>,
    ): Promise<{ readonly data: Data; readonly etag: string | null } | null> {
      if (busy.value) return null
      busy.value = true
      problem.value = null
      try {
        const outcome = await reauthentication.run(command)
        if (outcome?.kind === 'done') return outcome
        // Whose session is over is led to the sign-in page, which says why.
        if (outcome !== null && !isSignedOut(outcome.problem)) problem.value = outcome.problem
        return null
      } finally {
        busy.value = false
      }
    },
  }
}

/** Something that is shown: loaded, loading, or why it could not be. What was loaded before stays meanwhile. */
export const useQuery = <Data>(load: () => Promise<Outcome<Data>>) => {
  const data = shallowRef<Data | null>(null)
  const etag = ref<string | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const loading = ref(false)
  let latest = 0
  return {
    data,
    etag,
    problem,
    loading,
    async load(): Promise<void> {
      latest += 1
      const mine = latest
      loading.value = true
      const outcome = await load()
      // Answers may overtake each other: the last question counts.
      if (mine !== latest) return
      loading.value = false
      if (outcome.kind === 'done') {
        data.value = outcome.data
        etag.value = outcome.etag
        problem.value = null
      } else {
        problem.value = isSignedOut(outcome.problem) ? null : outcome.problem
      }
    },
  }
}
