/**
 * What no list can hold because there is no end of it: repetitions, sequences, one common word in disguise.
 * All functions take text that has been through `fold`.
 */
import { isCommonWord, MIN_WORD_LENGTH } from './password-common.ts'
import { isLetter, unleet } from './password-folding.ts'
import { keyboardSteps, unshift } from './password-keyboards.ts'

/** A guesser needs about as many tries for a whole run as for one character; so many must remain of a password. */
const MIN_EFFECTIVE_LENGTH = 6

/** What must remain beside a word that a guesser knows: as many characters as once made a password of its own. */
export const MIN_REMAINDER = 8

/**
 * Whether the password is little more than repetition or a walk along the alphabet or a keyboard:
 * - a short or common piece over and over: `aaaaaaaaaaaa`, `abcabcabcabc`, `trustno1trustno1`;
 * - few runs side by side: `123456789012`, `qwertyuiopasdf`, `1qaz2wsx3edc`, `Aa123456789!`;
 * - two of them interleaved: `1q2w3e4r5t6y`, `aabbccddeeff`.
 */
export const isPredictable = (folded: readonly string[]): boolean =>
  isWeakUnitRepeated(folded) ||
  effectiveLength(folded) < MIN_EFFECTIVE_LENGTH ||
  effectiveLength(deinterleave(folded)) < MIN_EFFECTIVE_LENGTH

/**
 * Whether the password is one common word, once or more, and little else but digits and signs: `password123456`,
 * `Welcome!2024!`, `p4$$w0rd::2024`, `monkey123monkey`. Two words make a passphrase, which is not this rule's business.
 */
export const isCommonWordPadded = (folded: readonly string[]): boolean => {
  const skeleton = unleet(folded)
  // All letters belong to the word, so one that is there covers the first of them; look-alikes may stand before it.
  const first = folded.findIndex(isLetter)
  for (let start = Math.max(first - MAX_WORD_LENGTH + 1, 0); start <= first; start += 1) {
    const from = Math.max(first + 1, start + MIN_WORD_LENGTH)
    const to = Math.min(start + MAX_WORD_LENGTH, folded.length)
    for (let end = from; end <= to; end += 1) {
      const word = skeleton.slice(start, end)
      if (!isCommonWord(word.join('')) || !isMostlyLetters(folded.slice(start, end))) continue
      const rest = without(folded, skeleton, word)
      if (!rest.some(isLetter) && effectiveLength(rest) < MIN_REMAINDER) return true
    }
  }
  return false
}

/** The number of characters, where a run of three or more counts as one: `abcd7!` has 3. */
export const effectiveLength = (folded: readonly string[]): number => {
  const chars = folded.map(unshift)
  let pieces = 0
  for (let start = 0; start < chars.length; pieces += 1) {
    const length = runLength(chars, start)
    start += length >= MIN_RUN ? length : 1
  }
  return pieces
}

/** `administrator` has 13. */
const MAX_WORD_LENGTH = 20

const MIN_RUN = 3

/** How far one and the same step leads on from `start`. */
const runLength = (chars: readonly string[], start: number): number => {
  let steps = stepsBetween(chars[start], chars[start + 1])
  let length = 1
  while (steps.length > 0) {
    length += 1
    const next = stepsBetween(chars[start + length - 1], chars[start + length])
    steps = steps.filter((step) => next.includes(step))
  }
  return length
}

/** Every way in which `b` follows `a`: the same again, the next or previous in its alphabet or on a row of keys. */
const stepsBetween = (a: string | undefined, b: string | undefined): readonly string[] => {
  if (a === undefined || b === undefined) return []
  if (a === b) return ['same']
  const distance = (b.codePointAt(0) ?? 0) - (a.codePointAt(0) ?? 0)
  const neighbours = Math.abs(distance) === 1 && isLetter(a) === isLetter(b)
  return [...(neighbours ? [distance > 0 ? 'next' : 'previous'] : []), ...keyboardSteps(a, b)]
}

const deinterleave = (chars: readonly string[]): readonly string[] => [
  ...chars.filter((_, index) => index % 2 === 0),
  ...chars.filter((_, index) => index % 2 === 1),
]

/** The last repetition may be cut short. A strong password twice is still strong. */
const isWeakUnitRepeated = (folded: readonly string[]): boolean => {
  const unit = folded.slice(0, period(folded))
  if (unit.length > folded.length / 2) return false
  return (
    unit.length < MIN_REMAINDER || isCommonWord(unleet(unit).join('')) || effectiveLength(unit) < MIN_EFFECTIVE_LENGTH
  )
}

/** The smallest n such that every element equals the one n places before it (the prefix function of Knuth-Morris-Pratt). */
const period = (chars: readonly string[]): number => {
  const borders = [0]
  for (let index = 1; index < chars.length; index += 1) {
    let border = borders[index - 1] ?? 0
    while (border > 0 && chars[index] !== chars[border]) border = borders[border - 1] ?? 0
    borders.push(chars[index] === chars[border] ? border + 1 : 0)
  }
  return chars.length - (borders.at(-1) ?? 0)
}

const isMostlyLetters = (chars: readonly string[]): boolean => chars.filter(isLetter).length * 2 >= chars.length

const without = (
  folded: readonly string[],
  skeleton: readonly string[],
  word: readonly string[],
): readonly string[] => {
  const rest: string[] = []
  for (let index = 0; index < folded.length; ) {
    if (word.every((char, offset) => skeleton[index + offset] === char)) index += word.length
    else rest.push(...folded.slice(index, ++index))
  }
  return rest
}
