/** The filter of the audit log. It lives in the address of the page, so that reload, back and a bookmark keep it. */
import type { AuditEvent, DeviceType } from '../api/types.ts'
import { startOfDay } from '../format/format.ts'
import { type EventCode, eventCodes } from './event-looks.ts'

export interface AuditFilter {
  readonly code: readonly EventCode[]
  readonly outcome: 'success' | 'failure' | null
  /** Days, as date fields have them: 2026-03-01. */
  readonly from: string | null
  /** The last day that is shown. */
  readonly to: string | null
  readonly ip: string | null
  readonly country: string | null
  readonly device: DeviceType | null
  /** Id or hash. */
  readonly session: string | null
}

export const noFilter: AuditFilter = {
  code: [],
  outcome: null,
  from: null,
  to: null,
  ip: null,
  country: null,
  device: null,
  session: null,
}

const deviceTypes: readonly DeviceType[] = ['desktop', 'mobile', 'tablet', 'bot', 'other']

type Query = Readonly<Record<string, string | null | undefined | readonly (string | null)[]>>

/** Whatever somebody has typed into the address bar: what makes no sense is left out. */
export const filterOfQuery = (query: Query): AuditFilter => {
  const all = (name: string): readonly string[] => {
    const value = query[name]
    return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string' && each !== '')
  }
  const one = (name: string, pattern = /^.{1,200}$/): string | null => {
    const [value = ''] = all(name)
    return pattern.test(value) ? value : null
  }
  const day = /^\d{4}-\d\d-\d\d$/
  const outcome = one('outcome')
  const device = one('device')
  return {
    code: eventCodes.filter((code) => all('code').includes(code)),
    outcome: outcome === 'success' || outcome === 'failure' ? outcome : null,
    from: one('from', day),
    to: one('to', day),
    ip: one('ip'),
    country: one('country', /^[A-Za-z]{2}$/)?.toUpperCase() ?? null,
    device: deviceTypes.find((type) => type === device) ?? null,
    session: one('session'),
  }
}

export const queryOfFilter = (filter: AuditFilter): Record<string, string | string[]> => {
  const entries = Object.entries(filter).flatMap(([name, value]): [string, string | string[]][] => {
    if (value === null || value.length === 0) return []
    return [[name, typeof value === 'string' ? value : [...value]]]
  })
  return Object.fromEntries(entries)
}

/** As the API takes it. Days are days of the reader's time zone. */
export const parametersOf = (filter: AuditFilter, timeZone: string) => {
  const from = filter.from === null ? null : startOfDay(filter.from, timeZone)
  const to = filter.to === null ? null : startOfDay(filter.to, timeZone, 1)
  return {
    ...(filter.code.length === 0 ? {} : { code: [...filter.code] }),
    ...(filter.outcome === null ? {} : { outcome: filter.outcome }),
    ...(from === null ? {} : { from }),
    ...(to === null ? {} : { to }),
    ...(filter.ip === null ? {} : { ip: filter.ip.trim() }),
    ...(filter.country === null ? {} : { country: filter.country }),
    ...(filter.device === null ? {} : { device: filter.device }),
    ...(filter.session === null ? {} : { session: filter.session.trim().toLowerCase() }),
  }
}

/** Where a download of the same lines is. */
export const exportPath = (format: 'csv' | 'ndjson' | 'json', filter: AuditFilter, timeZone: string): string => {
  const parameters = new URLSearchParams({ format })
  for (const [name, value] of Object.entries(parametersOf(filter, timeZone))) {
    for (const each of Array.isArray(value) ? value : [value]) parameters.append(name, each)
  }
  return `/v1/me/audit-events/export?${parameters}`
}

/** Would the server list this event? For events that arrive live; what it cannot judge, such as spellings of an address, it denies. */
export const matches = (filter: AuditFilter, event: AuditEvent, timeZone: string): boolean => {
  const wanted = parametersOf(filter, timeZone)
  return (
    (filter.code.length === 0 || filter.code.some((code) => code === event.code)) &&
    (wanted.outcome === undefined || wanted.outcome === event.outcome) &&
    (wanted.from === undefined || event.occurredAt >= wanted.from) &&
    (wanted.to === undefined || event.occurredAt < wanted.to) &&
    (wanted.ip === undefined || wanted.ip === event.ip) &&
    (wanted.country === undefined || wanted.country === event.location?.country) &&
    (wanted.device === undefined || wanted.device === event.device?.type) &&
    (wanted.session === undefined || wanted.session === event.sessionId || wanted.session === event.sessionHash)
  )
}

export const filterCount = (filter: AuditFilter): number => Object.keys(queryOfFilter(filter)).length

export const isFiltering = (filter: AuditFilter): boolean => filterCount(filter) > 0
