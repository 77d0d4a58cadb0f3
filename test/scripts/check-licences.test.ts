import { describe, expect, test } from 'vitest'
import { findLicenceProblems, type Lock } from '../../scripts/check-licences.ts'

const lockOf = (packages: Lock['packages']): Lock => ({ packages: { '': { version: '0.1.0' }, ...packages } })
const problemsOf = (packages: Lock['packages'], notice = '') => findLicenceProblems(lockOf(packages), notice)

describe('licences of packages', () => {
  test.for(['MIT', 'Apache-2.0', 'ISC', '(MIT OR GPL-3.0-only)', 'MIT AND ISC'])('%s may be shipped', (license) => {
    expect(problemsOf({ 'node_modules/a': { version: '1.0.0', license } })).toEqual([])
  })

  test.for(['AGPL-3.0-or-later', 'GPL-2.0', 'LGPL-3.0', 'MPL-2.0', 'MIT AND GPL-3.0-only', 'SEE LICENSE IN x', ''])(
    '%s may not',
    (license) => {
      expect(problemsOf({ 'node_modules/a': { version: '1.0.0', license } })).toEqual([
        `a@1.0.0 (shipped) is under ${license}`,
      ])
    },
  )

  test('a package that states no licence may not be shipped', () => {
    expect(problemsOf({ 'node_modules/b/node_modules/@x/a': { version: '2.0.0' } })).toEqual([
      '@x/a@2.0.0 (shipped) is under no stated licence',
    ])
  })

  test('a development tool may be under MPL-2.0 and still not under the GPL', () => {
    expect(problemsOf({ 'node_modules/a': { version: '1.0.0', license: 'MPL-2.0', dev: true } })).toEqual([])
    expect(problemsOf({ 'node_modules/a': { version: '1.0.0', license: 'GPL-3.0-only', dev: true } })).toEqual([
      'a@1.0.0 (a development tool) is under GPL-3.0-only',
    ])
  })
})

test('data under a licence of their own have to be named in NOTICE', () => {
  const packages = { 'node_modules/geoip-lite': { version: '1.4.10', license: 'Apache-2.0' } }
  expect(problemsOf(packages)).toEqual([
    'NOTICE does not say "This product includes GeoLite2 data created by MaxMind", which geoip-lite asks for',
  ])
  expect(problemsOf(packages, 'This product includes GeoLite2 data created by MaxMind.')).toEqual([])
})
