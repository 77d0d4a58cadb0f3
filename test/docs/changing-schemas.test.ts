/** docs/changing-schemas.md tells of two changes that were made: it must tell what the code does. */
import { readFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { auditlog } from '../../projections/auditlog.ts'
import { runProjectionsCommand } from '../../scripts/projections/command.ts'
import type { ProjectedAccess } from '../../src/account/access-events.ts'
import { currentVersion, type EventType, type ProjectedEvent } from '../../src/account/events.ts'
import { readAccountEvent, upcasters } from '../../src/account/upcast.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { listBuilds } from '../../src/projector/builds.ts'
import type { Projection } from '../../src/projector/row-operation.ts'
import { readFixture } from '../account/golden.ts'
import { newEvent } from '../event-store/helpers.ts'
import { projected, USER } from '../projections/projected-events.ts'
import { openHarness, until, untilAt } from '../projector/support.ts'
import { auditlogV4 } from './auditlog-v4.ts'

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

test('version 3 of the page is the current one, with rows that name no user and have no sequence', () => {
  expect(page).toContain('**Version 3**, the current one')
  expect(auditlog.version).toBe(3)
  expect(auditlog.tables[0]?.columns).toMatchObject({ user_id: { nullable: true }, sequence: { nullable: true } })
})

test('the new version on the page, run beside the current one, adds its column, and differs as the page says', async () => {
  const example = await readFile(new URL('./auditlog-v4.ts', import.meta.url), 'utf8')
  const [shown = 'none'] = /^export const auditlogV4[\s\S]+?^}$/m.exec(page) ?? []
  expect(example).toContain(shown)

  const { store, pool, run, close } = await openHarness()
  onTestFinished(close)
  const types = ['user:logged_in', 'user:unlocked', 'user.session:expired', 'user:login_failed'] as const
  for (const [index, type] of types.entries()) {
    await store.append(`user-${USER}`, [newEvent({}, { type })], index === 0 ? 'none' : BigInt(index - 1))
  }
  run({ projection: overFixtures(auditlog), owner: 'this release' })
  await untilAt(pool, 4n, 'auditlog')
  run({ projection: overFixtures(auditlogV4), owner: 'the next release' })
  await until(
    async () => (await listBuilds(pool, 'auditlog')).map(({ version, stage }) => `${version} ${stage}`),
    (stages) => stages.join() === '4 live,3 kept',
  )
  const { rows } = await pool.query('select code, actor_kind from read.auditlog order by position')
  const kinds = ['user', 'operator', 'system', 'anonymous']
  expect(rows).toEqual(types.map((code, index) => ({ code, actor_kind: kinds[index] })))

  let printed = ''
  const note = (text: string) => {
    printed += text
  }
  const code = await runProjectionsCommand(['diff', 'auditlog'], {
    withWorkshop: (work) =>
      work({
        ...{ pool, store, run: never, verify: never },
        readModel: () => ({ projection: overFixtures(auditlogV4) as never, onFailure: 'halt' }),
      }),
    ...{ out: note, complain: note, onProgress: () => {}, interrupted: new AbortController().signal },
  })
  expect(code).toBe(4)
  expect(page).toContain(`$ npm run projections -- diff auditlog\n${printed}\`\`\``)
})

const never = (): never => {
  throw new Error('diff only looks')
}

/** Events of the store as projections see them: the golden fixture of their type, under their own id and place. */
const overFixtures = ({
  apply,
  ...projection
}: Projection<ProjectedEvent | ProjectedAccess>): Projection<RecordedEvent> => ({
  ...projection,
  apply: ({ id, type, revision, position }) => apply({ ...projected(type as EventType, { position }), id, revision }),
})
