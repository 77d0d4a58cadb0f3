/**
 * docs/auditors.md maps standards to tests: each named one has to be there, under that very name. And it has a program,
 * which has to do what is said of it.
 */
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { allEvents, signIn, signUp } from '../security/support.ts'
import { makeToken, type TestToken } from '../security/tokens.ts'
import { startServer, type TestServer } from '../support/server.ts'

const root = new URL('../..', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const titles = new Set(
  readdirSync(new URL('test/security', root))
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) => [...read(`test/security/${name}`).matchAll(/\b(?:describe|it|test)\S*?\(\s*(['`])(.+?)\1\s*,/g)])
    .map(([, , title]) => title),
)

const page = read('docs/auditors.md')
/** Of the table of standards: item, feature, tests. */
const rows = (page.match(/^\| (PCI DSS|ASVS|SOC 2).*$/gm) ?? []).map((row) => row.slice(2, -2).split(' | '))

test('maps PCI DSS, ASVS and SOC 2, each item to tests that are there', () => {
  expect(rows.length).toBeGreaterThan(30)
  for (const [item = '', , tests = '', ...more] of rows) {
    const named = [...tests.matchAll(/`([^`]+)`/g)].map(([, name]) => name)
    expect(named.length, item).toBeGreaterThan(0)
    expect(
      named.filter((name) => !titles.has(name)),
      item,
    ).toEqual([])
    expect(more, item).toEqual([])
  }
})

test('names no item as provided that it says is not', () => {
  const [, notProvided = ''] = page.split('### Not provided')
  const absent = [...notProvided.matchAll(/\d+\.\d+(?:\.\d+)*/g)].map(([item]) => item)
  expect(absent.length).toBeGreaterThan(5)
  const provided = rows.flatMap(([item = '']) => item.match(/\d+\.\d+(\.\d+)*/g) ?? [])
  const isWithin = (item: string) => absent.some((one) => `${item}.`.startsWith(`${one}.`))
  // ASVS 5.0 is the name of a standard.
  expect(provided.filter((item) => item !== '5.0' && isWithin(item))).toEqual([])
})

describe('the program that checks the proof of an event', () => {
  let server: TestServer
  let folder: string
  let key: string
  let auditor: TestToken
  const proofs: Proof[] = []

  beforeAll(async () => {
    server = await startServer()
    folder = await mkdtemp(join(tmpdir(), 'strongroom-proof-'))
    const [, program = ''] = /^```js\n([\s\S]+?)^```$/m.exec(page) ?? []
    await writeFile(join(folder, 'proof.mjs'), program)
    auditor = await makeToken(server, ['audit:read'])
    const person = await signUp(server)
    for (let n = 0; n < 4; n++) await signIn(server, person.email)
    const ids = (await allEvents(server, person.browser)).map(({ id }) => id)
    // All in one tree, which is complete on neither side.
    await vi.waitFor(async () => expect((await proofOf(ids[0] ?? '')).treeSize).toBeGreaterThanOrEqual(6), {
      timeout: 20_000,
    })
    for (const id of ids) proofs.push(await proofOf(id))
    key = (await ask('/v1/audit/log/key')).text.trim()
  })
  afterAll(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const ask = (path: string) => server.browser().get(path, { headers: auditor.headers })

  const proofOf = async (id: string): Promise<Proof> => {
    const reply = await ask(`/v1/audit/events/${id}/proof`)
    expect(reply.status).toBe(200)
    return reply.body as Proof
  }

  /** What it prints; the message of its error where it fails. */
  const check = async (proof: Proof, by = key): Promise<string> => {
    const file = join(folder, `${randomUUID()}.json`)
    await writeFile(file, JSON.stringify(proof))
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'proof.mjs'), file, by], {
      encoding: 'utf8',
    })
    return status === 0 ? stdout.trim() : (/^Error: (.*)$/m.exec(stderr)?.[1] ?? stderr)
  }

  test('takes that of every event', async () => {
    expect(new Set(proofs.map(({ leafIndex }) => leafIndex)).size).toBe(6)
    for (const proof of proofs) {
      expect(await check(proof)).toBe(`leaf ${proof.leafIndex} is in the log of ${proof.treeSize} leaves`)
    }
  })

  test('takes none that was changed, of another leaf, or signed by another key', async () => {
    const [proof, other] = proofs
    if (proof === undefined || other === undefined) throw new Error('there are proofs')
    const noRoot = 'the path does not lead to the root of the checkpoint'
    expect(await check({ ...proof, leafHash: other.leafHash })).toBe(noRoot)
    expect(await check({ ...proof, leafIndex: other.leafIndex })).toMatch(/^the path /)
    expect(await check({ ...proof, leafIndex: proof.treeSize })).toBe('the checkpoint has no such leaf')
    expect(await check({ ...proof, proof: proof.proof.slice(1) })).toBe(noRoot)
    expect(await check({ ...proof, proof: [...proof.proof, ...proof.proof] })).toBe('the path is too long')
    expect(await check({ ...proof, treeSize: proof.treeSize + 1 })).toContain('another size')
    const changed = proof.checkpoint.replace(/\n\d+\n/, `\n${proof.treeSize + 1}\n`)
    const unsigned = 'the checkpoint is not signed by this key'
    expect(await check({ ...proof, treeSize: proof.treeSize + 1, checkpoint: changed })).toBe(unsigned)
    const stranger = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    const name = key.slice(0, key.indexOf('+'))
    const theirs = `${name}+00000000+${Buffer.concat([Buffer.of(1), stranger]).toString('base64')}`
    expect(await check(proof, theirs)).toBe(unsigned)
  })
})

interface Proof {
  readonly leafIndex: number
  readonly treeSize: number
  readonly leafHash: string
  readonly proof: readonly string[]
  readonly checkpoint: string
}
