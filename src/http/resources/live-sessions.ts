/**
 * Which listed sessions can still act. One past a limit has not ended on record until someone meets it, but showing it
 * as active would be untrue.
 */
import type { Api } from './api.ts'

export const lastAccessOf = (
  session: { readonly id: string; readonly signedInAt: number },
  accesses: ReadonlyMap<string, number>,
): number => Math.max(session.signedInAt, accesses.get(session.id) ?? 0)

export const isLive = (
  { services }: Api,
  session: { readonly id: string; readonly signedInAt: number },
  accesses: ReadonlyMap<string, number>,
): boolean => {
  const now = services.now()
  if (now >= session.signedInAt + services.limits.sessionAbsoluteMs) return false
  return now - lastAccessOf(session, accesses) < services.session.idleMs
}
