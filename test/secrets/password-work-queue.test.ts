import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Overloaded, openWorkQueue } from '../../src/secrets/password-work-queue.ts'

describe('the work queue', () => {
  it('never runs more at once than allowed, serves a client in the order of arrival, and loses nobody', async () => {
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
              queue.run('a client', async () => {
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
    const first = queue.run('a client', async () => order.push('first'))
    const second = queue.run('a client', async () => order.push('second'))
    const late = first.then(() => queue.run('a client', async () => order.push('late')))
    await Promise.all([first, second, late])
    expect(order).toEqual(['first', 'second', 'late'])
  })

  it('refuses without running, and says when to come again: at least a second', async () => {
    const queue = openWorkQueue({ concurrency: 1, queueLimit: 0 })
    let open = (): void => {}
    const first = queue.run('a client', () => new Promise<void>((resolve) => (open = resolve)))
    let ran = false
    const refused = await queue.run('a client', async () => (ran = true)).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Overloaded)
    expect(refused).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 })
    expect(ran).toBe(false)
    open()
    await first
  })

  it('gives the place back when the work throws before it waits', async () => {
    const queue = openWorkQueue({ concurrency: 1, queueLimit: 1 })
    const broken = queue.run('a client', () => {
      throw new Error('at once')
    })
    await expect(broken).rejects.toThrow('at once')
    expect(await queue.run('a client', async () => 'next')).toBe('next')
  })

  /** What is run, in order, of what was brought while the one place was taken; refused ones as `client!`. */
  const ordered = async (queueLimit: number, brought: readonly string[]): Promise<readonly string[]> => {
    const queue = openWorkQueue({ concurrency: 1, queueLimit })
    const ends: string[] = []
    let open = (): void => {}
    const first = queue.run('first', () => new Promise<void>((resolve) => (open = resolve)))
    const all = brought.map((client) =>
      queue
        .run(client, async () => ends.push(client))
        .catch((error: unknown) => {
          expect(error).toBeInstanceOf(Overloaded)
          ends.push(`${client}!`)
        }),
    )
    // Refusals are told at once, also to those who waited already.
    for (let tick = 0; tick < 5; tick += 1) await Promise.resolve()
    open()
    await Promise.all([first, ...all])
    expect([queue.active, queue.waiting]).toEqual([0, 0])
    return ends
  }

  it('lets clients take turns, however many one of them has brought', async () => {
    const order = await ordered(10, ['flood', 'flood', 'flood', 'flood', 'ada', 'grace', 'ada'])
    expect(order).toEqual(['flood', 'ada', 'grace', 'flood', 'ada', 'flood', 'flood'])
  })

  it('takes a place to wait, where all are taken, from the client with most of them', async () => {
    const order = await ordered(3, ['flood', 'flood', 'flood', 'ada'])
    expect(order).toEqual(['flood!', 'flood', 'ada', 'flood'])
  })

  it('refuses who comes where nobody has more places than they would have', async () => {
    expect(await ordered(2, ['ada', 'grace', 'eve'])).toEqual(['eve!', 'ada', 'grace'])
    expect(await ordered(2, ['flood', 'flood', 'flood'])).toEqual(['flood!', 'flood', 'flood'])
  })

  it('keeps each client waiting for at most one work of every other, and never more than its limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 }), async (brought) => {
        const run = (await ordered(12, brought)).filter((name) => !name.endsWith('!'))
        expect(run.length).toBe(Math.min(brought.length, 12))
        // Between two works of a client that has waited from the start nobody has had two turns.
        for (const [at, client] of run.entries()) {
          const next = run.indexOf(client, at + 1)
          const between = run.slice(at + 1, next < 0 ? at + 1 : next)
          expect(new Set(between).size).toBe(between.length)
        }
      }),
    )
  })
})
