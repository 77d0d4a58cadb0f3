/** Documents that name what is no longer there are worse than none. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

const root = new URL('..', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...readdirSync(new URL('docs', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** As GitHub makes them of headings. */
const anchorsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

describe.for(documents)('%s', (document) => {
  const text = read(document)

  test('links to files and headings that are there', () => {
    for (const [, link = ''] of text.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? new URL(document, root) : new URL(path, new URL(document, root))
      expect(existsSync(target), link).toBe(true)
      if (anchor !== undefined) expect(anchorsOf(readFileSync(target, 'utf8')), link).toContain(anchor)
    }
  })

  test('names files and folders that are there', () => {
    const named = [...text.matchAll(/`((?:src|test|scripts|projections|docs|bench)\/[\w./-]+|[\w.-]+\.json)`/g)]
    for (const [, path = ''] of named) {
      const isThere = [path, `test/account/golden/${path}`].some((place) => existsSync(new URL(place, root)))
      expect(isThere || path === 'phone.json', path).toBe(true)
    }
  })
})

test('every setting is described, and no setting that does not exist', () => {
  const declared = [...read('src/config.ts').matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(([, name]) => name)
  const rows = read('docs/configuration.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name))
  expect(declared.length).toBeGreaterThan(20)
  expect([...rows, 'NODE_ENV'].sort()).toEqual(declared.sort())
})

test('the numbers given as defaults are the defaults', () => {
  const { session, limits, hashing, consistencyWaitMs, http, loginPerAddressPerMinute } = readConfig({})
  const rows = read('docs/configuration.md').match(/^\| `[A-Z].*$/gm) ?? []
  const written = new Map(
    rows.flatMap((row) => {
      const [, names = '', defaults = ''] = row.split('|')
      const values = [...defaults.matchAll(/`([^`]+)`/g)].map(([, value]) => value)
      return [...names.matchAll(/`(\w+)`/g)].map(([, name], index) => [name, values[index]] as const)
    }),
  )
  const actual = {
    PORT: http.port,
    HOST: http.host,
    SCRYPT_LOG_N: hashing.logN,
    SCRYPT_R: hashing.r,
    SCRYPT_P: hashing.p,
    HASH_QUEUE: hashing.queueLimit,
    SESSION_IDLE_SECONDS: session.idleMs / 1_000,
    SESSION_ABSOLUTE_SECONDS: limits.sessionAbsoluteMs / 1_000,
    SUDO_SECONDS: limits.sudoMs / 1_000,
    SESSIONS_MAX: limits.sessionsMax,
    ACTIVITY_SECONDS: session.activityMs / 1_000,
    LOCK_AFTER_FAILURES: limits.lockAfterFailures,
    LOCK_SECONDS: limits.lockMs / 1_000,
    CONSISTENCY_WAIT_MS: consistencyWaitMs,
    IDEMPOTENCY_SECONDS: limits.idempotencyMs / 1_000,
    CHALLENGE_SECONDS: limits.challengeMs / 1_000,
    ENROLLMENT_SECONDS: limits.enrollmentMs / 1_000,
    RESET_TOKEN_SECONDS: limits.resetTokenMs / 1_000,
    NOT_ME_SECONDS: limits.notMeMs / 1_000,
    RESET_MAILS_PER_HOUR: limits.resetMailsPerHour,
    LOGIN_PER_ADDRESS_PER_MINUTE: loginPerAddressPerMinute,
  }
  for (const [name, value] of Object.entries(actual)) expect(written.get(name), name).toBe(String(value))
})
