import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { listBuilds, requestRebuild } from '../../src/projector/builds.ts'
import { askRelease, listParked, parkStream } from '../../src/projector/parking.ts'
import { openProgress, type Progress } from '../../src/projector/progress.ts'
import type { Projection } from '../../src/projector/row-operation.ts'
import { registerProjections } from '../../src/projector/schema.ts'
import { append, expectedTables, fill, ledger } from './ledger.ts'
import { checkpoint, type Harness, openHarness, tables, until, untilAt } from './support.ts'

let harness: Harness
let progress: Progress
/** As long as it is set, events of type `poison` fail. */
let failing: boolean
beforeEach(async () => {
  harness = await openHarness()
  await registerProjections(harness.pool, [ledger])
  progress = openProgress(harness)
  failing = true
})
afterEach(async () => {
  await progress.close()
  await harness.close()
})

const fragile: Projection<RecordedEvent> = {
  ...ledger,
  apply: (event) => ledger.apply(failing || event.type !== 'poison' ? event : { ...event, type: 'happened' }),
}
const run = (options = {}) => harness.run({ projection: fragile, onFailure: 'park', ...options })
const parked = () => listParked(harness.pool, 'ledger')
const untilParked = (count: number) => until(parked, (streams) => streams.length === count)
const revisionsOf = async (stream: string) => {
  const { rows } = await harness.pool.query('select revision from read.lines where stream = $1 order by 1', [stream])
  return rows.map(({ revision }) => revision as number)
}

test('a stream whose event cannot be projected is left aside in order, and all others go on', async () => {
  const { store, pool, lines } = harness
  await fill(store, 70)
  await append(store, 's4', 'poison', { secret: 'ann@example.org' })
  await append(store, 's4', 'happened')
  const last = await fill(store, 70)
  run()
  await untilAt(pool, last)
  expect(await parked()).toMatchObject([
    { stream: 's4', revision: '10', type: 'poison', fault: { error: 'TypeError', message: null }, releaseAsked: false },
  ])
  expect(await revisionsOf('s4')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(await revisionsOf('s3')).toHaveLength(20)
  expect(await checkpoint(pool)).toMatchObject({ state: 'running' })
  expect(lines.filter(({ level }) => level === 50)).toHaveLength(1)
  expect(JSON.stringify([await parked(), lines])).not.toContain('ann@')
  expect([await progress.isParked('ledger', 's4'), await progress.isParked('ledger', 's3')]).toEqual([true, false])
})

test('whoever has waited for the position of an event that was parked is told so', async () => {
  const { store, pool } = harness
  run()
  await untilAt(pool, await append(store, 's1', 'happened'))
  expect(await progress.isParked('ledger', 's1')).toBe(false)
  const position = await append(store, 's1', 'poison')
  expect(await progress.waitFor('ledger', position, 5_000)).toBe('reached')
  expect(await progress.isParked('ledger', 's1')).toBe(true)
})

test('a release projects what has gathered, in order, and what arrives meanwhile comes behind it', async () => {
  const { store, pool } = harness
  await fill(store, 14)
  await append(store, 's4', 'poison')
  run()
  await untilParked(1)
  for (let count = 0; count < 1_200; count += 1) await append(store, 's4', 'happened')
  failing = false
  const arriving = (async () => {
    for (let count = 0; count < 50; count += 1) await append(store, 's4', 'happened')
  })()
  expect(await askRelease(pool, 'ledger', 's4')).toBe(1)
  await arriving
  await untilParked(0)
  await untilAt(pool, await append(store, 's4', 'happened'))
  expect(await revisionsOf('s4')).toEqual(Array.from({ length: 1_254 }, (_, index) => index))
  expect((await tables(pool)).heads).toEqual((await expectedTables(store)).heads)
  await until(
    () => progress.isParked('ledger', 's4'),
    (still) => !still,
  )
})

test('a release that fails again leaves the stream parked, further on', async () => {
  const { store, pool } = harness
  await append(store, 's1', 'poison')
  await append(store, 's1', 'happened')
  await append(store, 's1', 'indigestible')
  await append(store, 's1', 'happened')
  run()
  await untilParked(1)
  failing = false
  await untilAt(pool, 4n)
  await askRelease(pool, 'ledger')
  await until(parked, ([stream]) => stream?.revision === '2' && !stream.releaseAsked)
  expect(await parked()).toMatchObject([
    { stream: 's1', type: 'indigestible', fault: { code: '22003' }, releaseAsked: false },
  ])
  expect(await revisionsOf('s1')).toEqual([0, 1])
})

test('an event of a newer release parks nobody: the projection waits for a process that knows it', async () => {
  const { store, pool } = harness
  await append(store, 's1', 'poison')
  run({ isForNewer: (error: unknown) => error instanceof TypeError })
  await until(
    () => checkpoint(pool),
    ({ state }) => state === 'halted',
  )
  expect(await parked()).toEqual([])
  failing = false
  run({ owner: 'newer' })
  await untilAt(pool, 1n)
  expect(await revisionsOf('s1')).toEqual([0])
})

test('where very many streams fail, it is the projection that is at fault: it halts', async () => {
  const { store, pool } = harness
  for (let stream = 0; stream < 101; stream += 1) await append(store, `s${stream}`, 'poison')
  run()
  await until(
    () => checkpoint(pool),
    ({ state }) => state === 'halted',
  )
  expect(await parked()).toHaveLength(100)
})

test('another owner goes on with what is parked; a build that would lose one more stream is refused', async () => {
  const { store, pool } = harness
  await fill(store, 20)
  await append(store, 's4', 'poison')
  const first = run()
  await untilParked(1)
  await first.stop()
  run()
  await untilAt(pool, await append(store, 's4', 'happened'))
  expect(await revisionsOf('s4')).toEqual([0, 1, 2])
  failing = false
  await askRelease(pool, 'ledger')
  await untilParked(0)
  failing = true
  await requestRebuild(pool, fragile)
  const [build] = await until(
    () => listBuilds(pool, 'ledger'),
    ([newest]) => newest?.stage === 'refused',
  )
  expect(build).toMatchObject({ parked: 1, report: { equal: false, parked: ['s4'] } })
})

test('a release is asked of the live build alone: what a kept one has left aside stays as it is', async () => {
  const { store, pool } = harness
  await fill(store, 14)
  await append(store, 's4', 'poison')
  run()
  await untilParked(1)
  await requestRebuild(pool, fragile)
  await until(
    () => listBuilds(pool, 'ledger'),
    ([newest, kept]) => newest?.stage === 'live' && kept?.stage === 'kept' && kept.parked === 1,
  )
  failing = false
  expect(await askRelease(pool, 'ledger')).toBe(1)
  await untilParked(0)
  const [, kept] = await listBuilds(pool, 'ledger')
  expect(kept).toMatchObject({ stage: 'kept', parked: 1, releaseAsked: false })
  expect(await askRelease(pool, 'ledger', 's4')).toBe(0)
})

test('an operator can leave a stream aside by hand', async () => {
  const { store, pool } = harness
  run()
  await untilAt(pool, await fill(store, 14))
  expect(await parkStream(pool, store, 'ledger', 's4')).toBe(true)
  await append(store, 's4', 'happened')
  await untilAt(pool, await append(store, 's5', 'happened'))
  expect(await revisionsOf('s4')).toEqual([0, 1])
  await askRelease(pool, 'ledger', 's4')
  await untilParked(0)
  expect(await revisionsOf('s4')).toEqual([0, 1, 2])
})
