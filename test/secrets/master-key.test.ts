import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InvalidConfiguration } from '../../src/config.ts'
import { loadMasterKey } from '../../src/secrets/master-key.ts'

let dataDir = ''
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'strongroom-key-'))
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

const load = (
  source: { readonly masterKey?: string; readonly masterKeyFile?: string; readonly dataDir?: string } = {},
) => loadMasterKey({ masterKey: undefined, masterKeyFile: undefined, dataDir, ...source })

const bytes = Buffer.from(Array.from({ length: 32 }, (_, n) => n * 7))

describe('a master key that nobody gave', () => {
  it('is made once, for its owner alone, and is the same ever after', async () => {
    const first = await load()
    const { mode } = await stat(join(dataDir, 'master.key'))
    expect(mode & 0o777).toBe(0o600)
    expect(first.key).toHaveLength(32)
    expect(await load()).toStrictEqual(first)
  })

  it('leaves nothing else behind', async () => {
    await load()
    expect(await readdir(dataDir)).toStrictEqual(['master.key'])
  })

  it('is another one in every installation', async () => {
    const first = await load()
    await rm(join(dataDir, 'master.key'))
    expect((await load()).id).not.toBe(first.id)
  })

  it('is one and the same for any number that start at once', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => load()))
    expect(new Set(keys.map(({ id }) => id)).size).toBe(1)
    expect(await readdir(dataDir)).toStrictEqual(['master.key'])
  })

  it('lies in a folder that is made where it is missing, closed to others', async () => {
    const nested = join(dataDir, 'a', 'b')
    await load({ dataDir: nested })
    expect((await stat(nested)).mode & 0o777).toBe(0o700)
  })

  it('is not replaced where the file holds something else: that would orphan all data', async () => {
    const path = join(dataDir, 'master.key')
    await writeFile(path, 'cut off')
    await expect(load()).rejects.toThrow(InvalidConfiguration)
    await expect(load()).rejects.toThrow(`${path}: must hold 32 bytes`)
    expect(await readFile(path, 'utf8')).toBe('cut off')
  })
})

describe('a master key that was given', () => {
  it('may be base64, base64url or hex, with space around it', async () => {
    const keys = [
      await load({ masterKey: bytes.toString('base64') }),
      await load({ masterKey: bytes.toString('base64url') }),
      await load({ masterKey: bytes.toString('hex') }),
      await load({ masterKey: bytes.toString('hex').toUpperCase() }),
      await load({ masterKey: `\n ${bytes.toString('base64')}\n` }),
    ]
    for (const { key } of keys) expect(key).toStrictEqual(bytes)
  })

  it('comes before the file, and the file before DATA_DIR, which then stays empty', async () => {
    const file = join(dataDir, 'given.key')
    await writeFile(file, bytes.toString('hex'))
    expect((await load({ masterKeyFile: file })).key).toStrictEqual(bytes)
    const other = Buffer.alloc(32, 1)
    expect((await load({ masterKey: other.toString('hex'), masterKeyFile: file })).key).toStrictEqual(other)
    expect(await readdir(dataDir)).toStrictEqual(['given.key'])
  })

  it.each([
    ['too short', bytes.subarray(1).toString('base64')],
    ['too long', Buffer.alloc(33).toString('base64')],
    ['hex of odd length', bytes.toString('hex').slice(1)],
    ['a passphrase', 'correct horse battery staple'],
    ['empty', ''],
    ['no base64, though 32 bytes of it are', `${bytes.toString('base64')}!?`],
    ['broken across words', bytes.toString('base64').replace(/^(.{9})/, '$1 ')],
  ])('is refused, by name and without repeating it, where it is %s', async (_, masterKey) => {
    const refusal = await load({ masterKey }).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(InvalidConfiguration)
    const { message } = refusal as Error
    expect(message).toMatch(/^MASTER_KEY: must hold 32 bytes/)
    if (masterKey !== '') expect(message).not.toContain(masterKey)
  })

  it('is refused by the name of its file where that holds none or cannot be read', async () => {
    const file = join(dataDir, 'given.key')
    await expect(load({ masterKeyFile: file })).rejects.toThrow(`MASTER_KEY_FILE: ${file} cannot be read (ENOENT)`)
    await writeFile(file, 'nonsense')
    await chmod(file, 0o600)
    await expect(load({ masterKeyFile: file })).rejects.toThrow(/^MASTER_KEY_FILE: must hold 32 bytes/)
  })
})

describe('the id of a master key', () => {
  it('is the same for the same key and tells nothing of it', async () => {
    const { id, key } = await load({ masterKey: bytes.toString('base64') })
    expect(id).toMatch(/^[0-9a-f]{16}$/)
    expect((await load({ masterKey: bytes.toString('hex') })).id).toBe(id)
    expect(key.toString('hex')).not.toContain(id)
  })
})
