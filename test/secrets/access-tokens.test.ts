import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AccessTokens, isTokenName, openAccessTokens, scopes } from '../../src/secrets/access-tokens.ts'
import { openVaultDatabase, type VaultDatabase } from './vault-database.ts'

const START = Date.parse('2026-01-05T08:00:00.000Z')
const HOUR = 3_600_000
let database: VaultDatabase
let tokens: AccessTokens
let time = START
beforeAll(async () => {
  database = await openVaultDatabase()
  tokens = openAccessTokens(database.db, () => time)
})
afterAll(() => database.close())

const recordOf = async (id: string) => (await tokens.list()).find((record) => record.id === id)

describe('an access token', () => {
  it('lets its holder in with its scopes, in the order of the contract', async () => {
    const { token, record } = await tokens.create('Grace, audit', ['audit:export', 'audit:read', 'audit:read'])
    expect(record).toStrictEqual({
      id: record.id,
      name: 'Grace, audit',
      scopes: ['audit:read', 'audit:export'],
      createdAt: new Date(START),
      lastUsedAt: null,
      revokedAt: null,
    })
    expect(await tokens.check(token)).toStrictEqual({
      id: record.id,
      name: 'Grace, audit',
      scopes: ['audit:read', 'audit:export'],
    })
  })

  it('has 256 random bits behind a prefix that searches find, and none of them is kept', async () => {
    const made = await Promise.all(Array.from({ length: 50 }, () => tokens.create('many', ['events:read'])))
    const all = made.map(({ token }) => token)
    expect(new Set(all).size).toBe(50)
    for (const token of all) expect(token).toMatch(/^strongroom_[\w-]{64}$/)
    const rows = JSON.stringify(await database.db.selectFrom('vault.access_tokens').selectAll().execute())
    for (const token of all) {
      expect(rows).not.toContain(token.slice(11))
      expect(rows).not.toContain(token.slice(-43))
      expect(rows).not.toContain(Buffer.from(token.slice(11), 'base64url').subarray(16).toString('hex'))
    }
  })

  it('lets nobody in once it is revoked, in any process, and revoking it again changes nothing', async () => {
    const { token, record } = await tokens.create('short-lived', ['events:read'])
    const elsewhere = openAccessTokens(database.db, () => time)
    expect(await elsewhere.check(token)).not.toBeNull()
    time = START + 5
    expect(await tokens.revoke(record.id)).toBe(true)
    time = START + 10
    expect(await tokens.revoke(record.id)).toBe(true)
    expect(await elsewhere.check(token)).toBeNull()
    expect(await recordOf(record.id)).toMatchObject({ revokedAt: new Date(START + 5) })
    expect(await tokens.revoke(randomUUID())).toBe(false)
    time = START
  })

  it('is refused where one character differs', async () => {
    const { token } = await tokens.create('exact', ['events:read'])
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: token.length - 1 }), fc.constantFrom(...'AZaz09-_'), async (at, c) => {
        fc.pre(token.charAt(at) !== c)
        expect(await tokens.check(token.slice(0, at) + c + token.slice(at + 1))).toBeNull()
      }),
    )
  })

  it('is refused where it is junk, and never an error', async () => {
    const { token, record } = await tokens.create('whole', ['events:read'])
    const zeros = `strongroom_${Buffer.alloc(48).toString('base64url')}`
    const ones = `strongroom_${Buffer.alloc(48, 255).toString('base64url')}`
    const junk = [
      '',
      'null',
      record.id,
      token.slice(1),
      `${token}A`,
      `${token}\n`,
      ` ${token}`,
      token.toUpperCase(),
      zeros,
    ]
    for (const text of [...junk, ones, 'strongroom_', 'x'.repeat(100_000), `${token}\u0000`]) {
      expect(await tokens.check(text)).toBeNull()
    }
  })

  it('is not let in with the secret of another', async () => {
    const [one, other] = [await tokens.create('one', ['events:read']), await tokens.create('other', ['admin:users'])]
    const bytes = (token: string) => Buffer.from(token.slice(11), 'base64url')
    const mixed = Buffer.concat([bytes(other.token).subarray(0, 16), bytes(one.token).subarray(16)])
    expect(await tokens.check(`strongroom_${mixed.toString('base64url')}`)).toBeNull()
  })

  it('remembers when it was last used, to within an hour, and not that it was refused', async () => {
    const { token, record } = await tokens.create('used', ['events:read'])
    const lastUsed = async () => (await recordOf(record.id))?.lastUsedAt?.getTime() ?? null
    await tokens.check(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`)
    expect(await lastUsed()).toBeNull()
    for (const [at, noted] of [
      [START + 1, START + 1],
      [START + HOUR, START + 1],
      [START + HOUR + 1, START + HOUR + 1],
      [START + 2 * HOUR, START + HOUR + 1],
    ] as const) {
      time = at
      await tokens.check(token)
      expect(await lastUsed()).toBe(noted)
    }
    time = START
  })

  it('ignores a scope that this version does not know', async () => {
    const { token, record } = await tokens.create('later', ['events:read'])
    await database.db
      .updateTable('vault.access_tokens')
      .set({ scopes: ['planets:move', 'events:read'] })
      .where('id', '=', record.id)
      .execute()
    expect((await tokens.check(token))?.scopes).toEqual(['events:read'])
  })
})

describe('making one', () => {
  it('needs a scope and a name of one line', async () => {
    await expect(tokens.create('none', [])).rejects.toThrow(RangeError)
    for (const name of ['', ' ', 'two\nlines', 'bell\u0007', 'x'.repeat(101), '\u2028', '\u202eevil']) {
      expect(isTokenName(name)).toBe(false)
      await expect(tokens.create(name, ['events:read'])).rejects.toThrow(RangeError)
    }
    expect(isTokenName('Zoë, «night shift» 🦉')).toBe(true)
  })

  it('is possible for every scope of the contract', async () => {
    const { token } = await tokens.create('all', scopes)
    expect((await tokens.check(token))?.scopes).toEqual([...scopes])
  })
})
