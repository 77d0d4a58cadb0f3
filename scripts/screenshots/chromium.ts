/** A real browser, for the tests of the page and its pictures: the Chromium or Chrome that is installed. Nothing is downloaded. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** Undefined, said loudly, where there is none: then the tests in a browser are skipped. */
export const findChromium = (): string | undefined => {
  const found = PLACES.find((path) => existsSync(path))
  if (found === undefined) {
    process.stderr.write(
      '\n*** NO CHROME OR CHROMIUM IS INSTALLED: THE TESTS OF THE WEB PAGE ARE SKIPPED. ***\n' +
        `*** Looked for: ${PLACES.join(', ')}\n\n`,
    )
  }
  return found
}

export const launchChromium = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    // The sandbox needs rights that root in a container has not; the pages are our own.
    args: ['--no-sandbox', '--disable-background-networking', '--disable-dev-shm-usage'],
  })
