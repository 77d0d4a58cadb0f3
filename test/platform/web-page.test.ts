/** Of a checkout with a Vite that writes one line. */
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openWebPage } from '../../src/platform/web-page.ts'

const VITE = `import { mkdirSync, writeFileSync } from 'node:fs'
const folder = process.argv[process.argv.indexOf('--outDir') + 1]
mkdirSync(folder + '/assets', { recursive: true })
writeFileSync(folder + '/index.html', 'built in ' + process.cwd())
`

const FILES: Readonly<Record<string, string>> = {
  'package-lock.json': '{}',
  'web/package.json': '{}',
  'web/index.html': '',
  'web/vite.config.ts': '',
  'web/build/none.ts': '',
  'web/src/none.ts': '',
  'web/node_modules/vite/package.json': '{ "type": "module" }',
  'web/node_modules/vite/bin/vite.js': VITE,
}

const makeFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-page-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const makeCheckout = async (): Promise<string> => {
  const root = await makeFolder()
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
  return root
}

const indexOf = async (checkout: string, dataDir: string): Promise<string | undefined> => {
  const page = openWebPage({ checkout, dataDir, log: pino({ level: 'silent' }) })
  onTestFinished(() => page.close())
  return (await page.file('index.html', undefined))?.data.toString()
}

describe('the web page', () => {
  it('is built of the checkout that the program is told it comes from', async () => {
    const [one, other, dataDir] = [await makeCheckout(), await makeCheckout(), await makeFolder()]
    expect(await indexOf(one, dataDir)).toContain(`${one}/web`)
    expect(await indexOf(other, dataDir)).toContain(`${other}/web`)
  })

  it('is not taken from where others could have put one', async () => {
    const checkout = await makeCheckout()
    const cache = join(checkout, 'node_modules/.cache/strongroom-web')
    const dataDir = await makeFolder()
    await indexOf(checkout, dataDir)
    // Its name is the same wherever these sources are, so anybody can tell it.
    const [name = ''] = await readdir(cache)
    await writeFile(join(cache, name, 'index.html'), 'planted')
    expect(await indexOf(checkout, dataDir)).toBe('planted')
    await chmod(cache, 0o777)
    expect(await indexOf(checkout, dataDir)).toContain(`${checkout}/web`)
    expect(await readdir(join(dataDir, 'web'))).toEqual([name])
  })
})
