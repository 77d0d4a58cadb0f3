import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineOf } from '../../src/projector/copy-line.ts'
import { ProjectionFault } from '../../src/projector/fault.ts'
import { type Step, stepOf } from '../../src/projector/fold.ts'
import { layoutsOf } from '../../src/projector/layout.ts'
import { StepPacker, stepsIn } from '../../src/projector/page-steps.ts'
import type { RowOperation, Table } from '../../src/projector/row-operation.ts'

const notes: Table = {
  name: 'notes',
  columns: { id: { type: 'integer' }, text: { type: 'text', nullable: true }, at: { type: 'bigint' } },
  primaryKey: ['id'],
  indexes: [],
}
const marks: Table = { name: 'marks', columns: { mark: { type: 'text' } }, primaryKey: ['mark'], indexes: [] }
const layouts = layoutsOf({ name: 'packed', version: 1, tables: [notes, marks] })

const id = fc.integer({ min: 0, max: 9 })
// Up to what needs a larger buffer than the first, in all lengths of UTF-8.
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '\t', '\n', '\\', 'é', '漢', '😀'), maxLength: 20 }),
  fc.constantFrom('x'.repeat(40_000), '漢'.repeat(40_000)),
)
const operation: fc.Arbitrary<RowOperation> = fc.oneof(
  fc.record({
    op: fc.constant('insert' as const),
    table: fc.constant('notes'),
    row: fc.record({ id, text: fc.option(text), at: fc.bigInt({ min: 0n, max: 9n }) }),
  }),
  fc.record({ op: fc.constant('insert' as const), table: fc.constant('marks'), row: fc.record({ mark: text }) }),
  fc.record({
    op: fc.constant('update' as const),
    table: fc.constant('notes'),
    key: fc.record({ id }),
    set: fc.record({ text: fc.option(text) }),
  }),
  fc.record({
    op: fc.constant('update' as const),
    table: fc.constant('notes'),
    where: fc.record({ at: fc.constant(1n) }),
    set: fc.record({ text: fc.constant(null) }),
  }),
  fc.record({ op: fc.constant('delete' as const), table: fc.constant('notes'), where: fc.record({ id }) }),
)

/** Texts compare quickly, and where they differ it can be read. */
const legible = (step: Step): unknown => (step.op === 'insert' ? { ...step, row: String(step.row) } : step)

describe('the steps of a page', () => {
  it('come out of their packing as they went in, table by table', () => {
    const packer = new StepPacker(layouts)
    fc.assert(
      fc.property(fc.array(fc.array(operation, { maxLength: 3 }), { maxLength: 12 }), (events) => {
        packer.begin()
        for (const operations of events) packer.add(operations)
        const page = packer.end(events.length)
        expect(page.events).toBe(events.length)
        const steps = events.flat().map((one) => stepOf(layouts, one, lineOf))
        for (const layout of layouts.values()) {
          const table = page.tables.find((one) => one.table === layout.name)
          const unpacked = table ? [...stepsIn(table, layout)] : []
          expect(unpacked.map(legible)).toEqual(steps.filter((step) => step.layout === layout).map(legible))
        }
      }),
      { numRuns: 200 },
    )
  })

  it('are none of a page that was given up halfway', () => {
    const packer = new StepPacker(layouts)
    packer.begin()
    packer.add([{ op: 'insert', table: 'marks', row: { mark: 'left' } }])
    expect(() => packer.add([{ op: 'insert', table: 'marks', row: { mark: 7 as never } }])).toThrow(ProjectionFault)
    packer.begin()
    packer.add([{ op: 'insert', table: 'marks', row: { mark: 'new' } }])
    const [table] = packer.end(1).tables
    expect(table).toMatchObject({ keys: ['new'], ends: [4] })
  })
})
