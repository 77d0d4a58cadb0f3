import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/**
 * Fails the build where a first visit would load more than so many kilobytes (1,000 bytes) of JavaScript, compressed by
 * gzip: the entry with all it imports, and the heaviest of the screens that are loaded on demand with all it imports.
 */
export const limitFirstLoad = ({ kilobytes }: { readonly kilobytes: number }): Plugin => ({
  name: 'strongroom:limit-first-load',
  apply: 'build',
  generateBundle(_options, bundle) {
    const chunks = new Map(
      Object.values(bundle).flatMap((file) =>
        file.type === 'chunk'
          ? [[file.fileName, { ...file, bytes: gzipSync(file.code, { level: 9 }).length }] as const]
          : [],
      ),
    )
    const entry = [...chunks.values()].find(({ isEntry }) => isEntry)
    if (entry === undefined) throw new Error('the page has no entry')
    const sizeWith = (screen: string): number => {
      const names = reach([entry.fileName, screen], (name) => chunks.get(name)?.imports ?? [])
      return [...names].reduce((sum, name) => sum + (chunks.get(name)?.bytes ?? 0), 0)
    }
    const sizes = entry.dynamicImports.map((name) => ({ name, size: sizeWith(name) }))
    const heaviest = sizes.reduce((a, b) => (b.size > a.size ? b : a), {
      name: entry.fileName,
      size: sizeWith(entry.fileName),
    })
    const told = `first load: ${(heaviest.size / 1_000).toFixed(1)} kB of JavaScript with ${heaviest.name}`
    if (heaviest.size > kilobytes * 1_000) this.error(`${told}, more than the ${kilobytes} kB that are allowed`)
    this.info(told)
  },
})

const reach = (from: readonly string[], next: (name: string) => readonly string[]): ReadonlySet<string> => {
  const found = new Set<string>()
  const visit = (name: string) => {
    if (found.has(name)) return
    found.add(name)
    for (const each of next(name)) visit(each)
  }
  for (const name of from) visit(name)
  return found
}
