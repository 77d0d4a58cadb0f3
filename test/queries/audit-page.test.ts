import fc from 'fast-check'
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import { describe, expect, it } from 'vitest'
import { auditEventView } from '../../src/http/resources/views.ts'
import type { Database } from '../../src/platform/database.ts'
import type { AuditEventRow } from '../../src/queries/audit-events.ts'
import { auditPage } from '../../src/queries/audit-page.ts'

const USER = '0a000000-0000-4000-8000-000000000001'

/** Compiles, and asks no database. */
const db = new Kysely<Database>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (open) => new PostgresIntrospector(open),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

/** As PostgreSQL would send it, in the order that the query asks for. */
const asText = (row: AuditEventRow, { sql }: CompiledQuery): readonly (string | null)[] => {
  const list = sql.slice('select '.length, sql.indexOf(' from "read"'))
  const names = list.split(', ').map((column) => /"(\w+)"$/.exec(column)?.[1] ?? '')
  return names.map((name) => {
    if (name === 'occurred_ms') return String(row.occurred_at.getTime())
    const value = row[name as keyof AuditEventRow]
    return value === null ? null : String(value)
  })
}

const pageOf = (rows: readonly AuditEventRow[], limit: number) => {
  const readTextRows = async (query: CompiledQuery) => rows.map((row) => asText(row, query))
  return auditPage({ db, readTextRows }, USER, {}, { before: null, limit })
}

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }))
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const count = fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }).map(String)
const anyRow: fc.Arbitrary<AuditEventRow> = fc.record({
  id: fc.uuid(),
  user_id: fc.constant(USER),
  sequence: orNull(count),
  position: count,
  code: text,
  message: text,
  outcome: fc.constantFrom('success', 'failure'),
  occurred_at: fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
  ip: orNull(text),
  country: orNull(text),
  region: orNull(text),
  city: orNull(text),
  device_type: orNull(fc.constantFrom('desktop', 'mobile', 'other')),
  browser_name: orNull(text),
  browser_version: orNull(text),
  os_name: orNull(text),
  os_version: orNull(text),
  user_agent: orNull(text),
  session_id: orNull(fc.uuid()),
  session_hash: orNull(text),
  about_session_id: orNull(fc.uuid()),
  actor: fc.record({ kind: fc.constant('user'), id: orNull(text) }).map((actor) => JSON.stringify(actor)),
  data: fc.dictionary(text, fc.jsonValue()).map((data) => JSON.stringify(data)),
})

describe('a page of the audit log', () => {
  it('has lines that say what the view of the same rows says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 4 }), async (rows) => {
        const { lines } = await pageOf(rows, 10)
        expect(lines.map((line) => JSON.parse(line))).toEqual(
          rows.map((row) => JSON.parse(JSON.stringify(auditEventView(row)))),
        )
      }),
    )
  })

  it('goes on behind its last line only where there is more', async () => {
    const rows = fc.sample(anyRow, { numRuns: 3, seed: 1 })
    expect((await pageOf(rows, 3)).nextBefore).toBeNull()
    const shorter = await pageOf(rows, 2)
    expect(shorter.lines).toHaveLength(2)
    expect(shorter.nextBefore).toBe(rows[1]?.position)
  })
})
