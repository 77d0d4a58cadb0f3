import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { prepareDataDir } from '../../src/platform/embedded-postgres/data-dir.ts'
import { ensureSocketFolder } from '../../src/platform/embedded-postgres/socket-folder.ts'
import { asRoot, makeClosedFolder, NOBODY, query, startUser } from '../support/embedded-postgres-users.ts'

const account = asRoot
  ? ({ kind: 'other', ...NOBODY } as const)
  : ({ kind: 'self', uid: process.getuid?.() ?? 0 } as const)

function longDataDir(): string {
  return join(makeClosedFolder(), 'long'.repeat(20), 'data')
}

/** The folder in the temp folder goes with the test. */
function socketFolderOf(path: string): string {
  const folder = ensureSocketFolder(prepareDataDir(path), account)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a short path has its socket in DATA_DIR/run', () => {
  const dataDir = join(makeClosedFolder(), 'data')
  expect(socketFolderOf(dataDir)).toBe(join(dataDir, 'run'))
})

test('a path too long for a socket gets a short closed folder, which everybody finds whatever their TMPDIR is', async () => {
  const dataDir = longDataDir()
  const folder = socketFolderOf(dataDir)
  expect(Buffer.byteLength(join(folder, '.s.PGSQL.5432'))).toBeLessThanOrEqual(107)
  expect(statSync(folder).mode & 0o777).toBe(0o700)

  const elsewhere = makeClosedFolder()
  const users = [startUser(dataDir), startUser(dataDir, { env: { TMPDIR: elsewhere } })]
  for (const user of users) {
    const { connection } = await user.started()
    expect(connection.host).toBe(folder)
    expect(await query(connection, 'select 1 as one')).toEqual([{ one: 1 }])
  }
  for (const user of users) await user.release()
}, 60_000)

test('a short folder that a cleaner has removed is made again', () => {
  const dataDir = longDataDir()
  const folder = socketFolderOf(dataDir)
  rmSync(folder, { recursive: true })
  expect(lstatSync(socketFolderOf(dataDir)).isDirectory()).toBe(true)
})

test.runIf(asRoot)('a short folder that another user has made first is not used', () => {
  const dataDir = longDataDir()
  const folder = socketFolderOf(dataDir)
  chownSync(folder, 23_456, 23_456)
  const next = socketFolderOf(dataDir)
  expect(next).not.toBe(folder)
  expect(readlinkSync(join(dataDir, 'run'))).toBe(next)
})

test('a short folder that others can enter, or a link in its place, is not used', () => {
  const dataDir = longDataDir()
  const folder = socketFolderOf(dataDir)
  chmodSync(folder, 0o755)
  const second = socketFolderOf(dataDir)
  expect(second).not.toBe(folder)
  const target = makeClosedFolder()
  rmSync(second, { recursive: true })
  symlinkSync(target, second)
  onTestFinished(() => rmSync(second, { force: true }))
  expect([folder, second, target]).not.toContain(socketFolderOf(dataDir))
})

test('a copy of a DATA_DIR does not use the folder of the original', () => {
  const dataDir = longDataDir()
  const folder = socketFolderOf(dataDir)
  const copy = longDataDir()
  mkdirSync(copy, { recursive: true })
  symlinkSync(folder, join(copy, 'run'))
  expect(socketFolderOf(copy)).not.toBe(folder)
})

test('a DATA_DIR that has moved to a short path has its socket there', () => {
  const dataDir = longDataDir()
  socketFolderOf(dataDir)
  const short = join(makeClosedFolder(), 'data')
  renameSync(dataDir, short)
  expect(socketFolderOf(short)).toBe(join(short, 'run'))
})
