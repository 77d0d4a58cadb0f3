import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openAdmission, type Standing } from '../../src/commands/admission.ts'

const LIMIT = 10

/** An account as far as admission sees it: failures in a row, and a door that closes at the limit. */
const openDoor = () => {
  let failures = 0
  let closed = false
  const evaluated: ('right' | 'wrong')[] = []
  return {
    evaluated,
    standing: (): Standing => (closed ? { kind: 'closed' } : { kind: 'open', failures }),
    /** What a check does at its end: the verdict is in the store. */
    record(verdict: 'right' | 'wrong'): 'right' | 'wrong' {
      evaluated.push(verdict)
      failures = verdict === 'right' ? 0 : failures + 1
      if (failures >= LIMIT) closed = true
      return verdict
    },
    close: () => {
      closed = true
    },
  }
}

const gate = <T>() => {
  let open = (_: T): void => {}
  const opened = new Promise<T>((resolve) => {
    open = resolve
  })
  return { opened, open: (value: T) => open(value) }
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await turn()
}

describe('many guesses at once', () => {
  const guess = async (count: number, verdict: 'right' | 'wrong') => {
    const admission = openAdmission()
    const door = openDoor()
    const results = await Promise.all(
      Array.from({ length: count }, () =>
        admission.run(
          'ada',
          LIMIT,
          async () => door.standing(),
          async () => {
            await turn()
            return door.record(verdict)
          },
        ),
      ),
    )
    return { results, evaluated: door.evaluated.length }
  }

  it('are evaluated up to the limit where they are wrong: of fifty ten, and forty find the door closed', async () => {
    const { results, evaluated } = await guess(50, 'wrong')
    expect(evaluated).toBe(LIMIT)
    expect(results.filter((result) => result === 'wrong')).toHaveLength(LIMIT)
    expect(results.filter((result) => result === null)).toHaveLength(40)
  })

  it('all pass where they are right', async () => {
    const { results } = await guess(20, 'right')
    expect(results).toStrictEqual(Array(20).fill('right'))
  })
})

describe('a check', () => {
  it('waits while failures and checks under way reach the limit, and begins when one of them ends well', async () => {
    const admission = openAdmission()
    const door = openDoor()
    const checks = Array.from({ length: LIMIT + 1 }, () => gate<void>())
    const begun: number[] = []
    const results = checks.map(({ opened }, n) =>
      admission.run(
        'ada',
        LIMIT,
        async () => door.standing(),
        async () => {
          begun.push(n)
          await opened
          return door.record('right')
        },
      ),
    )
    await settle()
    expect(begun).toStrictEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    checks[4]?.open()
    await settle()
    expect(begun).toHaveLength(LIMIT + 1)
    for (const { open } of checks) open()
    expect(await Promise.all(results)).toStrictEqual(Array(LIMIT + 1).fill('right'))
  })

  it('is let in one at a time where only one more failure is left', async () => {
    const admission = openAdmission()
    const checks = [gate<void>(), gate<void>()]
    const begun: number[] = []
    const results = checks.map(({ opened }, n) =>
      admission.run(
        'ada',
        LIMIT,
        async () => ({ kind: 'open', failures: LIMIT - 1 }),
        async () => {
          begun.push(n)
          await opened
        },
      ),
    )
    await settle()
    expect(begun).toStrictEqual([0])
    checks[0]?.open()
    await settle()
    expect(begun).toStrictEqual([0, 1])
    checks[1]?.open()
    await Promise.all(results)
  })

  it('is not let in on a standing that was read before the last verdict', async () => {
    const admission = openAdmission()
    const door = openDoor()
    const slow = gate<Standing>()
    const verdict = gate<void>()
    let asked = 0
    const first = admission.run(
      'ada',
      LIMIT,
      async () => door.standing(),
      async () => {
        await verdict.opened
        door.close()
        return 'wrong, and the last one allowed'
      },
    )
    await settle()
    const second = admission.run(
      'ada',
      LIMIT,
      () => {
        asked++
        return asked === 1 ? slow.opened : Promise.resolve(door.standing())
      },
      async () => 'evaluated behind a closed door',
    )
    verdict.open()
    await first
    slow.open({ kind: 'open', failures: 0 })
    expect(await second).toBeNull()
    expect(asked).toBe(2)
  })

  it('that waited is sent away, unevaluated, as soon as the door closes', async () => {
    const admission = openAdmission()
    const door = openDoor()
    const held = gate<void>()
    let evaluated = 0
    const run = (until: Promise<void>) =>
      admission.run(
        'ada',
        1,
        async () => door.standing(),
        async () => {
          evaluated++
          await until
          door.close()
          return 'evaluated'
        },
      )
    const first = run(held.opened)
    await settle()
    const waiting = [run(held.opened), run(held.opened), run(held.opened)]
    await settle()
    expect(evaluated).toBe(1)
    held.open()
    expect(await first).toBe('evaluated')
    expect(await Promise.all(waiting)).toStrictEqual([null, null, null])
    expect(evaluated).toBe(1)
  })

  it('that finds too many waiting is refused as overloaded, and those who wait are not', async () => {
    const admission = openAdmission({ waitersPerKey: 2 })
    const open = async (): Promise<Standing> => ({ kind: 'open', failures: 0 })
    const held = gate<void>()
    const run = () =>
      admission.run('ada', 1, open, async () => {
        await held.opened
        return 'evaluated'
      })
    const [first, second, third] = [run(), run(), run()]
    await settle()
    await expect(run()).rejects.toMatchObject({ code: 'overloaded' })
    held.open()
    expect(await Promise.all([first, second, third])).toStrictEqual(['evaluated', 'evaluated', 'evaluated'])
  })

  it('that breaks makes room like any other, and tells its caller alone', async () => {
    const admission = openAdmission()
    const open = async (): Promise<Standing> => ({ kind: 'open', failures: 0 })
    const broken = gate<void>()
    const first = admission.run('ada', 1, open, async () => {
      await broken.opened
      throw new Error('the database is away')
    })
    const second = admission.run('ada', 1, open, async () => 'evaluated')
    await settle()
    broken.open()
    await expect(first).rejects.toThrow('the database is away')
    expect(await second).toBe('evaluated')
  })

  it('does not begin where the standing cannot be read', async () => {
    const admission = openAdmission()
    let evaluated = false
    const run = admission.run(
      'ada',
      LIMIT,
      () => Promise.reject(new Error('the store is away')),
      async () => {
        evaluated = true
      },
    )
    await expect(run).rejects.toThrow('the store is away')
    expect(evaluated).toBe(false)
  })

  it('does not wait for those of another key', async () => {
    const admission = openAdmission()
    const held = gate<void>()
    const open = async (): Promise<Standing> => ({ kind: 'open', failures: LIMIT - 1 })
    const first = admission.run('ada', LIMIT, open, () => held.opened)
    await settle()
    expect(await admission.run('grace', LIMIT, open, async () => 'evaluated')).toBe('evaluated')
    held.open()
    await first
  })
})

describe('in any order in which standings and verdicts arrive', () => {
  it('no more wrong guesses in a row are evaluated than the limit, and nobody waits for ever', async () => {
    const guesses = fc.array(fc.constantFrom('wrong', 'wrong', 'wrong', 'right', 'broken'), {
      maxLength: 40,
      size: 'max',
    })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), guesses, async (scheduler, verdicts) => {
        const admission = openAdmission()
        const door = openDoor()
        const runs = verdicts.map((verdict) =>
          admission
            .run(
              'ada',
              LIMIT,
              // Read when it was asked for, told when the scheduler pleases.
              () => scheduler.schedule(Promise.resolve(door.standing())),
              async () => {
                await scheduler.schedule(Promise.resolve())
                if (verdict === 'broken') throw new Error('broken')
                return door.record(verdict as 'right' | 'wrong')
              },
            )
            .catch((error: Error) => error.message),
        )
        const results = await scheduler.waitFor(Promise.all(runs))
        let row = 0
        for (const verdict of door.evaluated) {
          row = verdict === 'right' ? 0 : row + 1
          expect(row).toBeLessThanOrEqual(LIMIT)
        }
        expect(results).toHaveLength(verdicts.length)
        const isClosed = door.standing().kind === 'closed'
        if (!isClosed) expect(results).not.toContain(null)
      }),
      { numRuns: 200 },
    )
  })
})
