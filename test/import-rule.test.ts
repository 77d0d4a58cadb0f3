/** Imports go one way (docs/how-it-works.md). Biome keeps the rule; here it is shown to fire, and to let through. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const refusedImports = {
  'src/account/new.ts': ['../event-store/port.ts', '../config.ts', 'node:crypto', 'uuid'],
  'src/account/decisions/new.ts': ['../../config.ts', '../../event-store/port.ts', 'pg'],
  'src/event-store/new.ts': ['../account/events.ts', '../secrets/boxes.ts', '../config.ts', 'express'],
  'src/platform/new.ts': ['../event-store/port.ts', '../account/events.ts', '../config.ts', 'scrypt-kdf'],
  'src/platform/embedded-postgres/new.ts': ['../../config.ts', '../../event-store/port.ts'],
  'src/client-context/new.ts': ['../accounts/accounts.ts', '../config.ts'],
  'src/secrets/new.ts': ['../accounts/accounts.ts', '../account/state.ts', 'pg'],
  'src/accounts/new.ts': [
    '../commands/services.ts',
    '../http/problem.ts',
    '../queries/sessions.ts',
    '../../projections/sessions.ts',
    'pg',
    '@eventstore/db-client',
  ],
  'src/commands/new.ts': [
    '../http/problem.ts',
    '../queries/sessions.ts',
    '../projector/progress.ts',
    '../event-store/postgres.ts',
    'scrypt-kdf',
    'express',
    '@eventstore/db-client',
  ],
  'src/audit/new.ts': [
    '../account/events.ts',
    '../secrets/boxes.ts',
    '../event-store/postgres.ts',
    '../http/problem.ts',
  ],
  'src/mailer/new.ts': ['../commands/services.ts', '../http/problem.ts', '../config.ts', 'pg', '@eventstore/db-client'],
  'src/erasure/new.ts': ['../start/parts.ts', '../commands/services.ts', '../http/problem.ts', '../config.ts', 'pg'],
  'src/replay/new.ts': [
    '../start/parts.ts',
    '../commands/services.ts',
    '../http/problem.ts',
    '../event-store/postgres.ts',
    '../config.ts',
    'pg',
  ],
  'src/queries/new.ts': ['../commands/services.ts', '../account/state.ts', '../secrets/boxes.ts', 'pg'],
  'src/projector/new.ts': ['../account/events.ts', '../secrets/vault.ts', '@eventstore/db-client'],
  'src/projector/open-events.ts': ['../commands/services.ts', '../http/problem.ts'],
  'src/http/new.ts': ['../account/events.ts', '../commands/services.ts', '../platform/postgres.ts', 'pg'],
  'src/http/resources/new.ts': [
    '../../start/parts.ts',
    '../../event-store/postgres.ts',
    '../../config.ts',
    'pg',
    'scrypt-kdf',
  ],
  'src/main.ts': ['@eventstore/db-client', 'pg', 'express', 'scrypt-kdf'],
  'src/start/new.ts': ['@eventstore/db-client', 'pg', 'express', 'scrypt-kdf'],
  'projections/new.ts': ['../src/account/state.ts', '../src/event-store/port.ts', './sessions.ts', 'node:fs'],
}

const allowedImports = {
  'src/account/new.ts': ['zod', './state.ts', './decisions/sessions.ts'],
  'src/account/decisions/new.ts': ['zod', '../state.ts'],
  'src/event-store/new.ts': ['../platform/postgres.ts', 'pg', '@eventstore/db-client'],
  'src/secrets/new.ts': ['../account/events.ts', 'scrypt-kdf'],
  'src/start/new.ts': ['../commands/services.ts', '../http/resources/api.ts', '../event-store/open.ts', './parts.ts'],
  'src/accounts/new.ts': ['../account/state.ts', '../event-store/port.ts', '../secrets/vault.ts'],
  'src/commands/new.ts': ['../accounts/accounts.ts', '../event-store/port.ts', '../secrets/vault.ts'],
  'src/audit/new.ts': [
    '../event-store/port.ts',
    '../platform/postgres.ts',
    '../projector/reactor.ts',
    '../config.ts',
    'pg',
  ],
  'src/mailer/new.ts': ['../accounts/identity.ts', '../projector/reactor.ts', 'nodemailer', 'kysely'],
  'src/erasure/new.ts': ['../projector/reactor.ts', '../mailer/mail-files.ts', '../secrets/vault.ts', 'kysely'],
  'src/replay/new.ts': [
    '../event-store/port.ts',
    '../account/state.ts',
    '../projector/open-events.ts',
    '../../projections/sessions.ts',
  ],
  'src/queries/new.ts': ['kysely', '../platform/database.ts'],
  'src/projector/new.ts': ['../event-store/port.ts', '../platform/postgres.ts', 'pg'],
  'src/projector/open-events.ts': ['../account/events.ts', '../secrets/vault.ts'],
  'src/http/new.ts': ['express', './problem.ts', '../platform/describe-error.ts'],
  'src/http/resources/new.ts': ['../../commands/services.ts', '../../queries/sessions.ts', '../problem.ts'],
  'projections/new.ts': ['../src/account/events.ts', '../src/projector/row-operation.ts'],
}

const refusedCode = [
  // A credential box is opened where the credential is used.
  ['src/accounts/new.ts', "import { openCredential } from '../secrets/boxes.ts'", 'noRestrictedImports'],
  ['src/projector/open-events.ts', "import { openCredential } from '../secrets/boxes.ts'", 'noRestrictedImports'],
  ['src/http/resources/new.ts', "import { openCredential } from '../../secrets/boxes.ts'", 'noRestrictedImports'],
  // A type, a dynamic import and a re-export are imports too.
  ['src/replay/new.ts', "import { openCredential } from '../secrets/boxes.ts'", 'noRestrictedImports'],
  ['src/queries/new.ts', "import type { Services } from '../commands/services.ts'", 'noRestrictedImports'],
  ['src/account/new.ts', "const fs = await import('node:fs')", 'noRestrictedImports'],
  ['src/account/new.ts', "export { readConfig } from '../config.ts'", 'noRestrictedImports'],
  // Only the configuration reads the environment.
  ['src/commands/new.ts', 'const home = process.env.HOME', 'noProcessEnv'],
  ['src/main.ts', 'const home = process.env.HOME', 'noProcessEnv'],
  // Pure code has no clock, randomness or I/O within reach.
  ['src/account/new.ts', 'const now = performance.now()', 'noRestrictedGlobals'],
  ['src/account/decisions/new.ts', 'const id = crypto.randomUUID()', 'noRestrictedGlobals'],
  ['projections/new.ts', "const answer = await fetch('http://localhost')", 'noRestrictedGlobals'],
] as const

const allowedCode = [
  ['src/commands/new.ts', "import { openCredential } from '../secrets/boxes.ts'"],
  ['src/accounts/new.ts', "import { openPersonal } from '../secrets/boxes.ts'"],
  ['src/config.ts', 'const home = process.env.HOME'],
] as const

const linesOf = (imports: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(imports).flatMap(([path, specifiers]) =>
    specifiers.map((specifier) => [path, `import { x } from '${specifier}'`] as const),
  )

const refused = [
  ...linesOf(refusedImports).map(([path, code]) => [path, code, 'noRestrictedImports'] as const),
  ...refusedCode,
]
const allowed = [...linesOf(allowedImports), ...allowedCode]

const folder = mkdtempSync(join(tmpdir(), 'strongroom-import-rule-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Path and line -> the rule that is broken there. */
const broken = new Map<string, string>()

/** One file per path with one case per line, so that Biome runs once. */
const files = new Map<string, string[]>()
for (const [path, code] of [...refused, ...allowed]) files.set(path, [...(files.get(path) ?? []), code])
const placeOf = (path: string, code: string) => `${path}:${(files.get(path) ?? []).indexOf(code) + 1}`

beforeAll(async () => {
  const root = new URL('..', import.meta.url)
  const { vcs: _, ...config } = JSON.parse(readFileSync(new URL('biome.json', root), 'utf8'))
  writeFileSync(join(folder, 'biome.json'), JSON.stringify(config))
  for (const [path, lines] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), `${lines.join('\n')}\n`)
  }
  const biome = fileURLToPath(import.meta.resolve('@biomejs/biome/bin/biome'))
  const args = [biome, 'lint', '--reporter=json', '--max-diagnostics=none']
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })
  for (const { category, location } of JSON.parse(await text(child.stdout)).diagnostics) {
    const rule = /^lint\/style\/(noRestrictedImports|noRestrictedGlobals|noProcessEnv)$/.exec(category)?.[1]
    if (rule !== undefined) broken.set(`${location.path}:${location.start.line}`, rule)
  }
})

describe('what is against the rule is refused', () => {
  test.for(refused)('%s: %s', ([path, code, rule]) => {
    expect(broken.get(placeOf(path, code))).toBe(rule)
  })
})

describe('what the house is built of passes', () => {
  test.for(allowed)('%s: %s', ([path, code]) => {
    expect(broken.get(placeOf(path, code))).toBeUndefined()
  })
})
