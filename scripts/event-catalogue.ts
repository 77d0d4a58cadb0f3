/** Writes docs/events.md from the catalogue in the code, or tells whether it is out of date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { z } from 'zod'
import { accessCatalogue, accessTypes } from '../src/account/access-events.ts'
import {
  catalogue,
  currentVersion,
  type EventType,
  eventTypes,
  metadataSchema,
  personalSchema,
} from '../src/account/events.ts'
import { fixtureName, readFixture } from '../test/account/golden.ts'

const DOCUMENT = fileURLToPath(new URL('../docs/events.md', import.meta.url))

interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly minItems?: number
}

const eventCatalogueDocument = (): string =>
  [
    '# The event catalogue',
    '',
    '<!-- Generated from src/account by `npx tsx scripts/event-catalogue.ts`. Do not edit. -->',
    '',
    'Every fact that Strongroom records about an account is one of these events, in its stream `user-<user id>`. The code',
    'is the event type in the store and the `code` in the audit log; codes and versions stay for ever.',
    '',
    'An event has open `data`, listed below, open `metadata`, and up to two boxes, sealed under the key of the person:',
    '`personal` (who and where) and `credential` (hashes of passwords and tokens, secrets of second factors). A box can be',
    'erased; data and metadata never hold what belongs into one. An event has a personal box wherever a person or a',
    'client stands behind it; which ones have a credential box, the table tells.',
    '',
    '| code | message | outcome | versions | credential box |',
    '|---|---|---|---|---|',
    ...eventTypes.map(overviewRow),
    '',
    '## Open data',
    '',
    ...eventTypes.flatMap(section),
    '## What auditors did',
    '',
    'Events of the streams `access-<token id>`: who reads or exports the history of others is in the history. They have no',
    'boxes, for they hold ids and nothing else of a person.',
    '',
    '| code | message | outcome | versions |',
    '|---|---|---|---|',
    ...accessTypes.map(accessRow),
    '',
    ...accessTypes.flatMap((type) => sectionOf(type, accessCatalogue[type].versions)),
    '## Metadata of every event',
    '',
    ...fieldTable(metadataSchema),
    '',
    '## What a personal box can hold',
    '',
    ...fieldTable(personalSchema),
    '',
  ].join('\n')

const versionsOf = (type: EventType): readonly (readonly [string, z.ZodObject])[] =>
  Object.entries(catalogue[type].versions)

const overviewRow = (type: EventType): string => {
  const { message, outcome } = catalogue[type]
  const versions = versionsOf(type).map(([version]) => version)
  const credential = hasCredential(type) ? 'yes' : 'no'
  return `| \`${type}\` | ${message} | ${outcome} | ${versions.join(', ')} | ${credential} |`
}

/** The catalogue does not say it; the golden fixtures show it, and a test holds them to what the decider gives. */
const hasCredential = (type: EventType): boolean =>
  readFixture(fixtureName(type, currentVersion(type))).event.credential !== null

const accessRow = (type: (typeof accessTypes)[number]): string => {
  const { message, outcome, versions } = accessCatalogue[type]
  return `| \`${type}\` | ${message} | ${outcome} | ${Object.keys(versions).join(', ')} |`
}

const section = (type: EventType): readonly string[] => sectionOf(type, catalogue[type].versions)

const sectionOf = (type: string, versions: Readonly<Record<string, z.ZodObject>>): readonly string[] => [
  `### \`${type}\``,
  '',
  ...Object.entries(versions).flatMap(([version, schema]) => [`Version ${version}:`, '', ...fieldTable(schema), '']),
]

const fieldTable = (schema: z.ZodObject): readonly string[] => {
  const rows = fieldRows(z.toJSONSchema(schema) as JsonSchema, '')
  return rows.length === 0 ? ['No fields.'] : ['| field | value |', '|---|---|', ...rows]
}

/** One row per field, those of objects inside it below it: `rotated.sessionId`. */
const fieldRows = (schema: JsonSchema, prefix: string): readonly string[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`
    const optional = schema.required?.includes(name) === true ? '' : ', or absent'
    const inner = [field, ...(field.anyOf ?? [])].flatMap((part) => fieldRows(part, `${path}.`))
    return [`| \`${path}\` | ${describe(field)}${optional} |`, ...inner]
  })

const formats: Readonly<Record<string, string>> = {
  uuid: 'UUID',
  'date-time': 'time, RFC 3339 in UTC with milliseconds',
}

const describe = (schema: JsonSchema): string => {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(describe))].join(' or ')
  if (typeof schema.type === 'object') return schema.type.map((type) => describe({ ...schema, type })).join(' or ')
  switch (schema.type) {
    case 'string':
      return formats[schema.format ?? ''] ?? 'text'
    case 'integer':
      return describeInteger(schema)
    case 'array':
      return `list of ${describe(schema.items ?? {})}${schema.minItems === 1 ? ', at least one' : ''}`
    case 'null':
    case 'boolean':
    case 'object':
      return schema.type
    default:
      return 'any JSON'
  }
}

const describeInteger = ({ minimum, exclusiveMinimum }: JsonSchema): string => {
  if (exclusiveMinimum !== undefined) return `whole number above ${exclusiveMinimum}`
  return minimum === undefined || minimum < 0 ? 'whole number' : `whole number from ${minimum} on`
}

const run = ({ check }: { readonly check: boolean }): void => {
  const document = eventCatalogueDocument()
  if (!check) {
    writeFileSync(DOCUMENT, document)
    return
  }
  if (readIfThere() === document) return
  process.stderr.write('docs/events.md is out of date: run npx tsx scripts/event-catalogue.ts\n')
  process.exitCode = 1
}

const readIfThere = (): string | null => {
  try {
    return readFileSync(DOCUMENT, 'utf8')
  } catch {
    return null
  }
}

new Command('event-catalogue')
  .description('Writes docs/events.md from the event catalogue in the code.')
  .option('--check', 'write nothing; exit with 1 where docs/events.md is out of date', false)
  .addHelpText('after', '\nExit codes: 0 done; 1 docs/events.md is out of date, or it failed.')
  .action(run)
  .parse()
