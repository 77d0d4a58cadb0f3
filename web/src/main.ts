/** The composition root of the page. */
import { createApp, watch } from 'vue'
import App from './App.vue'
import { createApiClient, REQUEST_LIMIT_MS } from './api/client.ts'
import { createSessionFetch } from './api/session-fetch.ts'
import { apiKey, fetchKey } from './api/use-api.ts'
import { createPreferences, preferencesKey } from './format/preferences.ts'
import { createLive, liveKey } from './live/live.ts'
import { createPageRouter } from './router.ts'
import { createReauthentication, reauthenticationKey } from './session/reauthentication.ts'
import { createSession, sessionKey } from './session/session.ts'
import './styles/element-plus.ts'
import './styles/base.css'
import './styles/shell.css'
import './styles/forms.css'
import './styles/lists.css'
import './styles/parts.css'
import './styles/narrow.css'
import './styles/print.css'

const sessionFetch = createSessionFetch({
  fetch: (request) =>
    fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(REQUEST_LIMIT_MS)]) }),
  now: () => Date.now(),
  onSignedOut: (code) => session.ended(code),
})
const client = createApiClient(location.origin, sessionFetch)
const session = createSession(client)
const preferences = createPreferences(client)
const reauthentication = createReauthentication()
const live = createLive({
  open: () => new EventSource('/v1/me/events'),
  check: () => session.load({ background: true }),
  document,
})
const router = createPageRouter(session)

watch(session.status, (status) => {
  if (status === 'in') {
    live.start()
    void preferences.load()
    return
  }
  live.stop()
  reauthentication.settle(false)
  const here = router.currentRoute.value
  if (here.meta.access === 'signed-in') {
    void router.push({ name: 'sign-in', query: here.fullPath === '/sessions' ? {} : { next: here.fullPath } })
  }
})

createApp(App)
  .provide(apiKey, client)
  .provide(fetchKey, sessionFetch)
  .provide(sessionKey, session)
  .provide(preferencesKey, preferences)
  .provide(reauthenticationKey, reauthentication)
  .provide(liveKey, live)
  .use(router)
  .mount('#app')
