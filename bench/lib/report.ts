import type { Result } from './rounds.ts'

/** What performance.md, or whoever set it, asks of one figure. */
export interface Goal {
  readonly what: string
  readonly measured: number
  readonly atLeast?: number
  readonly atMost?: number
  /** Behind the numbers: `x`, ` ms`. */
  readonly unit: string
}

export interface Report {
  readonly title: string
  readonly notes?: readonly string[]
  readonly results?: readonly Result[]
  /** Figures that are no rates: a header, and rows of cells. */
  readonly table?: readonly (readonly string[])[]
  readonly goals: readonly Goal[]
}

export function printReport({ title, notes = [], results = [], table = [], goals }: Report): void {
  print(`\n## ${title}\n`)
  for (const note of notes) print(`${note}\n`)
  if (results.length > 0) {
    const rows = results.map(({ name, median, lowest, highest }) => [
      name,
      whole(median),
      `${whole(lowest)} - ${whole(highest)}`,
    ])
    printTable([['what', 'per second, median', 'lowest - highest'], ...rows])
  }
  if (table.length > 0) printTable(table)
  const verdicts = goals.map(({ what, measured, atLeast, atMost, unit }) => [
    what,
    amount(measured, unit),
    atLeast !== undefined ? `>= ${amount(atLeast, unit)}` : atMost !== undefined ? `<= ${amount(atMost, unit)}` : '',
    measured >= (atLeast ?? -Infinity) && measured <= (atMost ?? Infinity) ? 'met' : 'MISSED',
  ])
  printTable([['goal', 'measured', 'wanted', ''], ...verdicts])
}

/** How often the one is the other. */
export function ratio(results: readonly Result[], name: string, to: string): number {
  return medianOf(results, name) / medianOf(results, to)
}

function medianOf(results: readonly Result[], name: string): number {
  const found = results.find((result) => result.name === name)
  if (found === undefined) throw new Error(`${name} was not measured`)
  return found.median
}

const whole = (value: number): string => (value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString('en'))
const amount = (value: number, unit: string): string => `${value >= 100 ? whole(value) : value.toFixed(2)}${unit}`

/** Markdown, so that it can be pasted into the README. */
function printTable([header = [], ...rows]: readonly (readonly string[])[]): void {
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) => `| ${widths.map((width, i) => (row[i] ?? '').padEnd(width)).join(' | ')} |`
  print(line(header))
  print(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  for (const row of rows) print(line(row))
  print('')
}

const print = (text: string): void => void process.stdout.write(`${text}\n`)
