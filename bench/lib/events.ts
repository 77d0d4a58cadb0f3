import { randomBytes, randomUUID } from 'node:crypto'
import type { NewEvent, NonEmpty } from '../../src/event-store/port.ts'

/** An event as the product writes them: about 450 bytes of JSON, most of it metadata with a sealed box. */
export function someEvent(): NewEvent {
  return {
    id: randomUUID(),
    type: 'user:logged_in',
    data: { sessionId: SESSION, method: 'password' },
    metadata: {
      schemaVersion: 1,
      correlationId: SESSION,
      occurredAt: new Date().toISOString(),
      client: { country: 'DE', deviceType: 'desktop', browser: 'Firefox', os: 'Linux' },
      commit: COMMIT,
      boxes: { personal: BOX },
    },
  }
}

export function someEvents(count: number): NonEmpty<NewEvent> {
  return [someEvent(), ...Array.from({ length: count - 1 }, someEvent)]
}

const SESSION = randomUUID()
const COMMIT = randomBytes(32).toString('base64url')
const BOX = randomBytes(100).toString('base64url')
