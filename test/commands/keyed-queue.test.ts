import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openKeyedQueue } from '../../src/commands/keyed-queue.ts'

const gate = () => {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

describe('the tasks of one key', () => {
  it('run one after another, in the order they came', async () => {
    const queue = openKeyedQueue()
    const log: string[] = []
    const first = gate()
    const task = (name: string, until?: Promise<void>) => async () => {
      log.push(`${name} begins`)
      await until
      log.push(`${name} ends`)
      return name
    }
    const results = [
      queue.run('a', task('one', first.opened)),
      queue.run('a', task('two')),
      queue.run('a', task('three')),
    ]
    await turn()
    expect(log).toStrictEqual(['one begins'])
    first.open()
    expect(await Promise.all(results)).toStrictEqual(['one', 'two', 'three'])
    expect(log).toStrictEqual(['one begins', 'one ends', 'two begins', 'two ends', 'three begins', 'three ends'])
  })

  it('run on after one that failed, and its failure is told to its caller alone', async () => {
    const queue = openKeyedQueue()
    const failing = queue.run('a', () => Promise.reject(new Error('broken')))
    const next = queue.run('a', async () => 'fine')
    await expect(failing).rejects.toThrow('broken')
    expect(await next).toBe('fine')
  })

  it('never overlap, whatever they do', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.record({ key: fc.constantFrom('a', 'b'), fails: fc.boolean() }), { maxLength: 20, size: 'max' }),
        async (scheduler, tasks) => {
          const queue = openKeyedQueue()
          const running = new Map<string, number>()
          const done: string[] = []
          const all = tasks.map(({ key, fails }) =>
            queue
              .run(key, async () => {
                running.set(key, (running.get(key) ?? 0) + 1)
                expect(running.get(key)).toBe(1)
                await scheduler.schedule(Promise.resolve())
                running.set(key, 0)
                if (fails) throw new Error('this one fails')
              })
              .catch((error: Error) => expect(error.message).toBe('this one fails'))
              .then(() => void done.push(key)),
          )
          await scheduler.waitFor(Promise.all(all))
          expect(done).toHaveLength(tasks.length)
        },
      ),
    )
  })
})

describe('the tasks of different keys', () => {
  it('do not wait for each other', async () => {
    const queue = openKeyedQueue()
    const held = gate()
    const first = queue.run('a', () => held.opened)
    expect(await queue.run('b', async () => 'passes')).toBe('passes')
    held.open()
    await first
  })
})
