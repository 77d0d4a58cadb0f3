import { describe, expect, it } from 'vitest'
import { countedFailures } from '../../src/account/throttle.ts'
import { minutes, START } from './given.ts'

describe('failures that count', () => {
  const lockMs = minutes(30)
  const failures = { count: 7, lastAt: START }

  it('are all of a row without a long pause', () => {
    expect(countedFailures(failures, START, { lockMs })).toBe(7)
    expect(countedFailures(failures, START + lockMs, { lockMs })).toBe(7)
  })

  it('are none after a pause longer than the lock', () => {
    expect(countedFailures(failures, START + lockMs + 1, { lockMs })).toBe(0)
  })

  it('still count for a clock that runs behind the one that recorded them', () => {
    expect(countedFailures(failures, START - minutes(5), { lockMs })).toBe(7)
  })

  it('are none where there never was one', () => {
    expect(countedFailures({ count: 0, lastAt: 0 }, START, { lockMs })).toBe(0)
  })
})
