import { afterEach, beforeEach, expect, test } from 'vitest'
import { StoreUnavailable } from '../../src/event-store/port.ts'
import { append, fill, ledger } from './ledger.ts'
import { type CapturedLog, checkpoint, type Harness, openHarness, tables, until, untilAt } from './support.ts'

let harness: Harness
beforeEach(async () => {
  harness = await openHarness()
})
afterEach(() => harness.close())

const untilHalted = () =>
  until(
    () => checkpoint(harness.pool),
    (row) => row.state === 'halted',
  )
const alerts = ({ lines }: CapturedLog) => lines.filter((line) => line.level === 50)

for (const { kind, fault } of [
  { kind: 'poison', fault: { error: 'TypeError', message: null } },
  { kind: 'indigestible', fault: { error: 'DatabaseError', code: '22003', message: null } },
]) {
  test(`halts in front of an event of type ${kind}, with everything before it committed`, async () => {
    const { store, pool } = harness
    await fill(store, 300)
    const at = await append(store, 's4', kind, { secret: 'ann@example.org' })
    await fill(store, 300)
    const projector = harness.run()
    const row = await untilHalted()
    expect(row).toMatchObject({ position: '300', halted_at: String(at), owner: null })
    expect((await tables(pool)).lines).toHaveLength(300)
    expect(row.halted).toMatchObject({ position: String(at), type: kind, stream: 's4', fault })
    expect(row.halted?.eventId).toMatch(/^[0-9a-f-]{36}$/)
    await until(
      () => projector.status().state,
      (state) => state === 'halted',
    )
    const [alert, ...others] = alerts(harness)
    expect(others).toEqual([])
    expect(alert).toMatchObject({ projection: 'ledger', position: String(at), type: kind, stream: 's4', fault })
    expect(JSON.stringify([row.halted, harness.lines])).not.toContain('ann@example.org')
  })
}

test('halts where an event cannot be decoded, without its text in the log', async () => {
  const { store } = harness
  await fill(store, 40)
  harness.run({
    decode: async (event) => (event.position === 33n ? JSON.parse('{"email": ann@example.org}') : event),
  })
  const row = await untilHalted()
  expect(row).toMatchObject({ position: '32', halted_at: '33', halted: { fault: { error: 'SyntaxError' } } })
  expect(JSON.stringify([row.halted, harness.lines])).not.toContain('ann@')
})

test('halts where the store holds something that is not an event', async () => {
  const { store } = harness
  await fill(store, 21)
  store.corruptEvent('s2', 1n)
  harness.run()
  const row = await untilHalted()
  expect(row).toMatchObject({ position: '9', halted_at: '10', halted: { eventId: null, type: 'happened' } })
})

test('halts where an operation does not fit its table', async () => {
  const { store } = harness
  harness.run({
    projection: { ...ledger, apply: () => [{ op: 'update', table: 'heads', key: { stream: 's1' }, set: { nope: 1 } }] },
  })
  await fill(store, 1)
  const row = await untilHalted()
  expect(row.halted).toMatchObject({ fault: { error: 'ProjectionFault', message: 'heads has no column "nope"' } })
})

test('does not try a halted event again and again, alone or in turns with a process of the same code', async () => {
  const { store, pool } = harness
  await append(store, 's1', 'poison')
  harness.run({ owner: 'first', leaseSeconds: 0.2 })
  harness.run({ owner: 'second', leaseSeconds: 0.2 })
  // Each has tried it once.
  await until(
    () => alerts(harness).length,
    (count) => count === 2,
  )
  const before = await checkpoint(pool)
  const waits = (await pool.query<{ now: Date }>("select clock_timestamp() + interval '1 second' as now")).rows[0]?.now
  await until(
    () => Date.now(),
    (now) => now > Number(waits),
  )
  expect(await checkpoint(pool)).toEqual(before)
  expect(alerts(harness)).toHaveLength(2)
})

test('a restart tries the event again', async () => {
  const { store, pool } = harness
  await append(store, 's1', 'poison')
  const first = harness.run()
  await untilHalted()
  await first.stop()
  harness.run()
  await until(
    () => alerts(harness).length,
    (count) => count === 2,
  )
  expect((await checkpoint(pool)).position).toBeNull()
})

test('a process of newer code that stands by takes over where the old one halted', async () => {
  const { store, pool } = harness
  await fill(store, 10)
  const old = harness.run({ owner: 'old' })
  await untilAt(pool, 10n)
  const mended = {
    ...ledger,
    apply: (event: Parameters<typeof ledger.apply>[0]) => (event.type === 'poison' ? [] : ledger.apply(event)),
  }
  const next = harness.run({ owner: 'new', projection: mended })
  await append(store, 's1', 'poison')
  await untilAt(pool, await append(store, 's2', 'happened'))
  expect(await checkpoint(pool)).toMatchObject({ state: 'running', halted: null, halted_at: null })
  expect(next.status().state).toBe('running')
  expect(old.status().state).not.toBe('running')
})

test('an error that passes is not taken for a fault of the event', async () => {
  const { store, pool } = harness
  await fill(store, 10)
  let failures = 3
  const projector = harness.run({
    decode: async (event) => {
      if (event.position !== 7n || failures === 0) return event
      failures -= 1
      throw new Error('the vault is away', { cause: new StoreUnavailable('notCommitted') })
    },
  })
  await untilAt(pool, 10n)
  expect(projector.status()).toMatchObject({ state: 'running', retries: 3 })
  expect(alerts(harness)).toEqual([])
})
