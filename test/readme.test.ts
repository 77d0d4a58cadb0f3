/** The first thing a stranger does has to work: the README's tour, as it is written, against a default server. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startServer } from './support/server.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const tour = /test\/readme\.test\.ts\. -->\n```sh\n(.*?)```/s.exec(readme)?.[1] ?? ''

/** A machine that has Node and npm only can run all other tests. */
const hasCurl = spawnSync('bash', ['-c', 'curl --version']).status === 0

test.skipIf(!hasCurl)('the tour with curl shows what it says', async () => {
  const server = await startServer({ env: { REGISTRATION: 'open' } })
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-tour-'))
  try {
    const script = `set -eu\n${tour.replace('http://localhost:3000', server.url)}`
    // Separated by what no answer holds, so that each can be looked at by itself.
    const separated = script.replaceAll('\ncurl ', "\nprintf '\\n@@\\n'; curl ")
    const { stdout } = await promisify(execFile)('bash', ['-c', separated], { cwd: folder })
    const answers = stdout.split('@@\n').map((text) => text.trim())
    expect(answers).toHaveLength(13)
    const [, registered, signedIn, , me, sessions, security, changed, revoked, refused, ended, audit, mobile] = answers
    expect(JSON.parse(registered ?? '')).toMatchObject({ user: { email: 'ada@example.com' } })
    expect(JSON.parse(signedIn ?? '')).toMatchObject({ status: 'authenticated' })
    expect(JSON.parse(me ?? '')).toMatchObject({ user: { name: 'Ada' } })
    expect(JSON.parse(sessions ?? '').items).toMatchObject([
      { current: true, device: { type: 'desktop' }, browser: { name: 'Firefox' } },
      { current: false, device: { type: 'mobile' } },
    ])
    expect(JSON.parse(security ?? '')).toMatchObject({ activeSessions: 2 })
    expect([changed, revoked]).toEqual(['204', '204'])
    expect(JSON.parse(refused ?? '')).toMatchObject({ status: 401, code: 'session-ended' })
    expect(JSON.parse(ended ?? '').items).toMatchObject([{ device: { type: 'mobile' }, endedReason: 'revoked' }])
    expect(JSON.parse(audit ?? '').items.map(({ code }: { code: string }) => code)).toEqual([
      'user.session:revoked',
      'user.password:changed',
      'user:logged_in',
      'user:logged_in',
      'user:registered',
    ])
    expect(JSON.parse(mobile ?? '').items).toHaveLength(1)
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
})
