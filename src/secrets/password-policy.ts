import { COMMON_PASSWORD_COUNT, isCommonPassword } from './password-common.ts'
import { contextWords, isMadeOfContext, type PasswordContext, PRODUCT_WORDS } from './password-context.ts'
import { fold } from './password-folding.ts'
import { isCommonWordPadded, isPredictable } from './password-patterns.ts'

export type PasswordPolicy = 'default' | 'nist' | 'pci'

export type PasswordProblemCode =
  | 'password-too-short'
  | 'password-too-long'
  | 'password-composition'
  | 'password-context'
  | 'password-blocklisted'

export interface PasswordProblem {
  readonly code: PasswordProblemCode
  /** One sentence for the person who chose the password. Never repeats the password. */
  readonly detail: string
}

export interface PasswordPolicyDescription {
  readonly policy: PasswordPolicy
  /** Code points after normalisation to form C. */
  readonly minLength: number
  readonly maxLength: number
  /** How many passwords, the current one included, may not be used again. */
  readonly history: number
  readonly composition: readonly ('letter' | 'digit')[]
  readonly blocklist: {
    readonly commonPasswords: number
    readonly patterns: readonly ('repeated' | 'sequence' | 'common-word-padded')[]
    readonly contextWords: readonly string[]
  }
}

/**
 * Why a NEW password is refused; empty where it is not. The most helpful reason comes first. Not for log-in: a password
 * that was once accepted stays valid under stricter rules.
 *
 * Sources: SP 800-63B-4 3.1.1.2 (length, blocklist, no composition rules), ASVS 5.0 6.2.4, 6.2.8-6.2.12, and for `pci`
 * PCI DSS 4.0.1 8.3.6.
 */
export const checkPassword = (
  policy: PasswordPolicy,
  password: string,
  context: PasswordContext,
): readonly PasswordProblem[] => {
  // Form C can shorten a text, but by far not so much: a megabyte is refused without being normalised.
  if (password.length > RAW_LIMIT) return [tooLong]
  const normal = password.normalize('NFC')
  const length = [...normal].length
  if (length > MAX_LENGTH) return [tooLong]

  const { minLength, composition } = RULES[policy]
  const short: PasswordProblem = {
    code: 'password-too-short',
    detail: `The password has ${length} characters; it needs at least ${minLength}.`,
  }
  const problems = [
    ...(length < minLength ? [short] : []),
    ...(composition.every((kind) => CHARACTERS[kind].test(normal)) ? [] : [poorlyComposed]),
  ]
  // Of a password that is too short anyway, "too common" would tell nothing new.
  if (length < minLength) return problems
  const folded = fold(normal)
  if (isMadeOfContext(folded, contextWords(context))) return [...problems, tooPersonal]
  return isBlocklisted(folded) ? [...problems, blocklisted] : problems
}

/** What GET /v1/password-policy answers. */
export const describePolicy = (policy: PasswordPolicy): PasswordPolicyDescription => ({
  policy,
  minLength: RULES[policy].minLength,
  maxLength: MAX_LENGTH,
  history: PASSWORD_HISTORY,
  composition: RULES[policy].composition,
  blocklist: {
    commonPasswords: COMMON_PASSWORD_COUNT,
    patterns: ['repeated', 'sequence', 'common-word-padded'],
    contextWords: PRODUCT_WORDS,
  },
})

/** PCI DSS 4.0.1 8.3.7: the current password and the three before it. */
const PASSWORD_HISTORY = 4

/**
 * Code points, so at most 1,024 bytes. ASVS 6.2.9 wants 64 at least, and password managers and long passphrases stay far
 * below; more would give no strength (the hash has 256 bits) and only feed work to normalisation and these checks.
 */
const MAX_LENGTH = 256

/** UTF-16 units. One code point in form C comes from four at most, of two units each. */
const RAW_LIMIT = MAX_LENGTH * 8

const RULES: Readonly<Record<PasswordPolicy, Pick<PasswordPolicyDescription, 'minLength' | 'composition'>>> = {
  default: { minLength: 12, composition: [] },
  // The length SP 800-63B-4 asks for where the password is the only factor.
  nist: { minLength: 15, composition: [] },
  pci: { minLength: 12, composition: ['letter', 'digit'] },
}

const CHARACTERS = { letter: /\p{L}/u, digit: /\p{Nd}/u } as const

const tooLong: PasswordProblem = {
  code: 'password-too-long',
  detail: `The password may have at most ${MAX_LENGTH} characters.`,
}
const poorlyComposed: PasswordProblem = {
  code: 'password-composition',
  detail: 'The password needs at least one letter and one digit.',
}
const tooPersonal: PasswordProblem = {
  code: 'password-context',
  detail: 'The password is little more than your e-mail address, your name or the name of this product.',
}
const blocklisted: PasswordProblem = {
  code: 'password-blocklisted',
  detail:
    'The password is among those that are guessed first: a common one, a repetition or a pattern of the keyboard.',
}

const isBlocklisted = (folded: readonly string[]): boolean =>
  isCommonPassword(folded) || isPredictable(folded) || isCommonWordPadded(folded)
