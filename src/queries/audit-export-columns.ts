/**
 * A row of the audit log as it leaves in an export. PostgreSQL writes it, since Node would need several times as long:
 * a line of JSON has the fields of an AuditEvent, a line of CSV the same without nesting.
 *
 * A cell that a spreadsheet would take for a formula gets an apostrophe in front of it (OWASP, CSV injection). Times,
 * ids and our own words cannot begin so, and JSON begins with a brace. The hash of a session is free text: whoever else
 * writes into the store may put anything there.
 *
 * `erased` are people whose erasure is under way: what is personal is in their rows until the projector, or the sweeper,
 * comes to them, and is left out.
 */
import { type AliasedRawBuilder, type RawBuilder, type SqlBool, sql } from 'kysely'

export const csvColumns = (
  named: boolean,
  erased: readonly string[],
): readonly AliasedRawBuilder<unknown, string>[] => [
  sql.ref('id').as('id'),
  ...(named ? [sql.ref('user_id').as('userId')] : []),
  sql.ref('sequence').as('sequence'),
  sql.ref('code').as('code'),
  sql.ref('message').as('message'),
  sql.ref('outcome').as('outcome'),
  sql`${instant} || 'Z'`.as('occurredAt'),
  cell('ip', erased).as('ip'),
  cell('country').as('country'),
  cell('region', erased).as('region'),
  cell('city', erased).as('city'),
  sql.ref('device_type').as('deviceType'),
  cell('browser_name').as('browserName'),
  cell('browser_version').as('browserVersion'),
  cell('os_name').as('osName'),
  cell('os_version').as('osVersion'),
  cell('user_agent', erased).as('userAgent'),
  cell('session_hash').as('sessionHash'),
  sql.ref('session_id').as('sessionId'),
  sql.ref('actor').as('actor'),
  sql.ref('data').as('data'),
]

/**
 * One object without a line break in it. `before` stands before it.
 *
 * Nearly all rows have a client, and no text with anything in it to escape: they are written in one go, after one look
 * at all their texts together. The others are written with care, which calls to_json for each text.
 */
export const jsonLine = (named: boolean, before: '' | ',', erased: readonly string[]): RawBuilder<string> => {
  const line = (manner: Manner) => concat([before, ...row(named, manner)])
  const first = erased.length === 0 ? sql`` : sql`when ${isOneOf(erased)} then ${line(blanked)}`
  return sql`case ${first} when ${needsNoCare} then ${line(plainly)} else ${line(carefully)} end`
}

/** What an erasure blanks. A test holds the two lists together. */
export const PERSONAL: ReadonlySet<string> = new Set(['ip', 'region', 'city', 'user_agent'])

/** As one constant, which PostgreSQL looks up by hash where it is long. */
const isOneOf = (userIds: readonly string[]): RawBuilder<SqlBool> =>
  sql`user_id = any(${`{${userIds.join(',')}}`}::uuid[])`

/** Text as it is; a value that is never null; or a column as a string of JSON, or null. */
type Part = string | RawBuilder<unknown> | Quoted

interface Quoted {
  /** A column with nothing in it to escape. */
  readonly quoted: string
}

/** How what may be missing, or may hold anything, is written. */
interface Manner {
  /** Text, or null. */
  text(column: string): Part
  /** null where the column is, else an object. */
  where(column: string, members: readonly Part[]): readonly Part[]
}

const carefully: Manner = {
  // Escapes every control below U+0020.
  text: (column) => sql`coalesce(to_json(${sql.ref(column)})::text, 'null')`,
  where: (column, members) => [
    sql`case when ${sql.ref(column)} is null then 'null' else ${concat(['{', ...members, '}'])} end`,
  ],
}

const blanked: Manner = {
  ...carefully,
  text: (column) => (PERSONAL.has(column) ? 'null' : carefully.text(column)),
}

const plainly: Manner = {
  text: (column) => quoted(column),
  where: (_, members) => ['{', ...members, '}'],
}

const row = (named: boolean, { text, where }: Manner): readonly Part[] => [
  ...['{"id":', ...word('id')],
  ...(named ? [',"userId":', quoted('user_id')] : []),
  ...[',"sequence":', sql`coalesce(sequence::text, 'null')`],
  ...[',"code":', ...word('code')],
  ...[',"message":', ...word('message')],
  ...[',"outcome":', ...word('outcome')],
  ...[',"occurredAt":"', instant, 'Z"'],
  ...[',"ip":', text('ip')],
  ',"location":',
  ...where('country', [
    ...['"country":', text('country')],
    ...[',"region":', text('region')],
    ...[',"city":', text('city')],
  ]),
  ...[',"device":', ...where('device_type', ['"type":', ...word('device_type')])],
  ',"browser":',
  ...where('device_type', ['"name":', text('browser_name'), ',"version":', text('browser_version')]),
  ',"os":',
  ...where('device_type', ['"name":', text('os_name'), ',"version":', text('os_version')]),
  ...[',"userAgent":', text('user_agent')],
  ...[',"sessionHash":', text('session_hash')],
  ...[',"sessionId":', quoted('session_id')],
  ...[',"fingerprint":null,"actor":', sql.ref('actor')],
  ...[',"data":', sql.ref('data'), '}'],
]

/** All columns of free text are looked at, and an escape begins with a backslash whatever is escaped. */
const needsNoCare = sql<SqlBool>`country is not null and device_type is not null and to_json(concat(ip, country, region,
  city, browser_name, browser_version, os_name, os_version, user_agent, session_hash))::text not like '%\\\\%'`

/**
 * RFC 3339, UTC, milliseconds: to_char would take as long as all the rest. Times have whole milliseconds, so with a
 * microsecond more they are written with six digits, of which the first three are kept. Wants timezone UTC.
 * The Z is left to whoever puts it there more cheaply.
 */
const instant = sql<string>`translate(left((occurred_at + interval '1 microsecond')::text, 23), ' ', 'T')`

/**
 * Of the catalogue or an enumeration, without which no event is applied, or an id, and never null here: nothing in it
 * to escape. `actor` and `data` come from JSON.stringify, which leaves no line break. To look at them once more would
 * double the time.
 */
const word = (column: string): readonly Part[] => ['"', sql.ref(column), '"']
/** Nothing to escape here either; may be null. */
const quoted = (column: string): Quoted => ({ quoted: column })

/**
 * In halves, and halves of those: a chain of || would copy what there is so far with each part, and format() reads its
 * template anew for each row. What stands before a column that may be null is joined with it: one operator less.
 */
const concat = (parts: readonly Part[]): RawBuilder<string> => {
  const texts: RawBuilder<string>[] = []
  let before = ''
  const flush = (): void => {
    if (before !== '') texts.push(sql`${sql.lit(before)}::text`)
    before = ''
  }
  for (const part of parts) {
    if (typeof part === 'string') {
      before += part
    } else if ('quoted' in part) {
      const [opened, missing] = [sql.lit(`${before}"`), sql.lit(`${before}null`)]
      texts.push(sql`coalesce(${opened} || ${sql.ref(part.quoted)}::text || '"', ${missing})`)
      before = ''
    } else {
      flush()
      texts.push(sql`${part}::text`)
    }
  }
  flush()
  return joined(texts)
}

const joined = (texts: readonly RawBuilder<string>[]): RawBuilder<string> => {
  const [only] = texts
  if (only === undefined) return sql`''`
  if (texts.length === 1) return only
  const middle = texts.length >> 1
  return sql`(${joined(texts.slice(0, middle))} || ${joined(texts.slice(middle))})`
}

/** Code points of = + - @ tab CR LF, and of the full-width = + - @ that some spreadsheets take for them. */
const formulaBegins = [61, 43, 45, 64, 9, 13, 10, 65309, 65291, 65293, 65312]

/** ascii() gives the first code point, in a tenth of the time of a regular expression. */
const cell = (column: string, erased: readonly string[] = []): RawBuilder<string> => {
  const ref = sql.ref(column)
  const dangerous = sql<SqlBool>`ascii(${ref}) in (${sql.join(formulaBegins.map((point) => sql.lit(point)))})`
  const first = erased.length === 0 ? sql`` : sql`when ${isOneOf(erased)} then null`
  return sql`case ${first} when ${dangerous} then '''' || ${ref} else ${ref} end`
}
