/**
 * A row of the audit log as it leaves in an export. PostgreSQL writes it, since Node would need several times as long:
 * a line of JSON has the fields of an AuditEvent, a line of CSV the same without nesting.
 *
 * A cell that a spreadsheet would take for a formula gets an apostrophe in front of it (OWASP, CSV injection). Times,
 * ids, hashes and our own words cannot begin so, and JSON begins with a brace.
 */
import { type AliasedRawBuilder, type RawBuilder, type SqlBool, sql } from 'kysely'

export const csvColumns = (named: boolean): readonly AliasedRawBuilder<unknown, string>[] => [
  sql.ref('id').as('id'),
  ...(named ? [sql.ref('user_id').as('userId')] : []),
  sql.ref('sequence').as('sequence'),
  sql.ref('code').as('code'),
  sql.ref('message').as('message'),
  sql.ref('outcome').as('outcome'),
  instant.as('occurredAt'),
  cell('ip').as('ip'),
  cell('country').as('country'),
  cell('region').as('region'),
  cell('city').as('city'),
  sql.ref('device_type').as('deviceType'),
  cell('browser_name').as('browserName'),
  cell('browser_version').as('browserVersion'),
  cell('os_name').as('osName'),
  cell('os_version').as('osVersion'),
  cell('user_agent').as('userAgent'),
  sql.ref('session_hash').as('sessionHash'),
  sql.ref('session_id').as('sessionId'),
  sql.ref('actor').as('actor'),
  sql.ref('data').as('data'),
]

/** One object without a line break in it: to_json escapes every control below U+0020. `before` stands before it. */
export const jsonLine = (named: boolean, before: '' | ','): RawBuilder<string> =>
  concat([
    ...member(`${before}{"id":`, uuid('id')),
    ...(named ? member(',"userId":', uuid('user_id')) : []),
    ...member(',"sequence":', sql`coalesce(sequence::text, 'null')`),
    ...member(',"code":', word('code')),
    ...member(',"message":', word('message')),
    ...member(',"outcome":', word('outcome')),
    ...member(',"occurredAt":"', instant),
    ...member('","ip":', text('ip')),
    ...member(
      ',"location":',
      where('country', [
        ...member('{"country":', text('country')),
        ...member(',"region":', text('region')),
        ...member(',"city":', text('city')),
      ]),
    ),
    ...member(',"device":', where('device_type', member('{"type":', word('device_type')))),
    ...member(',"browser":', software('browser_name', 'browser_version')),
    ...member(',"os":', software('os_name', 'os_version')),
    ...member(',"userAgent":', text('user_agent')),
    ...member(',"sessionHash":', text('session_hash')),
    ...member(',"sessionId":', uuid('session_id')),
    ...member(',"fingerprint":null,"actor":', sql.ref('actor')),
    ...member(',"data":', sql.ref('data')),
    '}',
  ])

/**
 * RFC 3339, UTC, milliseconds: to_char would take as long as all the rest. Times have whole milliseconds, so with a
 * microsecond more they are written with six digits, of which the first three are kept. Wants timezone UTC.
 */
const instant = sql<string>`translate(left((occurred_at + interval '1 microsecond')::text, 23), ' ', 'T') || 'Z'`

/** Text as it is, or a value. */
type Part = string | RawBuilder<unknown>
const member = (name: string, value: RawBuilder<unknown>): readonly Part[] => [name, value]
const text = (column: string): RawBuilder<string> => sql`coalesce(to_json(${sql.ref(column)}), 'null')`
/**
 * Of the catalogue or an enumeration, without which no event is applied, and never null here: nothing in it to escape.
 * `actor` and `data` come from JSON.stringify, which leaves no line break. To look at them once more would double the time.
 */
const word = (column: string): RawBuilder<string> => sql`'"' || ${sql.ref(column)} || '"'`
const uuid = (column: string): RawBuilder<string> =>
  sql`case when ${sql.ref(column)} is null then 'null' else concat('"', ${sql.ref(column)}, '"') end`

/** Written in one go: a chain of || would copy what there is so far with each part. */
const concat = (parts: readonly Part[]): RawBuilder<string> => {
  const template = parts.map((part) => (typeof part === 'string' ? part.replaceAll('%', '%%') : '%s')).join('')
  return sql`format(${sql.lit(template)}, ${sql.join(parts.filter((part) => typeof part !== 'string'))})`
}

/** null where the column is, else the object. */
const where = (column: string, members: readonly Part[]): RawBuilder<string> =>
  sql`case when ${sql.ref(column)} is null then 'null' else ${concat([...members, '}'])} end`

const software = (name: string, version: string): RawBuilder<string> =>
  where('device_type', [...member('{"name":', text(name)), ...member(',"version":', text(version))])

/** Code points of = + - @ tab CR LF, and of the full-width = + - @ that some spreadsheets take for them. */
const formulaBegins = [61, 43, 45, 64, 9, 13, 10, 65309, 65291, 65293, 65312]

/** ascii() gives the first code point, in a tenth of the time of a regular expression. */
const cell = (column: string): RawBuilder<string> => {
  const ref = sql.ref(column)
  const dangerous = sql<SqlBool>`ascii(${ref}) in (${sql.join(formulaBegins.map((point) => sql.lit(point)))})`
  return sql`case when ${dangerous} then '''' || ${ref} else ${ref} end`
}
