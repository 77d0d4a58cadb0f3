import { type InjectionKey, readonly, ref } from 'vue'
import { type ApiClient, type Outcome, outcomeOf } from '../api/client.ts'
import type { Preferences } from '../api/types.ts'
import { messages } from '../messages.ts'

/** The preferences that everything is shown by. */
export type CurrentPreferences = ReturnType<typeof createPreferences>
export const preferencesKey: InjectionKey<CurrentPreferences> = Symbol('preferences')

/** As of the server, until they are loaded. */
const defaults: Preferences = {
  language: 'en',
  timeZone: 'UTC',
  dateFormat: 'YYYY-MM-DD',
  relativeTime: true,
  decimalSeparator: '.',
  precision: 2,
  itemsPerPage: 50,
  showTestData: false,
}

export const createPreferences = (client: ApiClient) => {
  const current = ref<Preferences>(defaults)
  return {
    current: readonly(current),
    async load(): Promise<Outcome<Preferences>> {
      const outcome = await outcomeOf(client.GET('/v1/me/preferences'), messages.problems)
      if (outcome.kind === 'done') current.value = outcome.data
      return outcome
    },
    set(preferences: Preferences): void {
      current.value = preferences
    },
  }
}
