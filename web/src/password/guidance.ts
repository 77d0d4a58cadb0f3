/** What a new password lacks, while it is typed. Guidance only: what counts is decided by the server. */
import type { PasswordPolicy } from '../api/types.ts'

export type PasswordRule = 'length' | 'tooLong' | 'letter' | 'digit' | 'ownAddress' | 'different'

export interface Guidance {
  /** In the order in which they are shown. */
  readonly rules: readonly { readonly rule: PasswordRule; readonly met: boolean }[]
  readonly acceptable: boolean
  /** 0 (nothing typed) to 4, a rough estimate of how long guessing takes. */
  readonly strength: 0 | 1 | 2 | 3 | 4
}

export interface GuidanceContext {
  readonly policy: Pick<PasswordPolicy, 'minLength' | 'maxLength' | 'composition'>
  readonly email: string | null
  /** The current password, where it is known here. */
  readonly current: string | null
}

export const guide = (password: string, { policy, email, current }: GuidanceContext): Guidance => {
  const text = password.normalize('NFC')
  // Code points, as the server counts.
  const length = [...text].length
  const local = email?.split('@')[0]?.toLowerCase() ?? ''
  const rules: { readonly rule: PasswordRule; readonly met: boolean }[] = [
    { rule: 'length', met: length >= policy.minLength },
    ...(length > policy.maxLength ? [{ rule: 'tooLong' as const, met: false }] : []),
    ...policy.composition.map((part) => ({
      rule: part,
      met: part === 'letter' ? /\p{L}/u.test(text) : /\p{Nd}/u.test(text),
    })),
    // Short local parts are in many a good password.
    ...(local.length >= 4 && text.toLowerCase().includes(local) ? [{ rule: 'ownAddress' as const, met: false }] : []),
    ...(current !== null && current !== '' && text === current.normalize('NFC')
      ? [{ rule: 'different' as const, met: false }]
      : []),
  ]
  const acceptable = rules.every(({ met }) => met)
  return { rules, acceptable, strength: length === 0 ? 0 : acceptable ? estimate(text) : 1 }
}

/** Of an acceptable password: how many bits its characters would have if they were chosen at random, with repeats taken off. */
const estimate = (text: string): 2 | 3 | 4 => {
  const pools: readonly (readonly [RegExp, number])[] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/\d/, 10],
    [/[^A-Za-z\d]/, 33],
  ]
  const pool = pools.reduce((sum, [pattern, size]) => sum + (pattern.test(text) ? size : 0), 0)
  const fresh = text.length - (text.match(/(.)\1/gu)?.length ?? 0) - steps(text)
  const distinct = new Set(text).size
  const bits = Math.min(fresh, distinct * 2) * Math.log2(Math.max(pool, 2)) * 0.6
  if (bits < 50) return 2
  return bits < 65 ? 3 : 4
}

/** How often a character follows the one before it: abcd, 4321. */
const steps = (text: string): number => {
  let count = 0
  for (let index = 1; index < text.length; index += 1) {
    if (Math.abs(text.charCodeAt(index) - text.charCodeAt(index - 1)) === 1) count += 1
  }
  return count
}
