/** One event of each type as projections see them: the golden fixtures, opened. */
import { currentVersion, type EventType, type Personal, type ProjectedEvent } from '../../src/account/events.ts'
import { fixtureName, readFixture } from '../account/golden.ts'

export const USER = '0a000000-0000-4000-8000-000000000001'

export const PERSONAL: Personal = {
  ip: '192.0.2.7',
  userAgent: 'Mozilla/5.0 (iPhone)',
  region: '13',
  city: 'Porto',
  email: 'ada@example.com',
  name: 'Ada',
  values: { phone: 'a secret field value' },
}

export const projected = <T extends EventType>(
  type: T,
  more: { readonly personal?: Personal | 'erased' | null; readonly position?: bigint } = {},
): ProjectedEvent<T> => {
  const { personal: _, credential: __, ...event } = readFixture(fixtureName(type, currentVersion(type))).event
  return { ...event, userId: USER, position: 77n, personal: PERSONAL, ...more } as unknown as ProjectedEvent<T>
}
