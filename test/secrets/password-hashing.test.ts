import { createHash, scryptSync } from 'node:crypto'
import fc from 'fast-check'
import { kdf } from 'scrypt-kdf'
import { describe, expect, it } from 'vitest'
import { UnusableHash } from '../../src/secrets/password-hash-format.ts'
import { openPasswordHasher, type PasswordHasherOptions } from '../../src/secrets/password-hashing.ts'
import { Overloaded } from '../../src/secrets/password-work-queue.ts'

const CHEAP: PasswordHasherOptions = { logN: 4, r: 8, p: 1, queueLimit: 64 }
const open = (options: Partial<PasswordHasherOptions> = {}) => openPasswordHasher({ ...CHEAP, ...options })

describe('a password hash', () => {
  it('fits its own password, and no other', async () => {
    const hasher = open()
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), async (password, other) => {
        const hash = await hasher.hash(password)
        expect(await hasher.verify(hash, password)).toBe(true)
        expect(await hasher.verify(hash, other)).toBe(password.normalize('NFC') === other.normalize('NFC'))
      }),
      { numRuns: 50 },
    )
  })

  it('is 96 bytes of base64 with the parameters in it, salted anew each time', async () => {
    const hasher = open({ logN: 5, p: 3 })
    const [one, two] = await Promise.all([hasher.hash('the same'), hasher.hash('the same')])
    expect(one).toMatch(/^c2NyeXB0AAU[A-Za-z0-9+/]{117}$/)
    expect(one).not.toBe(two)
    expect(Buffer.from(one, 'base64').subarray(0, 16).toString('hex')).toBe(
      '736372797074' + '00' + '05' + '00000008' + '00000003',
    )
  })

  it('counts a password whole: 100 characters with spaces and emoji', async () => {
    const hasher = open()
    const password = 'correct horse 🦊 '.repeat(7).slice(0, 100)
    const hash = await hasher.hash(password)
    expect(await hasher.verify(hash, password)).toBe(true)
    expect(await hasher.verify(hash, password.slice(0, 72))).toBe(false)
    expect(await hasher.verify(hash, `${password.slice(0, 99)}x`)).toBe(false)
  })

  it('takes the same characters in whatever normal form they arrive', async () => {
    const hasher = open()
    const hash = await hasher.hash('caf\u00e9 Zürich'.normalize('NFD'))
    expect(await hasher.verify(hash, 'caf\u00e9 Zürich'.normalize('NFC'))).toBe(true)
  })

  it('keeps characters apart that only look related', async () => {
    const hasher = open()
    const hash = await hasher.hash('x² ﬁn ＡＢＣ')
    expect(await hasher.verify(hash, 'x2 fin ABC')).toBe(false)
  })

  it('made by the library elsewhere is understood', async () => {
    const foreign = Buffer.from(await kdf('elsewhere', { logN: 6, r: 4, p: 2 })).toString('base64')
    expect(await open().verify(foreign, 'elsewhere')).toBe(true)
  })
})

describe('a stored hash that is none', () => {
  const forge = (logN: number, r: number, p: number): string => {
    const key = Buffer.alloc(96)
    key.write('scrypt', 'latin1')
    key.writeUInt8(logN, 7)
    key.writeUInt32BE(r, 8)
    key.writeUInt32BE(p, 12)
    createHash('sha256').update(key.subarray(0, 48)).digest().copy(key, 48, 0, 16)
    return key.toString('base64')
  }

  it('is run where its parameters are sound, to show that the forgery itself is not what is refused', async () => {
    expect(await open().verify(forge(4, 8, 1), 'x')).toBe(false)
  })

  it.each([
    ['half a gigabyte', forge(19, 8, 1)],
    ['four gigabytes', forge(22, 8, 1)],
    ['terabytes', forge(30, 1024, 1)],
    ['hours', forge(15, 8, 10_000)],
    ['a power beyond all bounds', forge(255, 8, 1)],
    ['no memory', forge(0, 8, 1)],
    ['no blocks', forge(10, 0, 1)],
    ['no rounds', forge(10, 8, 0)],
    ['an empty text', ''],
    ['no base64', '!'.repeat(128)],
    ['base64 of another length', Buffer.alloc(95).toString('base64')],
    ['base64 with something behind it', `${forge(4, 8, 1)}\n`],
    ['another format', Buffer.alloc(96, 'bcrypt').toString('base64')],
  ])('asks for %s and is refused without being run', async (_, hash) => {
    const hasher = open()
    const started = performance.now()
    await expect(hasher.verify(hash, 'x')).rejects.toThrow(UnusableHash)
    expect(() => hasher.needsRehash(hash)).toThrow(UnusableHash)
    expect(performance.now() - started).toBeLessThan(500)
  })

  it('is told from a wrong password wherever a bit of its header fell over', async () => {
    const hasher = open()
    const sound = Buffer.from(await hasher.hash('sound'), 'base64')
    await fc.assert(
      fc.asyncProperty(fc.nat(64 * 8 - 1), async (bit) => {
        const damaged = Buffer.from(sound)
        damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        await expect(hasher.verify(damaged.toString('base64'), 'sound')).rejects.toThrow(UnusableHash)
      }),
    )
  })

  it('fits nothing where its proof is damaged', async () => {
    const hasher = open()
    const damaged = Buffer.from(await hasher.hash('sound'), 'base64')
    damaged.writeUInt8(damaged.readUInt8(95) ^ 1, 95)
    expect(await hasher.verify(damaged.toString('base64'), 'sound')).toBe(false)
  })
})

describe('the parameters', () => {
  it.each([
    { logN: 23, r: 8, p: 1 },
    { logN: 15, r: 8, p: 100 },
    { logN: 0, r: 8, p: 1 },
    { logN: 14.5, r: 8, p: 1 },
    { logN: 14, r: 0, p: 1 },
  ])('%j are refused at the start, not at the first log-in', (params) => {
    expect(() => open(params)).toThrow(RangeError)
  })

  it.each([
    { logN: 15, r: 8, p: 3 },
    { logN: 17, r: 8, p: 1 },
    { logN: 10, r: 8, p: 1 },
  ])('%j are accepted', (params) => {
    expect(() => open(params)).not.toThrow()
  })

  it.each([
    ['the same', { logN: 6, r: 8, p: 2 }, false],
    ['more memory', { logN: 7, r: 8, p: 2 }, true],
    ['more rounds', { logN: 6, r: 8, p: 3 }, true],
    ['larger blocks', { logN: 6, r: 16, p: 2 }, true],
    ['more memory and no less work', { logN: 8, r: 8, p: 1 }, true],
    ['more memory but less work', { logN: 6, r: 12, p: 1 }, false],
    ['less memory', { logN: 5, r: 8, p: 2 }, false],
    ['less memory and more work', { logN: 5, r: 8, p: 8 }, false],
    ['fewer rounds', { logN: 6, r: 8, p: 1 }, false],
  ])('that ask for %s than a stored hash: rehash %j is %s', async (_, now, expected) => {
    const then = await open({ logN: 6, r: 8, p: 2 }).hash('x')
    expect(open(now).needsRehash(then)).toBe(expected)
    expect(await open(now).verify(then, 'x')).toBe(true)
  })
})

describe('what is derived from a text', () => {
  it('is plain scrypt of text and salt, with the parameters of the hasher, and takes its turn in the queue', async () => {
    const hasher = open({ logN: 5, p: 2, concurrency: 1, queueLimit: 0 })
    const derived = hasher.derive('text', 'salt')
    expect(hasher.active).toBe(1)
    await expect(hasher.derive('text', 'salt')).rejects.toBeInstanceOf(Overloaded)
    expect(await derived).toBe(scryptSync('text', 'salt', 32, { N: 32, r: 8, p: 2 }).toString('base64'))
    expect(await hasher.derive('text', 'pepper')).not.toBe(await derived)
  })

  it('has the memory it needs at every strength that is accepted', async () => {
    await expect(open({ logN: 15, r: 8, p: 3 }).derive('text', 'salt')).resolves.toHaveLength(44)
  })
})

describe('the queue before the hashing', () => {
  it('lets as many run at once as it was told, counts the rest as waiting, and refuses beyond its limit', async () => {
    const hasher = open({ logN: 12, concurrency: 2, queueLimit: 3 })
    const running = Array.from({ length: 5 }, (_, index) => hasher.hash(`password ${index}`))
    expect([hasher.active, hasher.waiting]).toEqual([2, 3])
    const refused = hasher.hash('one too many')
    await expect(refused).rejects.toBeInstanceOf(Overloaded)
    await expect(refused).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: expect.any(Number) })
    await Promise.all(running)
    expect([hasher.active, hasher.waiting]).toEqual([0, 0])
    await hasher.hash('there is room again')
  })

  it('treats checks for nobody like checks for somebody', async () => {
    const hasher = open({ logN: 12, concurrency: 1, queueLimit: 1 })
    const hash = await open().hash('x')
    const first = hasher.verifyNothing('x')
    const second = hasher.verify(hash, 'x')
    expect([hasher.active, hasher.waiting]).toEqual([1, 1])
    await expect(hasher.verifyNothing('x')).rejects.toBeInstanceOf(Overloaded)
    expect(await first).toBe(false)
    expect(await second).toBe(true)
  })
})
