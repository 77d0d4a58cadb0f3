import { inject, reactive, ref } from 'vue'
import type { Outcome } from '../api/client.ts'
import { useCommand, useQuery } from '../api/use-api.ts'
import { need } from '../components/need.ts'
import { liveKey } from '../live/live.ts'

export interface SettingsSource<Values> {
  readonly get: () => Promise<Outcome<Values>>
  readonly change: (changes: Partial<Values>, etag: string) => Promise<Outcome<Values>>
}

/**
 * A form over something that has a version: it sends what was changed, based on the version it has seen. What is typed
 * outlives a refusal, and a version from elsewhere too: then only the fields nobody has touched here are renewed.
 */
export const useSettingsForm = <Values extends object>(source: SettingsSource<Values>) => {
  const stored = useQuery(source.get)
  const command = useCommand()
  const fields = reactive<{ values: Values | null }>({ values: null })
  const isSaved = ref(false)

  const touched = (): Partial<Values> => {
    const [before, now] = [stored.data.value, fields.values as Values | null]
    if (before === null || now === null) return {}
    const keys = (Object.keys(now) as (keyof Values)[]).filter((key) => now[key] !== before[key])
    return Object.fromEntries(keys.map((key) => [key, now[key]])) as Partial<Values>
  }

  const load = async () => {
    const kept = touched()
    await stored.load()
    if (stored.data.value === null) return
    fields.values = { ...stored.data.value, ...kept } as typeof fields.values
    if (command.problem.value?.status === 412) command.problem.value = null
  }
  void load()
  need(inject(liveKey), 'live').listen((news) => {
    const isNews = news.kind === 'audit-event' && /^user\.(profile|preferences):updated$/.test(news.data.code)
    if ((isNews || news.kind === 'resumed') && Object.keys(touched()).length === 0) void load()
  })

  return {
    fields,
    loadProblem: stored.problem,
    problem: command.problem,
    busy: command.busy,
    isSaved,
    load,
    hasChanged: () => Object.keys(touched()).length > 0,
    /** The new values where they were saved. */
    async save(): Promise<Values | null> {
      isSaved.value = false
      const done = await command.run(() => source.change(touched(), stored.etag.value ?? ''))
      if (done === null) return null
      stored.data.value = done.data
      stored.etag.value = done.etag
      fields.values = { ...done.data } as typeof fields.values
      isSaved.value = true
      return done.data
    },
  }
}
