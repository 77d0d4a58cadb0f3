import { inject } from 'vue'
import type { Preferences } from '../api/types.ts'
import { useApi } from '../api/use-api.ts'
import { need } from '../components/need.ts'
import { preferencesKey } from './preferences.ts'
import { useSettingsForm } from './settings-form.ts'

/** Preferences and Formatting are two screens over the same thing. */
export const usePreferencesForm = () => {
  const { client, ask } = useApi()
  const current = need(inject(preferencesKey), 'preferences')
  const form = useSettingsForm<Preferences>({
    get: () => ask(client.GET('/v1/me/preferences', { headers: { 'X-Background': '1' } })),
    change: (body, etag) => ask(client.PATCH('/v1/me/preferences', { body, params: { header: { 'If-Match': etag } } })),
  })
  return {
    ...form,
    async save(): Promise<void> {
      const saved = await form.save()
      if (saved !== null) current.set(saved)
    },
  }
}
