import { z } from 'zod'
import { invalidRequest, type Problem } from './problem.ts'
import { isPoisonous, pointerSegment } from './strict-json.ts'

/**
 * The query as the values for `schema`: a parameter whose schema is an array may be repeated (and is always a list),
 * any other comes once. Throws Problem 400 for unknown and repeated parameters and for bad percent-encoding.
 */
export function parseQuery(query: string, schema: z.ZodObject): Record<string, unknown> {
  const values = new Map<string, string[]>()
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    const value = decode(equals < 0 ? '' : pair.slice(equals + 1))
    if (name === undefined || value === undefined) {
      throw refusal(name ?? '', 'malformed', 'The query is not properly percent-encoded UTF-8.')
    }
    const parameter = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined
    if (parameter === undefined) throw refusal(name, 'unknown-parameter', 'The parameter is not known here.')
    if (isPoisonous(value)) throw refusal(name, 'invalid-text', 'The text has a NUL character.')
    const before = values.get(name)
    if (before === undefined) values.set(name, [value])
    else if (isRepeatable(parameter)) before.push(value)
    else throw refusal(name, 'duplicate-parameter', 'The parameter is there twice.')
  }
  return Object.fromEntries(
    [...values].map(([name, list]) => {
      const parameter = schema.shape[name]
      return [name, parameter !== undefined && isRepeatable(parameter) ? list : list[0]]
    }),
  )
}

/** A whole number in a query, in plain decimal digits: `Number` alone would take '', ' 5', '0x10' and '1e3'. */
export function integerParameter(range: { readonly min: number; readonly max: number }) {
  return z
    .string()
    .regex(/^(0|[1-9][0-9]{0,15})$/, `Expected a whole number from ${range.min} to ${range.max}`)
    .transform(Number)
    .pipe(z.number().int().min(range.min).max(range.max))
    .meta({ type: 'integer', minimum: range.min, maximum: range.max })
}

function isRepeatable(schema: z.core.$ZodType): boolean {
  if (schema instanceof z.core.$ZodArray) return true
  if (schema instanceof z.core.$ZodOptional || schema instanceof z.core.$ZodDefault) {
    return isRepeatable(schema._zod.def.innerType)
  }
  return false
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function refusal(name: string, code: string, detail: string): Problem {
  return invalidRequest({ pointer: name === '' ? '#/query' : `#/query/${pointerSegment(name)}`, code, detail })
}
