import type { AccountSession } from '../api/types.ts'
import type { LiveNews } from '../live/live.ts'

type SessionNews = Extract<LiveNews, { readonly kind: 'session-started' | 'session-ended' }>

/** The list of active or ended sessions after a session began or ended. The same news twice change nothing more. */
export const withNews = (
  listed: 'active' | 'ended',
  items: readonly AccountSession[],
  news: SessionNews,
): AccountSession[] => {
  if (news.kind === 'session-ended')
    return listed === 'active' ? items.filter(({ id }) => id !== news.data.id) : [...items]
  if (listed === 'ended' || items.some(({ id }) => id === news.data.id)) return [...items]
  // The current one stays first.
  const first = items[0]?.current ? 1 : 0
  return [...items.slice(0, first), news.data, ...items.slice(first)]
}
