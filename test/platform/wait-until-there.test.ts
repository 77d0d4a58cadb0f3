import { pino } from 'pino'
import { expect, test } from 'vitest'
import { waitUntilThere } from '../../src/platform/wait-until-there.ts'

const open = ({ failures, error, limitMs }: { failures: number; error: Error; limitMs: number }) => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  let attempts = 0
  const outcome = waitUntilThere(
    async () => {
      attempts += 1
      if (attempts <= failures) throw error
      return 'there'
    },
    { what: 'the store', isAway: (given) => given instanceof RangeError, limitMs, log },
  )
  return { outcome, lines, attempts: () => attempts }
}

const away = new RangeError('not yet')

test('what is there at once is not waited for, and nothing is said', async () => {
  const { outcome, lines } = open({ failures: 0, error: away, limitMs: 60_000 })
  expect(await outcome).toBe('there')
  expect(lines).toEqual([])
})

test('what comes later is waited for, with one line that says so and why', async () => {
  const { outcome, lines, attempts } = open({ failures: 3, error: away, limitMs: 60_000 })
  expect(await outcome).toBe('there')
  expect(attempts()).toBe(4)
  expect(lines).toMatchObject([
    { level: 40, msg: 'the store cannot be reached yet: waiting for it', seconds: 60, reason: 'not yet' },
  ])
})

test('what does not come within the time ends with its own error', async () => {
  const { outcome, attempts } = open({ failures: Number.POSITIVE_INFINITY, error: away, limitMs: 150 })
  await expect(outcome).rejects.toBe(away)
  expect(attempts()).toBe(2)
})

test('with no time it is tried once', async () => {
  const { outcome, attempts, lines } = open({ failures: 1, error: away, limitMs: 0 })
  await expect(outcome).rejects.toBe(away)
  expect(attempts()).toBe(1)
  expect(lines).toEqual([])
})

test('what waiting would not help is thrown at once', async () => {
  const wrong = new TypeError('wrong password')
  const { outcome, attempts } = open({ failures: 1, error: wrong, limitMs: 60_000 })
  await expect(outcome).rejects.toBe(wrong)
  expect(attempts()).toBe(1)
})
