/** `npm run screenshots`: pictures of every screen and dialog of the Security page, for docs/security-page.md. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { program } from 'commander'
import { findChromium, launchChromium } from './screenshots/chromium.ts'
import { takePictures } from './screenshots/pictures.ts'
import { openStudio } from './screenshots/studio.ts'

program
  .description(
    'Starts a server of its own on a folder that is thrown away, lets an account have a history with fixed names and ' +
      'times, and takes a picture of every screen and dialog with the Chrome or Chromium that is installed.',
  )
  .option('--out <folder>', 'where to put them', fileURLToPath(new URL('../docs/screenshots', import.meta.url)))
  .addHelpText('after', '\nExit codes: 0 all were taken, 1 something broke or there is no browser.')
  .parse()

const run = async (): Promise<void> => {
  const { out } = program.opts<{ out: string }>()
  const executable = findChromium()
  if (executable === undefined) {
    process.exitCode = 1
    return
  }
  await mkdir(out, { recursive: true })
  const chromium = await launchChromium(executable)
  try {
    const studio = await openStudio(chromium)
    try {
      let bytes = 0
      const keep = async (name: string, picture: Buffer) => {
        bytes += picture.length
        await writeFile(join(out, `${name}.png`), picture)
        process.stdout.write(`${name}.png ${Math.ceil(picture.length / 1_000)} kB\n`)
      }
      await takePictures(studio, keep)
      process.stdout.write(`${Math.ceil(bytes / 1_000)} kB in ${out}\n`)
    } finally {
      await studio.close()
    }
  } finally {
    await chromium.close()
  }
}

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
})
