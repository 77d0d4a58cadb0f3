import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { Plugin } from 'vite'

const COMPRESSIBLE = /\.(html|js|css|svg|txt)$/
const WORTH_IT_BYTES = 1_024

/** Lays `<file>.br` and `<file>.gz` beside each file that gets smaller, once, so that no request has to compress. */
export const compress = (): Plugin => ({
  name: 'strongroom:compress',
  apply: 'build',
  async writeBundle({ dir }) {
    if (dir === undefined) throw new Error('the output has no folder')
    const names = await readdir(dir, { recursive: true })
    await Promise.all(names.filter((name) => COMPRESSIBLE.test(name)).map((name) => compressFile(join(dir, name))))
  },
})

const compressFile = async (path: string): Promise<void> => {
  const content = await readFile(path)
  if (content.length < WORTH_IT_BYTES) return
  // 9 of 11: the last two steps take ten times as long and save a hundredth, and somebody waits for the first build.
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }
  await writeFile(`${path}.br`, await promisify(brotliCompress)(content, quality))
  await writeFile(`${path}.gz`, await promisify(gzip)(content, { level: 9 }))
}
