/**
 * Comparing passwords with words, never storing them. What an attacker tries as variants of one guess becomes one text:
 * upper and lower case, full-width and other compatibility forms, letters replaced by look-alikes.
 */

/** One code point per element, without case and compatibility forms. */
export const fold = (text: string): readonly string[] => [...foldText(text)].slice(0, LONGEST)

/** One code point can fold into eighteen. A password's worth of them is enough to see a pattern. */
const LONGEST = 512

/** Look-alikes become one letter each; the number and the order of the elements stay. */
export const unleet = (folded: readonly string[]): readonly string[] =>
  folded.map((char) => LOOKALIKES.get(char) ?? char)

/** `fold` and `unleet` of a whole text at once, for the tens of thousands of a list. */
export const skeletonOf = (text: string): string =>
  foldText(text).replace(/[0-9@!|l$+]/g, (char) => LOOKALIKES.get(char) ?? char)

export const isLetter = (char: string): boolean => /^\p{L}/u.test(char)
export const isLetterOrDigit = (char: string): boolean => /^[\p{L}\p{N}]/u.test(char)

/** Once more after lower case, which can bring compatibility forms to light. */
const foldText = (text: string): string => text.normalize('NFKC').toLowerCase().normalize('NFKC')

/** `l` is among them because `1` and `!` stand for it as often as for `i`. */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  Object.entries({ a: '4@', b: '8', e: '3', g: '9', i: '1!|l', o: '0', s: '5$', t: '7+' }).flatMap(([letter, signs]) =>
    [...signs].map((sign): [string, string] => [sign, letter]),
  ),
)
