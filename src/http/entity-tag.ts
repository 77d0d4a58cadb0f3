/** Entity tags (RFC 9110, 8.8.3) and the precondition that names them. */
import { z } from 'zod'
import { invalidRequest, Problem } from './problem.ts'

/** The strong entity tag of a version whose text has only visible ASCII characters and no quote. */
export const entityTag = (version: string): string => `"${version}"`

export const ifMatchHeader = z.strictObject({
  'If-Match': z
    .string()
    .optional()
    .meta({ description: 'The ETag of the read this change is based on; `*` for whatever is there.' }),
})

/**
 * The versions that `If-Match` lets pass (RFC 9110, 13.1.1). The comparison is a strong one, so weak tags are left out.
 * Throws Problem 428 where the header is missing, 400 where it is malformed.
 */
export const versionsOf = (header: string | undefined): 'any' | readonly string[] => {
  if (header === undefined) throw new Problem(428, 'precondition-required')
  if (header.trim() === '*') return 'any'
  const parts = header.match(LIST) === null ? [] : [...header.matchAll(TAG)]
  if (parts.length === 0) {
    throw invalidRequest({
      pointer: '#/header/If-Match',
      code: 'malformed',
      detail: 'Expected * or entity tags in double quotes, separated by commas.',
    })
  }
  return parts.flatMap(([, weak, version]) => (weak === undefined && version !== undefined ? [version] : []))
}

const TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g
const LIST =
  /^[ \t,]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?:[ \t]*,[ \t]*(?:(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")?)*[ \t]*$/
