/** Rows as text in aligned columns, below a head. */
export const formatTable = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => lengthOf(row[column] ?? title))))
  const line = (row: readonly string[]) => row.map((cell, column) => pad(cell, widths[column] ?? 0)).join('  ')
  const rule = widths.map((width) => '-'.repeat(width))
  return [head, rule, ...rows].map((row) => `  ${line(row)}`.trimEnd()).join('\n')
}

/** Characters, not code units: a city's name may have any. */
const lengthOf = (text: string): number => [...text].length

const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - lengthOf(text)))
