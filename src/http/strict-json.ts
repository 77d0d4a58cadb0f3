import type { InputError } from './problem.ts'

export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: InputError }

/**
 * JSON (RFC 8259) with nothing in it that two readers could understand differently or that would poison what lies
 * behind: no key twice in one object, no `__proto__`, no U+0000, no lone surrogate, at most 32 levels deep.
 */
export function parseStrictJson(text: string): StrictJson {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text, which may hold a password.
    return { ok: false, error: { pointer: '#', code: 'malformed', detail: 'The body is not valid JSON.' } }
  }
  const error = firstAmbiguity(text)
  return error === undefined ? { ok: true, value } : { ok: false, error }
}

/** U+0000 or half of a surrogate pair: text that PostgreSQL and UTF-8 cannot hold. */
export function isPoisonous(text: string): boolean {
  return /[\0\p{Surrogate}]/u.test(text)
}

/** `name` as a segment of a JSON pointer in a URI fragment, clipped: an answer must not grow with the request. */
export function pointerSegment(name: string): string {
  const clipped = name.slice(0, 64).replace(/\p{Surrogate}/gu, '\u{fffd}')
  return encodeURIComponent(clipped.replaceAll('~', '~0').replaceAll('/', '~1'))
}

const maxDepth = 32

interface Level {
  /** Keys seen so far; null in an array. */
  readonly keys: Set<string> | null
  /** Where in this level the scan is. */
  place: string | number
}

/**
 * Scans text that JSON.parse has accepted. JSON.parse itself keeps the last of two equal keys in silence, and what it
 * returns no longer shows it; lossless-json lets a key pass twice when the values are equal.
 */
function firstAmbiguity(text: string): InputError | undefined {
  const levels: Level[] = []
  const refuse = (code: string, detail: string): InputError => ({
    pointer: `#${levels.map((level) => `/${pointerSegment(String(level.place))}`).join('')}`,
    code,
    detail,
  })

  for (let at = 0; at < text.length; at += 1) {
    const level = levels.at(-1)
    switch (text[at]) {
      case '{':
      case '[':
        if (levels.length === maxDepth) return refuse('too-deep', `The body is nested deeper than ${maxDepth} levels.`)
        levels.push(text[at] === '{' ? { keys: new Set(), place: '' } : { keys: null, place: 0 })
        break
      case '}':
      case ']':
        levels.pop()
        break
      case ',':
        if (typeof level?.place === 'number') level.place += 1
        break
      case '"': {
        const end = endOfString(text, at)
        const string = unquote(text.slice(at, end + 1))
        at = end
        // In valid JSON only a key is followed by a colon.
        if (level?.keys && text[afterBlanks(text, end + 1)] === ':') {
          level.place = string
          if (level.keys.has(string)) return refuse('duplicate-field', 'The field is there twice.')
          if (string === '__proto__') return refuse('unknown-field', 'The field is not known here.')
          level.keys.add(string)
        }
        if (isPoisonous(string)) {
          return refuse('invalid-text', 'The text has a NUL character or half of a surrogate pair.')
        }
        break
      }
    }
  }
  return undefined
}

function afterBlanks(text: string, start: number): number {
  let at = start
  while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at += 1
  return at
}

function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

function unquote(quoted: string): string {
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1)
}
