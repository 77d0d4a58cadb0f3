/** docs/auditors.md maps standards to tests: each named one has to be there, under that very name. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../..', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const titles = new Set(
  readdirSync(new URL('test/security', root))
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) => [...read(`test/security/${name}`).matchAll(/\b(?:describe|it|test)\S*?\(\s*(['`])(.+?)\1\s*,/g)])
    .map(([, , title]) => title),
)

const named = [...read('docs/auditors.md').matchAll(/`([A-Z]\d\d [^`]+)`/g)].map(([, name = '']) => name)

test('names tests that are there', () => {
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter((name) => !titles.has(name))).toEqual([])
})

test('maps PCI DSS, ASVS and SOC 2, each item to a test', () => {
  const rows = read('docs/auditors.md').match(/^\| (PCI DSS|ASVS|SOC 2).*$/gm) ?? []
  expect(rows.length).toBeGreaterThan(15)
  for (const row of rows) expect(row, row).toMatch(/`[A-Z]\d\d /)
})
