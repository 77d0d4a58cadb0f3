import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type FormatPreferences,
  formatDateTime,
  formatNumber,
  formatPlace,
  formatSoftware,
  formatWhen,
  startOfDay,
} from '../../web/src/format/format.ts'

const preferences: FormatPreferences = {
  language: 'en',
  timeZone: 'UTC',
  dateFormat: 'YYYY-MM-DD',
  relativeTime: true,
  decimalSeparator: '.',
  precision: 2,
}
const instant = '2026-03-01T23:04:09.123Z'

describe('a time', () => {
  test.for([
    ['YYYY-MM-DD', 'UTC', '2026-03-01 23:04:09'],
    ['DD.MM.YYYY', 'Europe/Berlin', '02.03.2026 00:04:09'],
    ['DD/MM/YYYY', 'America/New_York', '01/03/2026 18:04:09'],
    ['MM/DD/YYYY', 'Asia/Kathmandu', '03/02/2026 04:49:09'],
  ] as const)('as %s in %s is %s', ([dateFormat, timeZone, expected]) => {
    expect(formatDateTime(instant, { ...preferences, dateFormat, timeZone })).toBe(expected)
  })

  test('in a zone that the browser does not know is told in UTC', () => {
    expect(formatDateTime(instant, { ...preferences, timeZone: 'Mars/Olympus' })).toBe('2026-03-01 23:04:09')
  })

  test.for([
    [5_000, 'now'],
    [59_999, 'now'],
    [60_000, '1 minute ago'],
    [5 * 60_000, '5 minutes ago'],
    [3_600_000, '1 hour ago'],
    [86_399_999, '23 hours ago'],
    [86_400_000, '2026-03-01 23:04:09'],
    [-120_000, '2026-03-01 23:04:09'],
  ] as const)('%d ms ago is "%s"', ([ago, expected]) => {
    expect(formatWhen(instant, Date.parse(instant) + ago, preferences)).toBe(expected)
  })

  test('is exact where relative times are not wanted', () => {
    const exact = { ...preferences, relativeTime: false }
    expect(formatWhen(instant, Date.parse(instant) + 5_000, exact)).toBe('2026-03-01 23:04:09')
  })

  test('is told in the language of the preferences', () => {
    const german = { ...preferences, language: 'de' }
    expect(formatWhen(instant, Date.parse(instant) + 300_000, german)).toBe('vor 5 Minuten')
  })
})

test.for([
  [1234.5, '.', 2, '1\u202f234.50'],
  [1234567.891, ',', 1, '1\u202f234\u202f567,9'],
  [0, '.', 0, '0'],
  [-1234, '.', 0, '-1\u202f234'],
] as const)('the number %d is written as %s %d wants', ([value, decimalSeparator, precision, expected]) => {
  expect(formatNumber(value, { ...preferences, decimalSeparator, precision })).toBe(expected)
})

test('a place is country and city, in the language of the preferences', () => {
  expect(formatPlace({ country: 'UA', city: 'Kyiv' }, 'en')).toBe('Ukraine, Kyiv')
  expect(formatPlace({ country: 'DE', city: null }, 'de')).toBe('Deutschland')
  expect(formatPlace({ country: 'QX', city: null }, 'not a language')).toBe('QX')
  expect(formatPlace(null, 'en')).toBeNull()
})

test('software is a name, with its version where it is known', () => {
  expect(formatSoftware({ name: 'Firefox', version: '140.0' })).toBe('Firefox 140.0')
  expect(formatSoftware({ name: 'Linux', version: null })).toBe('Linux')
  expect(formatSoftware({ name: null, version: null })).toBeNull()
  expect(formatSoftware(null)).toBeNull()
})

describe('the beginning of a day', () => {
  test.for([
    ['2026-03-01', 'UTC', 0, '2026-03-01T00:00:00.000Z'],
    ['2026-03-01', 'Europe/Berlin', 0, '2026-02-28T23:00:00.000Z'],
    ['2026-03-01', 'Asia/Kathmandu', 1, '2026-03-01T18:15:00.000Z'],
    // Clocks go forward at 01:00 UTC: the day has 23 hours.
    ['2026-03-29', 'Europe/Berlin', 0, '2026-03-28T23:00:00.000Z'],
    ['2026-03-29', 'Europe/Berlin', 1, '2026-03-29T22:00:00.000Z'],
    ['2026-12-31', 'UTC', 1, '2027-01-01T00:00:00.000Z'],
  ] as const)('%s in %s plus %d days is %s', ([day, timeZone, addDays, expected]) => {
    expect(startOfDay(day, timeZone, addDays)).toBe(expected)
  })

  test('of what is no day is none', () => {
    expect(startOfDay('yesterday', 'UTC')).toBeNull()
  })

  test('is shown as midnight of that day in that zone', () => {
    const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Asia/Kathmandu', 'Pacific/Auckland']
    const days = fc.date({ min: new Date('2000-01-01'), max: new Date('2037-12-31'), noInvalidDate: true })
    fc.assert(
      fc.property(days, fc.constantFrom(...zones), (date, timeZone) => {
        const day = date.toISOString().slice(0, 10)
        const begin = startOfDay(day, timeZone) ?? ''
        expect(formatDateTime(begin, { ...preferences, timeZone })).toBe(`${day} 00:00:00`)
      }),
    )
  })
})
