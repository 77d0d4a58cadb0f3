import { describe, expect, it } from 'vitest'
import { closedUntil, countedFailures } from '../../src/account/throttle.ts'
import { hours, minutes, START } from './given.ts'

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

describe('the door', () => {
  const lockMs = minutes(30)
  const locked = (lockedUntil: number, compromised = false) => ({ lockedUntil, compromised })

  it('is closed until its time, to the millisecond', () => {
    expect(closedUntil(locked(START + 1), START, { lockMs })).toBe(START + 1)
    expect(closedUntil(locked(START), START, { lockMs })).toBe(0)
    expect(closedUntil(locked(0), START, { lockMs })).toBe(0)
  })

  it('of an account that somebody else was in is closed at any time, and looks as if it were locked just now', () => {
    for (const now of [START, START + hours(10_000)]) {
      expect(closedUntil(locked(0, true), now, { lockMs })).toBe(now + lockMs)
    }
    expect(closedUntil(locked(START + hours(2), true), START, { lockMs })).toBe(START + hours(2))
  })
})
