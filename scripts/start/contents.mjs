/** Files read once, so that what is hashed is also what is used. */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/**
 * The content of every file below `folder` that is one of `names` or in one of them, by its path from there, sorted; of
 * those only for which `wanted` says so, if it is given. Throws where one is missing, or is neither file nor directory: a link would lead to what nobody has looked at.
 *
 * @param {string} folder
 * @param {readonly string[]} names
 * @param {(path: string) => boolean} [wanted]
 * @returns {ReadonlyMap<string, Buffer>}
 */
export const contentsOf = (folder, names, wanted = () => true) => {
  const paths = names.flatMap((name) => filesAt(folder, name))
  const sorted = paths.filter(wanted).sort()
  // At once: by promises hundreds of small files take four times as long, and nothing else is going on yet.
  return new Map(sorted.map((path) => [path, readFileSync(join(folder, path))]))
}

/** Over names and contents: times differ between clones, and a checkout sets them anew. */
export const hashOf = (contents, ...more) => {
  const hash = createHash('sha256')
  for (const text of more) hash.update(`${text}\0`)
  for (const [path, content] of contents) hash.update(`${path}\0${content.length}\0`).update(content)
  return hash.digest('hex').slice(0, 32)
}

const filesAt = (folder, name) => {
  const stats = lstatSync(join(folder, name))
  mustBePlain(stats, join(folder, name))
  if (stats.isFile()) return [name]
  const entries = readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
  const pathOf = (entry) => join(entry.parentPath, entry.name)
  for (const entry of entries) mustBePlain(entry, pathOf(entry))
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, pathOf(entry)))
}

const mustBePlain = (entry, path) => {
  if (!entry.isFile() && !entry.isDirectory()) throw new Error(`${path} is neither a file nor a directory`)
}
