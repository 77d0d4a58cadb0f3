/** What axe-core finds on a page that is open in a browser. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Fails where axe finds something serious, or where the page is wider than its window. */
export const expectAccessible = async (page: Page, where: string): Promise<void> => {
  expect(await seriousViolations(page), where).toEqual([])
  const { width } = page.viewportSize() ?? { width: 0 }
  const needed = await page.evaluate('document.documentElement.scrollWidth')
  expect(needed, `${where} is wider than the window`).toBeLessThanOrEqual(width)
}

/** As one line each: what is wrong, and where first. */
const seriousViolations = async (page: Page): Promise<readonly string[]> => {
  // What fades in is judged when it is there; the policy of the page would refuse axe as a script, a debugger may run it.
  await page.evaluate(`Promise.all(
    document.getAnimations()
      .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
      .map((each) => each.finished.catch(() => {})))
    .then(() => undefined)`)
  const debug = await page.context().newCDPSession(page)
  await debug.send('Runtime.evaluate', { expression: `window.axe === undefined && (() => { ${axe} })()` })
  const expression = 'axe.run(document).then(({ violations }) => JSON.stringify(violations))'
  const { result } = await debug.send('Runtime.evaluate', { expression, awaitPromise: true })
  await debug.detach()
  const violations: readonly {
    impact: string
    id: string
    nodes: readonly { html: string; failureSummary: string }[]
  }[] = JSON.parse(result.value)
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`)
}
