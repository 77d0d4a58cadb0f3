import { describe, it } from 'vitest'
import type { Command } from '../../src/account/commands.ts'
import { given } from './given.ts'
import { aSecret, erased, loggedIn, registered } from './stories.ts'

const register: Command = {
  kind: 'register',
  email: 'ada@example.com',
  name: 'Ada',
  passwordHash: aSecret('password hash'),
}

describe('registering', () => {
  it('begins an account: address and name go into the personal box, the hash into the credential box', () => {
    given([])
      .when(register)
      .then([
        {
          type: 'user:registered',
          data: {},
          personal: { email: 'ada@example.com', name: 'Ada' },
          credential: { passwordHash: aSecret('password hash') },
        },
      ])
  })

  it('goes without a name', () => {
    given([])
      .when({ ...register, name: null })
      .then([
        {
          type: 'user:registered',
          data: {},
          personal: { email: 'ada@example.com', name: null },
          credential: { passwordHash: aSecret('password hash') },
        },
      ])
  })

  it('happens once', () => {
    given([registered(), loggedIn(1)])
      .when(register)
      .then({ code: 'email-taken' })
  })

  it('does not bring an erased account back', () => {
    given([registered(), erased]).when(register).then({ code: 'email-taken' })
  })
})
