/** Rows of the audit log as files: what a person's own export and an auditor's have in common. */
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { asArray } from '../../exports/copy-rows.ts'
import { lineSafeStream } from '../../exports/json-lines.ts'
import { auditExportQuery, type ExportWish, underErasure } from '../../queries/audit-events.ts'
import type { Problems } from '../problem-codes.ts'
import type { Api } from './api.ts'
import { consistencyProblems } from './consistency.ts'

export const rowFormats = ['csv', 'ndjson', 'json'] as const
export type RowFormat = (typeof rowFormats)[number]
export const formatSchema = z.enum(rowFormats).default('csv')

export const mediaTypes = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
  json: 'application/json; charset=utf-8',
} as const satisfies Record<RowFormat, string>

export const exportResponse = {
  description: 'A file, as a stream: one that does not end as HTTP says it must is not whole',
  mediaTypes: ['text/csv', 'application/x-ndjson', 'application/json'],
  headers: { 'Content-Disposition': 'attachment, with a name for the file' },
}

export const exportProblems = {
  ...consistencyProblems,
  429: ['too-many-requests'],
  503: [...consistencyProblems[503], 'overloaded'],
} as const satisfies Problems

/** To be called while erasures are followed: what is personal of whom is known to be erased is not shown. */
export const rowsAs = async (
  api: Api,
  format: RowFormat,
  rows: Omit<ExportWish, 'format' | 'erased'>,
): Promise<Readable> => {
  const wish = { ...rows, erased: await underErasure(api.db, rows.userId) }
  if (format === 'csv') return api.rows.start(auditExportQuery(api.db, { ...wish, format: 'csv' }), 'csv')
  const lines = async (as: 'lines' | 'array') =>
    lineSafeStream(await api.rows.start(auditExportQuery(api.db, { ...wish, format: as }), 'lines'))
  return format === 'ndjson' ? lines('lines') : asArray(await lines('array'))
}

export const attachment = (name: string, ending: string, now: number): Record<string, string> => {
  const at = new Date(now).toISOString().slice(0, 19).replaceAll(':', '')
  return { 'Content-Disposition': `attachment; filename="${name}-${at}Z.${ending}"`, 'Cache-Control': 'no-store' }
}
