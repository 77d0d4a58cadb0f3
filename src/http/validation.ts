import { z } from 'zod'
import { type InputError, invalidRequest } from './problem.ts'
import { pointerSegment } from './strict-json.ts'

/**
 * What the schema makes of the value. Throws Problem 400 `invalid-request` with one error per thing that is wrong (at
 * most 20). `base` is the pointer of the value: `#` for the body, `#/query` for the query.
 */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown, base: string): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = result.error.issues.flatMap((issue) => inputErrors(issue, value, base))
  throw invalidRequest(...errors.slice(0, 20))
}

/**
 * Throws when an object anywhere in the schema would let unknown fields pass: a mistake of ours, told at the start
 * and not by an attacker.
 */
export function assertStrict(schema: z.core.$ZodType, where: string): void {
  visit(schema, new Set(), (object) => {
    if (object._zod.def.catchall?._zod.def.type !== 'never') {
      throw new Error(`${where} lets unknown fields pass: use z.strictObject`)
    }
  })
}

type Issue = z.core.$ZodIssue

function inputErrors(issue: Issue, value: unknown, base: string): InputError[] {
  const pointer = issue.path.reduce((path: string, key) => `${path}/${pointerSegment(String(key))}`, base)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        pointer: `${pointer}/${pointerSegment(key)}`,
        code: 'unknown-field',
        detail: 'The field is not known here.',
      }))
    case 'invalid_union': {
      // What the nearest of the alternatives lacks tells more than "matches none of them".
      const [nearest] = [...issue.errors].sort((a, b) => a.length - b.length)
      if (nearest === undefined || nearest.length === 0) return [{ pointer, code: 'invalid', detail: issue.message }]
      return nearest.flatMap((inner) => inputErrors(inner, valueAt(value, issue.path), pointer))
    }
    default:
      return [{ pointer, code: errorCode(issue, valueAt(value, issue.path)), detail: issue.message }]
  }
}

/** Our own names, so that clients do not depend on the library's. */
function errorCode(issue: Issue, value: unknown): string {
  if (value === undefined) return 'required'
  switch (issue.code) {
    case 'invalid_type':
      return 'wrong-type'
    case 'too_small':
      return 'too-small'
    case 'too_big':
      return 'too-large'
    case 'invalid_format':
      return 'invalid-format'
    case 'invalid_value':
      return 'unknown-value'
    default:
      return 'invalid'
  }
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key) ? Reflect.get(inner, key) : undefined,
    value,
  )
}

function visit(schema: z.core.$ZodType, seen: Set<unknown>, onObject: (schema: z.core.$ZodObject) => void): void {
  if (seen.has(schema)) return
  seen.add(schema)
  if (schema instanceof z.core.$ZodObject) onObject(schema)
  for (const child of children(schema)) visit(child, seen, onObject)
}

/** Every schema a schema is made of, whatever its kind: all of zod's definitions hold them directly, in lists or maps. */
function children(schema: z.core.$ZodType): z.core.$ZodType[] {
  const held = Object.entries(schema._zod.def)
    .filter(([name]) => name !== 'catchall')
    .map(([, value]) => value)
  const shape = schema instanceof z.core.$ZodObject ? Object.values(schema._zod.def.shape) : []
  return [...held.flat(), ...shape].filter((child) => child instanceof z.core.$ZodType)
}
