/** Downloads of programs, which end with their token, and where they show a person also with an erasure. */
import type { TokenHolder } from '../../secrets/access-tokens.ts'
import type { Api } from './api.ts'
import type { Download } from './downloads.ts'

export const untilRevoked = (api: Api, { id }: TokenHolder, open: Download['open']): Download => ({
  owner: `token ${id}`,
  open,
  mayGoOn: () => api.tokens.isValid(id),
})

/**
 * What shows that person, or anybody (null), as they were when it was read: an erasure ends it, for it would go on
 * showing what was erased for as long as somebody takes to read it.
 */
export const untilErased = (api: Api, auth: TokenHolder, userId: string | null, open: Download['open']): Download => {
  let isOutdated = false
  return {
    ...untilRevoked(api, auth, open),
    follow: (heard) =>
      api.erasures.follow((erased) => {
        isOutdated ||= userId === null || erased === undefined || userId === erased
        heard()
      }),
    mayGoOn: async () => !isOutdated && (await api.tokens.isValid(auth.id)),
  }
}
