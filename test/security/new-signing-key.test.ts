/** The key of the log is replaced, as docs/runbook.md says: the same leaves under another name and key. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { downloadBundle, untilSigned, verifyBundle } from './evidence-support.ts'
import { signUp, sql } from './support.ts'
import { makeToken } from './tokens.ts'

let server: TestServer
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strongroom-new-key-'))
  server = await startServer()
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

it('A10 a log begun anew with another key has the leaves of the old one, and is shown to continue its checkpoint', async () => {
  const { headers } = await makeToken(server, ['audit:read', 'audit:export'])
  const get = async (node: TestServer, path: string) => (await node.browser().get(path, { headers })).text
  for (let n = 0; n < 2; n++) await signUp(server)
  await untilSigned(server)
  const older = join(folder, 'older')
  await writeFile(older, await get(server, '/v1/audit/log/checkpoint'))
  const olderKey = (await get(server, '/v1/audit/log/key')).trim()

  const keyFile = join(folder, 'new.key')
  const { privateKey } = generateKeyPairSync('ed25519')
  await writeFile(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
  const { database } = server
  const env = { LOG_SIGNING_KEY_FILE: keyFile }
  // By mistake it cannot happen: a start with another key is refused.
  await expect(startServer({ database, env })).rejects.toThrow('holds another key')
  // The old node would go on: it has to be stopped first, and here is given no events.
  await sql(server, "begin; drop schema log cascade; delete from vault.reactors where name = 'log'; commit")
  const renewed = await startServer({ database, env })
  try {
    await signUp(renewed)
    await untilSigned(renewed)
    const bundle = await downloadBundle(renewed, { id: '', headers: headers }, '')
    const newKey = (await get(renewed, '/v1/audit/log/key')).trim()
    expect(newKey).not.toBe(olderKey)
    const { code, out } = await verifyBundle(
      folder,
      bundle,
      '--key',
      newKey,
      '--checkpoint',
      older,
      '--older-key',
      olderKey,
    )
    expect(out).toMatch(/all 4 leaves of the older checkpoint are in this log, unchanged/)
    expect(code).toBe(0)
  } finally {
    await renewed.stop()
  }
})
