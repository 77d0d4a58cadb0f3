/** In milliseconds. */
export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

const AWAKE_FROM = 7
const AWAKE_HOURS = 16

/** So much time later, of which only that counts in which one is awake. `utcOffset`: hours. Infinity stays that. */
export const whenAwake = (from: number, gap: number, utcOffset: number): number => {
  if (!Number.isFinite(gap)) return gap
  let left = (gap * AWAKE_HOURS) / 24
  let at = from
  for (;;) {
    const morning = Math.floor((at + utcOffset * HOUR) / DAY) * DAY + (AWAKE_FROM - utcOffset) * HOUR
    const night = morning + AWAKE_HOURS * HOUR
    at = Math.max(at, morning)
    if (left <= night - at) return at + left
    left -= Math.max(0, night - at)
    at = morning + DAY
  }
}
