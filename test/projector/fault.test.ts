import { expect, test } from 'vitest'
import { DecodeError } from '../../src/event-store/port.ts'
import { describeFault, ProjectionFault } from '../../src/projector/fault.ts'

const SECRET = 'ann@example.org'

test('tells kind, code and place of an error, and none of its text', () => {
  const error = Object.assign(new RangeError(`bad value ${SECRET}\n    at ${SECRET}`), {
    code: '23505',
    table: 'sessions_v1',
    constraint: 'sessions_v1_pkey',
    detail: `Key (email)=(${SECRET}) already exists.`,
  })
  const fault = describeFault(error)
  expect(fault).toMatchObject({
    error: 'RangeError',
    code: '23505',
    table: 'sessions_v1',
    constraint: 'sessions_v1_pkey',
    column: null,
    message: null,
  })
  expect(fault.at[0]).toContain('fault.test.ts')
  expect(JSON.stringify(fault)).not.toContain(SECRET)
})

test('tells the text of errors that are known to hold no values, and not of their causes', () => {
  expect(describeFault(new ProjectionFault('t has no column "x"')).message).toBe('t has no column "x"')
  const fault = describeFault(new DecodeError(7n, 'user:registered', new SyntaxError(SECRET)))
  expect(fault.message).toBe('the event of type user:registered at position 7 cannot be decoded')
  expect(JSON.stringify(fault)).not.toContain(SECRET)
})

test('takes whatever was thrown', () => {
  expect(describeFault(SECRET)).toMatchObject({ error: 'string', message: null, at: [] })
  expect(describeFault(undefined).error).toBe('undefined')
  expect(describeFault(new Error('')).at.length).toBeGreaterThan(0)
})
