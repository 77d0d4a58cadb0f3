/**
 * A09: an export verifies offline, and whatever is changed in it afterwards is named. Everything happens as it would for
 * an auditor: the bundle comes over HTTP, and is judged by the one file that an auditor copies.
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { canonicalJson } from '../../src/audit/canonical-json.ts'
import { signCheckpoint } from '../../src/audit/checkpoint.ts'
import { leafHash } from '../../src/audit/merkle.ts'
import { formatVerifierKey, parseVerifierKey, signNote, type VerifierKey, verifierKeyOf } from '../../src/audit/note.ts'
import { testLogKeyFile } from '../support/log-key.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { type Bundle, downloadBundle, untilSigned, type Verdict, verifyBundle } from './evidence-support.ts'
import { type Person, signUp } from './support.ts'
import { makeToken, type TestToken } from './tokens.ts'

interface Row {
  leafIndex: number
  leafHash: string
  event: { id: string; type: string; stream: string; revision: number; data: Record<string, unknown> }
  personal: Record<string, unknown> | null
  salt: string | null
  hidden: string | null
}

let server: TestServer
let auditor: TestToken
let folder = ''
let person: Person
let userId = ''
let older = ''
let whole: Bundle
let ofUser: Bundle
let key: VerifierKey
let privateKey: KeyObject

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strongroom-evidence-'))
  server = await startServer()
  auditor = await makeToken(server, ['audit:read', 'audit:export'])
  person = await signUp(server)
  userId = ((await person.browser.get('/v1/me')).body as { user: { id: string } }).user.id
  await untilSigned(server)
  older = await text('/v1/audit/log/checkpoint')
  for (let n = 0; n < 3; n++) await signUp(server)
  for (let n = 0; n < 3; n++) await person.browser.post('/v1/auth/reauthenticate', { password: 'wrong wrong wrong' })
  await untilSigned(server)
  const parsed = parseVerifierKey((await text('/v1/audit/log/key')).trim())
  if (parsed === null) throw new Error('the key is none')
  key = parsed
  privateKey = createPrivateKey(await readFile(testLogKeyFile()))
  whole = await download('')
  ofUser = await download(`&user=${userId}`)
}, 60_000)
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const text = async (path: string): Promise<string> =>
  (await server.browser().get(path, { headers: auditor.headers })).text

const download = (filter: string): Promise<Bundle> => downloadBundle(server, auditor, filter)

const verify = (bundle: Bundle, ...more: readonly string[]): Promise<Verdict> => verifyBundle(folder, bundle, ...more)

let files = 0
const fileOf = async (content: string): Promise<string> => {
  const path = join(folder, `file-${files++}`)
  await writeFile(path, content)
  return path
}

const rowsOf = (bundle: Bundle): readonly Row[] =>
  (bundle.get('rows.ndjson') ?? '')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

const withRows = (bundle: Bundle, rows: readonly Row[]): Bundle =>
  new Map(bundle).set('rows.ndjson', rows.map((row) => `${JSON.stringify(row)}\n`).join(''))

const manifestOf = (bundle: Bundle) => JSON.parse(bundle.get('manifest.json') ?? '')

const fileFacts = (bundle: Bundle, name: string) => {
  const content = Buffer.from(bundle.get(name) ?? '')
  return { sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length }
}

/** The worst case: whoever changes the bundle holds the key of the log, and signs the manifest anew. */
const resigned = (bundle: Bundle, change: object = {}, signer = { key, privateKey }): Bundle => {
  const rows = bundle.get('rows.ndjson') ?? ''
  const proof = bundle.get('proof') ?? ''
  const manifest = `${JSON.stringify({
    ...manifestOf(bundle),
    count: rows.split('\n').length - 1,
    files: {
      'rows.ndjson': { sha256: createHash('sha256').update(rows).digest('hex') },
      proof: { sha256: createHash('sha256').update(proof).digest('hex') },
    },
    ...change,
  })}\n`
  const digest = createHash('sha256').update(manifest).digest('base64')
  const note = signNote(`strongroom-evidence/1 ${signer.key.name}\n${digest}\n`, signer.key, signer.privateKey)
  return new Map(bundle).set('manifest.json', manifest).set('manifest.sig', note)
}

const changedAt = (rows: readonly Row[], at: number, change: (row: Row) => void): readonly Row[] => {
  const copies = structuredClone(rows) as Row[]
  const row = copies.at(at)
  if (row !== undefined) change(row)
  return copies
}

const expectWrong = ({ code, out }: Verdict, complaint: RegExp): void => {
  expect(out).toMatch(complaint)
  expect(out).toContain('must not be trusted')
  expect(out).not.toContain('PROVEN')
  expect(code).toBe(1)
}

const middle = () => Math.floor(rowsOf(whole).length / 2)

describe('A09 a bundle', () => {
  it('of everything verifies, and says what is proven and what is only asserted', async () => {
    const rows = rowsOf(whole)
    const { code, out } = await verify(whole, '--key', formatVerifierKey(key), '--checkpoint', await fileOf(older))
    expect(out).toContain(`${rows.length} rows are leaves of the log`)
    expect(out).toContain(`no row is missing between leaf 0 and leaf ${rows.length - 1}`)
    expect(out).toContain('leaves of the older checkpoint are in this log, unchanged')
    expect(out).toMatch(/ONLY ASSERTED\n {2}- that times and facts were true/)
    expect(code).toBe(0)
  })

  it('of one user verifies, and proves that no revision between the first and the last is missing', async () => {
    const { code, out } = await verify(ofUser, '--checkpoint', await fileOf(older))
    expect(out).toMatch(new RegExp(`no row of user-${userId} is missing between revisions 0 and \\d+`))
    expect(out).toContain('that the log is whose you think')
    expect(code).toBe(0)
  })

  it('of a range of times, and of some codes, verifies', async () => {
    const times = rowsOf(whole).map(({ event }) =>
      String((event as unknown as { metadata: { occurredAt: string } }).metadata.occurredAt),
    )
    const ranged = await download(`&from=${times[2]}&to=${times.at(-2)}`)
    expect(rowsOf(ranged)[0]?.leafIndex).toBeGreaterThan(0)
    expect((await verify(ranged)).out).toMatch(/no row is missing between leaf [1-9]/)
    const coded = await download('&code=user%3Alogged_in&code=user%3Aregistered')
    const { code, out } = await verify(coded)
    expect(out).toContain('that no other event matches the filter')
    expect(out).not.toContain('no row is missing')
    expect([code, rowsOf(coded).length]).toEqual([0, 8])
  })

  it('whose events have their keys in the order of the store, as earlier ones had, verifies as well', async () => {
    const reversed = rowsOf(ofUser).map((row) => ({
      ...row,
      event: Object.fromEntries(Object.entries(row.event).reverse()) as unknown as Row['event'],
    }))
    const { code, out } = await verify(resigned(withRows(ofUser, reversed)))
    expect([code, out]).toEqual([0, expect.stringContaining(`no row of user-${userId} is missing`)])
  })

  it('tells who made it of what, how far it goes and by which schemas', async () => {
    const { name, version } = packageJson
    const [, size] = manifestOf(whole).checkpoint.split('\n')
    expect(manifestOf(whole)).toStrictEqual({
      format: 'strongroom-evidence/1',
      program: { name, version },
      madeAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      origin: key.name,
      filter: { from: null, to: null, user: null, codes: null },
      redacted: [],
      coverage: { kind: 'leaves', from: 0, to: Number(size) },
      count: Number(size),
      personal: { personal: Number(size), redacted: 0, erased: 0 },
      schemas: { 'user:registered': 1, 'user:logged_in': 2, 'user:reauthentication_failed': 1 },
      files: {
        'rows.ndjson': fileFacts(whole, 'rows.ndjson'),
        proof: fileFacts(whole, 'proof'),
      },
      verifierKey: formatVerifierKey(key),
      checkpoint: expect.stringContaining(`${key.name}\n${size}\n`),
      cuts: expect.arrayContaining([Number(older.split('\n')[1])]),
    })
    expect(manifestOf(ofUser)).toMatchObject({
      filter: { from: null, to: null, user: userId, codes: null },
      coverage: { kind: 'revisions', stream: `user-${userId}`, from: '0', to: String(rowsOf(ofUser).length - 1) },
      count: rowsOf(ofUser).length,
    })
    const [from, to] = ['2026-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z']
    const failures = await download(`&code=user%3Areauthentication_failed&from=${from}&to=${to}`)
    expect(manifestOf(failures)).toMatchObject({
      filter: { from, to, user: null, codes: ['user:reauthentication_failed'] },
      coverage: { kind: 'rows' },
      count: 3,
      schemas: { 'user:reauthentication_failed': 1 },
    })
  })

  it('holds no secret', () => {
    expect(whole.get('rows.ndjson')).not.toMatch(/scrypt|passwordHash|tokenHash|totpSecret|backupCodes"/)
  })
})

describe('A09 tampering with the rows', () => {
  it('one changed byte is a changed row, and named', async () => {
    const rows = rowsOf(whole)
    const id = rows[middle()]?.event.id
    const changed = changedAt(rows, middle(), ({ event }) => void Object.assign(event, { type: `${event.type}x` }))
    expectWrong(await verify(withRows(whole, changed)), new RegExp(`changed row: row \\d+, event ${id}`))
    expectWrong(await verify(resigned(withRows(whole, changed))), new RegExp(`changed row: row \\d+, event ${id}`))
  })

  it('a row changed together with its leaf does not fit the tree, whoever signs', async () => {
    const forged = changedAt(rowsOf(whole), middle(), (row) => {
      row.event.data = { ...row.event.data, added: true }
      row.leafHash = leafHash(canonicalJson(row.event as never)).toString('base64')
    })
    expectWrong(await verify(resigned(withRows(whole, forged))), /changed row: .* not the tree/)
  })

  it('a changed person behind an event is found by the commitment', async () => {
    const changed = changedAt(
      rowsOf(whole),
      0,
      ({ personal }) => void Object.assign(personal ?? {}, { ip: '192.0.2.1' }),
    )
    expectWrong(await verify(resigned(withRows(whole, changed))), /changed row: the personal data of row 1/)
    const stripped = changedAt(rowsOf(whole), 0, (row) => void Object.assign(row, { personal: null, salt: null }))
    expectWrong(await verify(resigned(withRows(whole, stripped))), /has lost its personal data/)
  })

  it('a dropped row is missing inside the range', async () => {
    const at = middle()
    const dropped = withRows(whole, rowsOf(whole).toSpliced(at, 1))
    for (const bundle of [dropped, resigned(dropped)]) {
      expectWrong(await verify(bundle), new RegExp(`missing row: leaf ${at} is inside the range`))
    }
    const ofOne = withRows(ofUser, rowsOf(ofUser).toSpliced(1, 1))
    expectWrong(await verify(resigned(ofOne)), /missing rows: revisions 1 to 1 of user-/)
  })

  it('a cut tail is missed, in both kinds of bundles', async () => {
    const cut = withRows(whole, rowsOf(whole).slice(0, -2))
    expectWrong(await verify(cut), /cut tail: missing rows: leaves \d+ to \d+/)
    expectWrong(await verify(cut), /cut or missing: the manifest tells of \d+ rows/)
    expectWrong(await verify(resigned(withRows(ofUser, rowsOf(ofUser).slice(0, -1)))), /cut tail: the last row is not/)
  })

  it('a range that is made narrower than the filter is a cut tail, whoever signs', async () => {
    const rows = rowsOf(whole)
    const narrow = { coverage: { kind: 'leaves', from: 0, to: rows.length } }
    const { code } = await verify(resigned(whole, narrow))
    expect(code).toBe(0)
    const less = { coverage: { kind: 'leaves', from: 0, to: rows.length - 1 } }
    const cut = withRows(whole, rows.slice(0, -1))
    expectWrong(await verify(resigned(cut, less)), /cut tail: the bundle ends before leaf \d+ of \d+/)
    const late = { coverage: { kind: 'leaves', from: 1, to: rows.length } }
    expectWrong(await verify(resigned(withRows(whole, rows.slice(1)), late)), /the bundle begins at 1/)
    const of = { coverage: { ...manifestOf(ofUser).coverage, from: '1' } }
    expectWrong(await verify(resigned(withRows(ofUser, rowsOf(ofUser).slice(1)), of)), /the bundle begins at 1/)
  })

  it('what no hash speaks of has no place in a row: a further member, one twice, a salt in another spelling', async () => {
    const lines = (whole.get('rows.ndjson') ?? '').split('\n')
    const withFirst = (line: string) =>
      resigned(new Map(whole).set('rows.ndjson', [line, ...lines.slice(1)].join('\n')))
    const [first = ''] = lines
    const twice = first.replace('"event":{', `"event":${JSON.stringify({ type: 'user:erased' })},"event":{`)
    const cases = [
      [`${first.slice(0, -1)},"note":"seen by the auditor"}`, /row 1 has other members/],
      [twice, /row 1 is not spelled as rows are/],
      [first.replace('"type":"', '"type":"user:erased","type":"'), /row 1 is not spelled as rows are/],
      [first.replace(/"salt":"/, '"salt":"='), /the salt of row 1 is none/],
      [first.replace('"hidden":null', '"hidden":"redacted"'), /row 1 says that personal data is hidden/],
    ] as const
    for (const [line, complaint] of cases) {
      expect(line).not.toBe(first)
      expectWrong(await verify(withFirst(line)), complaint)
    }
  })

  it('a file that is put beside the others is named', async () => {
    expectWrong(await verify(new Map(whole).set('rows.csv', 'code\r\nuser:erased\r\n')), /"rows.csv" is not of this/)
  })

  it('swapped and doubled rows are named', async () => {
    const rows = rowsOf(whole)
    const [second, third] = [rows[1], rows[2]]
    if (second === undefined || third === undefined) throw new Error('there are more rows')
    expectWrong(
      await verify(resigned(withRows(whole, rows.toSpliced(1, 2, third, second)))),
      /swapped row: row 3 is leaf 1/,
    )
    expectWrong(await verify(resigned(withRows(whole, rows.toSpliced(1, 0, second)))), /doubled row: row 3 is leaf 1/)
  })

  it('a row of another user does not pass for one of this', async () => {
    const rows = rowsOf(ofUser)
    const foreign = rowsOf(whole).find(
      ({ event, leafIndex }) => event.stream !== rows[0]?.event.stream && leafIndex > 3,
    )
    if (foreign === undefined) throw new Error('there are others')
    const mixed = [...rows, foreign].sort((a, b) => a.leafIndex - b.leafIndex)
    expectWrong(await verify(resigned(withRows(ofUser, mixed))), /is of another stream than the bundle/)
  })
})

describe('A09 tampering with what proves', () => {
  it('a hash of the proof', async () => {
    const proof = (ofUser.get('proof') ?? '').split('\n')
    expect(proof.length).toBeGreaterThan(2)
    const other = [createHash('sha256').digest('base64'), ...proof.slice(1)].join('\n')
    expectWrong(
      await verify(resigned(new Map(ofUser).set('proof', other))),
      /not the tree that the checkpoint commits to/,
    )
    const less = proof.slice(1).join('\n')
    expectWrong(await verify(resigned(new Map(ofUser).set('proof', less))), /proof does not fit the rows/)
    expectWrong(await verify(new Map(ofUser).set('proof', other)), /proof is not the one that the manifest tells of/)
  })

  it('the manifest, and its signature', async () => {
    const manifest = (whole.get('manifest.json') ?? '').replace('"redacted": []', '"redacted": ["ip"]')
    expectWrong(await verify(new Map(whole).set('manifest.json', manifest)), /the manifest was changed/)
    const bare = new Map(whole)
    bare.delete('manifest.sig')
    expectWrong(await verify(bare), /manifest.sig, is missing/)
    const checkpoint = manifestOf(whole).checkpoint.replace(/\n\d+\n/, '\n1\n')
    expectWrong(await verify(resigned(whole, { checkpoint })), /wrong key, or changed checkpoint/)
  })

  it('a wrong key, of the same name or another', async () => {
    const { publicKey, privateKey: strange } = generateKeyPairSync('ed25519')
    for (const name of [key.name, 'elsewhere/log']) {
      const wrongKey = formatVerifierKey(verifierKeyOf(name, publicKey))
      expectWrong(await verify(whole, '--key', wrongKey), /wrong key/)
    }
    // A forger's whole bundle, under a key of their own: only who knows the key sees it.
    const forger = { key: verifierKeyOf(key.name, publicKey), privateKey: strange }
    const [, size = '', root = ''] = manifestOf(whole).checkpoint.split('\n')
    const forged = signCheckpoint(
      { origin: key.name, size: Number(size), root: Buffer.from(root, 'base64') },
      forger.key,
      strange,
    )
    const bundle = resigned(whole, { checkpoint: forged, verifierKey: formatVerifierKey(forger.key) }, forger)
    expect((await verify(bundle)).out).toContain('Compare it with yours')
    expectWrong(await verify(bundle, '--key', formatVerifierKey(key)), /wrong key/)
  })

  it('an older checkpoint of a key that was replaced holds for the same leaves, and for no others', async () => {
    const { publicKey, privateKey: replaced } = generateKeyPairSync('ed25519')
    const olderKey = verifierKeyOf('elsewhere/strongroom-log/old', publicKey)
    const [, size = '', root = ''] = older.split('\n')
    const noteOf = (hash: Buffer) =>
      fileOf(signCheckpoint({ origin: olderKey.name, size: Number(size), root: hash }, olderKey, replaced))
    const same = await noteOf(Buffer.from(root, 'base64'))
    const keys = ['--key', formatVerifierKey(key), '--older-key', formatVerifierKey(olderKey)]
    const { code, out } = await verify(whole, '--checkpoint', same, ...keys)
    expect(out).toContain('leaves of the older checkpoint are in this log, unchanged')
    expect(code).toBe(0)
    const other = await noteOf(createHash('sha256').digest())
    expectWrong(await verify(whole, '--checkpoint', other, ...keys), /inconsistent with the older one: the first/)
    expectWrong(await verify(whole, '--checkpoint', same), /not signed by this key/)
    expectWrong(await verify(whole, '--checkpoint', same, '--older-key', 'x'), /not signed by this key/)
  })

  it('a checkpoint that contradicts an older one, though the same key signed both', async () => {
    const [, size = ''] = older.split('\n')
    const other = signCheckpoint(
      { origin: key.name, size: Number(size), root: createHash('sha256').digest() },
      key,
      privateKey,
    )
    expectWrong(await verify(whole, '--checkpoint', await fileOf(other)), /inconsistent with the older one: the first/)
    expectWrong(await verify(ofUser, '--checkpoint', await fileOf(other)), /inconsistent with the older one: the first/)
    const larger = signCheckpoint(
      { origin: key.name, size: 1_000, root: createHash('sha256').digest() },
      key,
      privateKey,
    )
    expectWrong(await verify(whole, '--checkpoint', await fileOf(larger)), /inconsistent with the older one: that had/)
    expectWrong(await verify(whole, '--checkpoint', await fileOf(`${older}x`)), /not signed by this key/)
  })
})
