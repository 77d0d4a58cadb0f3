/**
 * The name under which a session is shown in lists and in the audit log: a keyed hash of its id. It stays the same
 * when the session's token rotates, and opens nothing.
 */
import { createHmac } from 'node:crypto'
import type { Vault } from './vault.ts'

export type SessionHash = (sessionId: string) => string

export const openSessionHash = (vault: Vault): SessionHash => {
  const key = vault.key('session-hash')
  return (sessionId) => createHmac('sha256', key).update(sessionId).digest('hex').slice(0, 40)
}
