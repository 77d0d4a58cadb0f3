import type { TokenRecord } from '../../src/secrets/access-tokens.ts'

/** Lines with aligned columns: a head and a token each. */
export const tableOf = (tokens: readonly TokenRecord[]): readonly string[] => {
  const rows = [HEAD, ...tokens.map(rowOf)]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const HEAD = ['ID', 'NAME', 'SCOPES', 'CREATED', 'LAST USED', 'STATE']

const rowOf = ({ id, name, scopes, createdAt, lastUsedAt, revokedAt }: TokenRecord): readonly string[] => [
  id,
  name,
  scopes.join(','),
  minuteOf(createdAt),
  // Noted once an hour.
  lastUsedAt === null ? 'never' : minuteOf(lastUsedAt),
  revokedAt === null ? 'valid' : `revoked ${minuteOf(revokedAt)}`,
]

const minuteOf = (at: Date): string => `${at.toISOString().slice(0, 16)}Z`
