/** How times, numbers and places are written: by the preferences, and nothing else. */
import type { Preferences } from '../api/types.ts'

export type FormatPreferences = Pick<
  Preferences,
  'language' | 'timeZone' | 'dateFormat' | 'relativeTime' | 'decimalSeparator' | 'precision'
>

/** 2026-03-01 17:04:09, in the order of the preferences and in their time zone. */
export const formatDateTime = (instant: string, preferences: FormatPreferences): string => {
  const { year, month, day, hour, minute, second } = partsOf(new Date(instant), preferences.timeZone)
  const date = preferences.dateFormat.replace('YYYY', year).replace('MM', month).replace('DD', day)
  return `${date} ${hour}:${minute}:${second}`
}

/** "3 minutes ago" for the last day where the preferences ask for it, else the time itself. */
export const formatWhen = (instant: string, now: number, preferences: FormatPreferences): string => {
  const ago = now - Date.parse(instant)
  if (!preferences.relativeTime || ago >= DAY_MS || ago < -MINUTE_MS) return formatDateTime(instant, preferences)
  const formatter = new Intl.RelativeTimeFormat(knownLanguage(preferences.language), { numeric: 'auto' })
  if (ago < MINUTE_MS) return formatter.format(0, 'second')
  if (ago < HOUR_MS) return formatter.format(-Math.floor(ago / MINUTE_MS), 'minute')
  return formatter.format(-Math.floor(ago / HOUR_MS), 'hour')
}

/** 1 234.50: thin spaces between groups, so that neither separator can be taken for the other. */
export const formatNumber = (value: number, preferences: FormatPreferences): string => {
  const [whole = '', fraction] = value.toFixed(preferences.precision).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '\u202f')
  return fraction === undefined ? grouped : `${grouped}${preferences.decimalSeparator}${fraction}`
}

/** "Ukraine, Kyiv" */
export const formatPlace = (
  place: { readonly country: string; readonly city: string | null } | null,
  language: string,
): string | null => {
  if (place === null) return null
  const country = countryName(place.country, language)
  return place.city === null ? country : `${country}, ${place.city}`
}

export const countryName = (code: string, language: string): string => {
  try {
    return new Intl.DisplayNames(knownLanguage(language), { type: 'region' }).of(code) ?? code
  } catch {
    return code
  }
}

/** "Firefox 140.0" */
export const formatSoftware = (
  software: { readonly name: string | null; readonly version: string | null } | null,
): string | null => {
  if (software?.name == null) return null
  return software.version === null ? software.name : `${software.name} ${software.version}`
}

/**
 * The instant at which a day (2026-03-01, as a date field has it) begins in a time zone. `addDays` 1: the next day, which
 * is where "until that day" ends.
 */
export const startOfDay = (day: string, timeZone: string, addDays = 0): string | null => {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day) ?? []
  if (year === undefined || month === undefined || date === undefined) return null
  const wall = Date.UTC(Number(year), Number(month) - 1, Number(date) + addDays)
  // Twice, because the offset may change between the guess and the instant that it leads to.
  const guess = wall - offsetAt(wall, timeZone)
  return new Date(wall - offsetAt(guess, timeZone)).toISOString()
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

type DateParts = Readonly<Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', string>>

const partsOf = (date: Date, timeZone: string): DateParts => {
  const formatter = new Intl.DateTimeFormat('en-GB', {
    timeZone: knownTimeZone(timeZone),
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  })
  const parts = Object.fromEntries(formatter.formatToParts(date).map(({ type, value }) => [type, value]))
  return {
    year: (parts.year ?? '').padStart(4, '0'),
    month: parts.month ?? '',
    day: parts.day ?? '',
    hour: parts.hour ?? '',
    minute: parts.minute ?? '',
    second: parts.second ?? '',
  }
}

/** Milliseconds that the clocks there are ahead of UTC. */
const offsetAt = (instant: number, timeZone: string): number => {
  const { year, month, day, hour, minute, second } = partsOf(new Date(instant), timeZone)
  return Date.UTC(+year, +month - 1, +day, +hour, +minute, +second) - Math.floor(instant / 1_000) * 1_000
}

/** The server may know zones and languages that this browser does not: then it is UTC and English, not a broken page. */
const knownTimeZone = (timeZone: string): string => {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return timeZone
  } catch {
    return 'UTC'
  }
}

const knownLanguage = (language: string): string => {
  try {
    return Intl.getCanonicalLocales(language)[0] ?? 'en'
  } catch {
    return 'en'
  }
}
