import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Overloaded, openWorkQueue } from '../../src/secrets/password-work-queue.ts'

describe('the work queue', () => {
  it('never runs more at once than allowed, serves in the order of arrival, and loses nobody', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.record({ ticks: fc.nat(5), fails: fc.boolean() }), { maxLength: 40 }),
        async (concurrency, tasks) => {
          const queue = openWorkQueue({ concurrency, queueLimit: 100 })
          const started: number[] = []
          let running = 0
          const done = await Promise.allSettled(
            tasks.map(({ ticks, fails }, index) =>
              queue.run(async () => {
                started.push(index)
                running += 1
                expect(running).toBeLessThanOrEqual(concurrency)
                expect(queue.active).toBeGreaterThanOrEqual(running)
                expect(queue.active).toBeLessThanOrEqual(concurrency)
                for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve()
                running -= 1
                if (fails) throw new Error('fails on purpose')
                return index
              }),
            ),
          )
          expect(started).toEqual(tasks.map((_, index) => index))
          expect(done.map(({ status }) => status === 'rejected')).toEqual(tasks.map(({ fails }) => fails))
          expect([queue.active, queue.waiting]).toEqual([0, 0])
        },
      ),
    )
  })

  it('lets nobody who comes just as a place is handed over slip in before the one in line', async () => {
    const queue = openWorkQueue({ concurrency: 1, queueLimit: 10 })
    const order: string[] = []
    const first = queue.run(async () => order.push('first'))
    const second = queue.run(async () => order.push('second'))
    const late = first.then(() => queue.run(async () => order.push('late')))
    await Promise.all([first, second, late])
    expect(order).toEqual(['first', 'second', 'late'])
  })

  it('refuses without running, and says when to come again: at least a second', async () => {
    const queue = openWorkQueue({ concurrency: 1, queueLimit: 0 })
    let open = (): void => {}
    const first = queue.run(() => new Promise<void>((resolve) => (open = resolve)))
    let ran = false
    const refused = await queue.run(async () => (ran = true)).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Overloaded)
    expect(refused).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 })
    expect(ran).toBe(false)
    open()
    await first
  })

  it('gives the place back when the work throws before it waits', async () => {
    const queue = openWorkQueue({ concurrency: 1, queueLimit: 1 })
    const broken = queue.run(() => {
      throw new Error('at once')
    })
    await expect(broken).rejects.toThrow('at once')
    expect(await queue.run(async () => 'next')).toBe('next')
  })
})
