/** Passwords made of what everybody knows about their owner. ASVS 5.0 6.2.11, SP 800-63B-4 3.1.1.2. */
import { fold, isLetterOrDigit, unleet } from './password-folding.ts'
import { effectiveLength, MIN_REMAINDER } from './password-patterns.ts'

export interface PasswordContext {
  readonly email?: string | null
  readonly name?: string | null
}

/** The documented list of words of this product (ASVS 6.1.2). */
export const PRODUCT_WORDS: readonly string[] = ['strongroom']

/**
 * Words that are worth nothing in this person's password: the e-mail address, its local part, its domain, the name, each
 * whole and in its parts, and the product's name. Shorter parts than three characters, and what stands last in a domain
 * (`com`), are too common in anything to mean something.
 */
export const contextWords = ({ email, name }: PasswordContext): readonly string[] => {
  const at = email?.lastIndexOf('@') ?? -1
  const local = email?.slice(0, at === -1 ? undefined : at) ?? ''
  const domain = at === -1 ? '' : (email?.slice(at + 1) ?? '')
  return [
    ...PRODUCT_WORDS,
    ...[email ?? '', local, ...parts(local)],
    ...[domain, ...parts(domain.replace(/\.[^.]*$/, ''))],
    ...[name ?? '', ...parts(name ?? '')],
  ]
}

/**
 * Whether less than eight characters' worth remains once those words are taken out, in any case, with letters replaced by
 * look-alikes, signs between them, and as often as they occur: `strongroom2024`, `0lena.K0val!!`, `koval+koval+koval`.
 * A long passphrase that happens to contain somebody's `Ann` keeps enough of itself.
 */
export const isMadeOfContext = (folded: readonly string[], words: readonly string[]): boolean => {
  const known = [...new Set(words)]
    .map((word) => letters(fold(word)).map(({ char }) => char))
    .filter((word) => word.length >= MIN_PART)
    .sort((a, b) => b.length - a.length)
    .slice(0, MAX_WORDS)
  // `@`, `!`, `$` and `+` are a letter's look-alike in one password and only a separator in the next: try both.
  return [letters(folded), letters(unleet(folded))].some((text) => isSpent(folded, text, known))
}

const MIN_PART = 3

/** A name of a thousand words must not make work for us. */
const MAX_WORDS = 32

interface Letter {
  readonly char: string
  /** Where it stands in the password. */
  readonly place: number
}

/** The letters and digits alone, look-alikes as one. */
const letters = (chars: readonly string[]): readonly Letter[] => {
  const skeleton = unleet(chars)
  return chars.flatMap((char, place) => (isLetterOrDigit(char) ? [{ char: skeleton[place] ?? char, place }] : []))
}

const isSpent = (
  folded: readonly string[],
  text: readonly Letter[],
  words: readonly (readonly string[])[],
): boolean => {
  const covered = new Set<number>()
  for (const word of words) {
    for (let start = 0; start + word.length <= text.length; start += 1) {
      const from = text[start]?.place ?? 0
      if (covered.has(from) || word.some((char, offset) => text[start + offset]?.char !== char)) continue
      const to = text[start + word.length - 1]?.place ?? 0
      for (let place = from; place <= to; place += 1) covered.add(place)
    }
  }
  return covered.size > 0 && effectiveLength(folded.filter((_, place) => !covered.has(place))) < MIN_REMAINDER
}

const parts = (text: string): readonly string[] => text.split(/[^\p{L}\p{N}]+/u)
