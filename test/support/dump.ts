/** Everything an installation holds, as text, and a search in it for what must not be there. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { TestDatabase } from './server.ts'

export interface DumpedPart {
  /** A table, a file, or the other store. */
  readonly name: string
  readonly text: string
}

/**
 * Every row of every table of every schema, what ANALYZE keeps of their values when it is run now, every event of the
 * EventStoreDB where there is one, every file of the folders with its name. Counts of tries by client address are left
 * out: they live for a minute.
 */
export const dump = async (
  { connection, eventStore }: Pick<TestDatabase, 'connection' | 'eventStore'>,
  folders: readonly string[],
): Promise<readonly DumpedPart[]> => [
  ...(await dumpTables(connection)),
  ...(eventStore === undefined ? [] : [{ name: 'EventStoreDB', text: textOf(eventStore.log.all) }]),
  ...(await Promise.all(folders.map(dumpFolder))).flat(),
]

const dumpTables = async (connection: TestDatabase['connection']): Promise<readonly DumpedPart[]> => {
  const client = new pg.Client(connection)
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        where relkind in ('r', 'p', 'm') and nspname !~ '^pg_' and nspname <> 'information_schema'
          and (nspname, relname) <> ('vault', 'address_limits') order by 1`,
    )
    const parts: DumpedPart[] = []
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(
        `select t::text || ' ' || to_json(t)::text as row from ${name} t`,
      )
      parts.push({ name, text: rows.map(({ row }) => row).join('\n') })
    }
    await client.query('analyze')
    const { rows } = await client.query<{ row: string }>(
      "select s::text as row from pg_stats s where schemaname !~ '^pg_' and schemaname <> 'information_schema'",
    )
    return [...parts, { name: 'pg_stats', text: rows.map(({ row }) => row).join('\n') }]
  } finally {
    await client.end()
  }
}

const dumpFolder = async (folder: string): Promise<readonly DumpedPart[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name)
        return { name: path, text: `${path}\n${await readFile(path, 'latin1')}` }
      }),
  )
}

/** Bytes as they are, or the search would not see what is in them. */
export const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, part) => {
    if (typeof part === 'bigint') return String(part)
    if (part instanceof Uint8Array) return Buffer.from(part).toString('latin1')
    const isBuffer = typeof part === 'object' && part !== null && part.type === 'Buffer' && Array.isArray(part.data)
    return isBuffer ? Buffer.from(part.data).toString('latin1') : part
  })

export interface Found {
  readonly needle: string
  readonly as: string
  readonly in: string
}

/** Where a needle is, in whatever of some usual forms. */
export const findIn = (parts: readonly DumpedPart[], needles: readonly string[]): readonly Found[] =>
  needles.flatMap((needle) =>
    formsOf(needle).flatMap(([as, form]) =>
      parts.filter(({ text }) => contains(text, form)).map((part) => ({ needle, as, in: part.name })),
    ),
  )

const contains = (text: string, form: string): boolean => text.toLowerCase().includes(form.toLowerCase())

const formsOf = (needle: string): readonly (readonly [string, string])[] => {
  const bytes = Buffer.from(needle)
  return [
    ['text', needle],
    ['text as its bytes', bytes.toString('latin1')],
    ['JSON', JSON.stringify(needle).slice(1, -1)],
    ['a URL', encodeURIComponent(needle)],
    ['hex', bytes.toString('hex')],
    ['UTF-16', Buffer.from(needle, 'utf16le').toString('latin1')],
    ...[0, 1, 2].flatMap((offset): (readonly [string, string])[] => {
      const middle = base64Inside(bytes, offset)
      return [
        [`base64 at ${offset}`, middle],
        [`base64url at ${offset}`, middle.replaceAll('+', '-').replaceAll('/', '_')],
      ]
    }),
  ]
}

/** What base64 makes of it wherever it begins in a longer text: without the digits that its neighbours have a part in. */
const base64Inside = (bytes: Buffer, offset: number): string => {
  const shifted = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  return shifted.slice(offset === 0 ? 0 : offset + 1, shifted.length - ((offset + bytes.length) % 3 === 0 ? 0 : 1))
}
