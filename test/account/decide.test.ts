import { describe, expect, it } from 'vitest'
import { decide } from '../../src/account/decide.ts'
import { initialState } from '../../src/account/state.ts'
import { LIMITS, START } from './given.ts'
import { aSecret } from './stories.ts'

describe('decide', () => {
  it('throws on a command it does not know, and repeats no secret of it', () => {
    const command = { kind: 'teleport', passwordHash: aSecret('hash of a password') } as never
    const deciding = () => decide(command, initialState, { now: START, limits: LIMITS })
    expect(deciding).toThrow(/^decide does not know the command teleport$/)
  })
})
