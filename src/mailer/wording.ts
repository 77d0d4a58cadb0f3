/** How things are put into words. What comes from outside is shown only where it cannot pass for a text of ours. */

/**
 * A name as it may stand in a greeting and beside an address, or null. Whoever registers somebody else's address
 * chooses the name in mails to it: it must not be a message, and nothing that a mail program makes a link of.
 */
export const fitToShow = (name: string | null): string | null => {
  const trimmed = name?.trim() ?? ''
  const isName = /^[\p{L}\p{M} '’.,-]{1,40}$/u.test(trimmed)
  const looksLikeLink = /[.][\p{L}\p{N}]|\bwww\b/iu.test(trimmed)
  return isName && !looksLikeLink ? trimmed : null
}

/** `24 November 2026 at 20:15 UTC`: where the reader is, is not known. */
export const timeOf = (when: Date): string =>
  `${new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(when)} UTC`

/** `1 hour`, `7 days`: in the largest unit that is exact. */
export const spanOf = (ms: number): string => {
  const [name, size] = UNITS.find(([, unit]) => ms % unit === 0) ?? ['second', 1_000]
  const count = Math.round(ms / size)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** `DE` as `Germany`. */
export const countryOf = (code: string): string => {
  try {
    // Made here and not once: the first takes 60 ms, which no start should wait for, and the others next to nothing.
    return new Intl.DisplayNames(['en'], { type: 'region' }).of(code) ?? code
  } catch {
    return code
  }
}
