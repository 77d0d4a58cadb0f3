/** docs/changing-schemas.md tells of two changes that were made: it must tell what the code does. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { auditlog } from '../../projections/auditlog.ts'
import { currentVersion } from '../../src/account/events.ts'
import { readAccountEvent, upcasters } from '../../src/account/upcast.ts'
import { readFixture } from '../account/golden.ts'
import { projected, USER } from '../projections/projected-events.ts'

const page = await readFile(new URL('../../docs/changing-schemas.md', import.meta.url), 'utf8')
const code = await readFile(new URL('../../src/account/upcast.ts', import.meta.url), 'utf8')

test('the upcaster on the page is the one in the code', () => {
  const line = /^ +(1: \(data\) => .+)$/m.exec(page)?.[1] ?? 'none'
  expect(code).toContain(line)
  expect(currentVersion('user:logged_in')).toBe(2)
  expect(upcasters['user:logged_in']?.[1]?.({ sessionId: 'a', method: 'password' })).toEqual({
    sessionId: 'a',
    method: 'password',
    challengeId: null,
    step: null,
    unfamiliar: [],
  })
})

test('a stored event of version 1 is seen as version 2', () => {
  const { stored } = readFixture('user.logged_in.v1.json')
  expect(stored.data).not.toHaveProperty('unfamiliar')
  const event = readAccountEvent({ ...stored, revision: BigInt(stored.revision) })
  expect(event.data).toMatchObject({ challengeId: null, step: null, unfamiliar: [] })
})

test('the operation on the page is what version 2 of the audit log does at an erasure', () => {
  expect(auditlog.version).toBeGreaterThanOrEqual(2)
  const [blank] = auditlog.apply(projected('user:erased'))
  expect(blank).toEqual({
    op: 'update',
    table: 'auditlog',
    where: { user_id: USER },
    set: { ip: null, region: null, city: null, user_agent: null },
  })
  expect(page).toContain('set: { ip: null, region: null, city: null, user_agent: null }')
})
