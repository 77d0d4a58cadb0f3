import { expect, test } from 'vitest'
import { fieldError, isToldBeside, problemOf } from '../../web/src/api/problem.ts'

const texts = {
  network: { title: 'No answer', detail: 'Try again.' },
  unreadable: { title: 'Something went wrong', detail: 'Try again.' },
}

test('a problem is read as it is told', () => {
  const errors = [{ pointer: '#/email', code: 'invalid', detail: 'must be an address' }]
  const body = { code: 'invalid-request', title: 'Invalid', detail: 'Look at it.', requestId: 'r1', errors }
  const problem = problemOf(400, body, '30', texts)
  expect(problem).toEqual({ ...body, status: 400, retryAfterSeconds: 30 })
  expect(fieldError(problem, 'email')).toBe('must be an address')
  expect(fieldError(problem, 'name')).toBe('')
  expect(isToldBeside(problem, ['email'])).toBe(true)
  expect(isToldBeside(problem, ['name'])).toBe(false)
})

test.for([undefined, null, '<html>', {}, { title: 'A proxy', code: 502 }, { code: 'x', errors: 'no' }, []])(
  'a body such as %j is no reason to break',
  (body) => {
    const problem = problemOf(502, body, 'Wed, 21 Oct 2026 07:28:00 GMT', texts)
    expect(problem.status).toBe(502)
    expect(problem.title).toBe('Something went wrong')
    expect(problem.errors).toEqual([])
    expect(problem.retryAfterSeconds).toBeNull()
  },
)
