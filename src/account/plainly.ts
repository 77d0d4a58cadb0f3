/**
 * Whether a schema is sure to accept a value, and to give it back as it stands, keys in this order. zod builds anew what
 * it parses; of a million events read again that is felt, and nearly all of them are plain. `false` says nothing: the
 * schema itself decides. Knows what our events are made of, and takes nothing for plain that it does not know.
 */
import type { z } from 'zod'

type Check = (value: unknown) => boolean

/** What of a schema is looked at. (zod 4, `_zod.def` of each schema and each check.) */
interface Definition {
  readonly type: string
  readonly format?: string
  readonly checks?: readonly { readonly _zod: { readonly def: CheckDefinition } }[]
  readonly entries?: Readonly<Record<string, string | number>>
  readonly innerType?: z.core.$ZodType
  readonly element?: z.core.$ZodType
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>
  readonly catchall?: z.core.$ZodType
}

interface CheckDefinition {
  readonly check: string
  readonly value?: unknown
  readonly inclusive?: boolean
}

const never: Check = () => false

export const plainly = (schema: z.core.$ZodType): Check => {
  const definition = schema._zod.def as unknown as Definition
  if (definition.type === 'string') return textCheck(schema, definition)
  if (definition.type === 'number') return numberCheck(definition)
  if (hasChecks(definition)) return never
  if (definition.type === 'boolean') return (value) => typeof value === 'boolean'
  if (definition.type === 'enum') return enumCheck(definition)
  if (definition.type === 'nullable') return nullableCheck(definition)
  if (definition.type === 'array') return listCheck(definition)
  if (definition.type === 'object') return objectCheck(definition)
  return never
}

const hasChecks = ({ checks = [] }: Definition): boolean => checks.length > 0

/** Formats that are nothing but their pattern. */
const PATTERNS: ReadonlySet<string> = new Set(['uuid', 'datetime'])

const textCheck = (schema: z.core.$ZodType, definition: Definition): Check => {
  if (hasChecks(definition)) return never
  if (definition.format === undefined) return (value) => typeof value === 'string'
  const { pattern } = schema._zod as { readonly pattern?: RegExp }
  if (pattern === undefined || pattern.global || pattern.sticky || !PATTERNS.has(definition.format)) return never
  return (value) => typeof value === 'string' && pattern.test(value)
}

const numberCheck = ({ format, checks = [] }: Definition): Check => {
  if (format !== 'safeint') return never
  let lowest = Number.MIN_SAFE_INTEGER
  for (const check of checks) {
    const { check: name, value, inclusive } = check._zod.def
    if (name !== 'greater_than' || typeof value !== 'number') return never
    lowest = Math.max(lowest, inclusive === true ? value : value + 1)
  }
  return (value) => Number.isSafeInteger(value) && (value as number) >= lowest
}

const enumCheck = ({ entries = {} }: Definition): Check => {
  const values = new Set<unknown>(Object.values(entries))
  return (value) => values.has(value)
}

const nullableCheck = ({ innerType }: Definition): Check => {
  if (innerType === undefined) return never
  const inner = plainly(innerType)
  return (value) => value === null || inner(value)
}

const listCheck = ({ element }: Definition): Check => {
  if (element === undefined) return never
  const inner = plainly(element)
  return (value) => {
    if (!Array.isArray(value)) return false
    // Holes too, which `every` would pass over.
    for (let index = 0; index < value.length; index++) if (!inner(value[index])) return false
    return true
  }
}

/** Strict ones, in which every key is there that must be, and those that may be in their place. */
const objectCheck = ({ shape = {}, catchall }: Definition): Check => {
  if (catchall?._zod.def.type !== 'never') return never
  const fields = Object.entries(shape).map(([name, schema]) => {
    const { type, innerType } = schema._zod.def as unknown as Definition
    const isOptional = type === 'optional' && innerType !== undefined
    return { name, isOptional, check: plainly(isOptional ? innerType : schema) }
  })
  return (value) => {
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false
    const object = value as Readonly<Record<string, unknown>>
    let met = 0
    // Of nothing else: it makes no list of keys, and what the prototype might be given is no field.
    for (const key in object) {
      let field = fields[met]
      while (field?.isOptional && field.name !== key) field = fields[++met]
      if (field === undefined || field.name !== key || !field.check(object[key])) return false
      met += 1
    }
    while (fields[met]?.isOptional) met += 1
    return met === fields.length
  }
}
