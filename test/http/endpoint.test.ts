import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Problem } from '../../src/http/problem.ts'
import { assertStrict } from '../../src/http/validation.ts'
import { endpoint, start, testEndpoints } from './support.ts'

const base = { method: 'POST', path: '/x', summary: '', tag: '', auth: 'none' } as const
const none = { 204: { description: '' } } as const

describe('mistakes in an endpoint are told when it is made', () => {
  test.each([
    ['directly', z.object({ a: z.string() })],
    ['in a field', z.strictObject({ a: z.object({}) })],
    ['in an optional field', z.strictObject({ a: z.object({}).optional() })],
    ['in a list', z.strictObject({ a: z.array(z.object({})) })],
    ['in an alternative', z.union([z.strictObject({}), z.looseObject({})])],
    ['in a record', z.record(z.string(), z.object({}))],
    ['behind a transformation', z.object({}).transform(String)],
    ['in an intersection', z.intersection(z.strictObject({}), z.object({}))],
  ])('a body schema that lets unknown fields pass %s', (_name, schema) => {
    expect(() => assertStrict(schema, 'the body')).toThrow('the body lets unknown fields pass: use z.strictObject')
  })

  test('a strict one passes, a recursive one as well', () => {
    const tree = z.strictObject({
      a: z.union([z.strictObject({ b: z.array(z.string()) }), z.null()]).default(null),
      get more() {
        return z.array(tree)
      },
    })
    expect(() => assertStrict(tree, 'the body')).not.toThrow()
  })

  test('a path that does not fit its parameters', () => {
    const handler = () => ({ status: 204 }) as const
    expect(() => endpoint({ ...base, path: '/x/{id}', responses: none, handler })).toThrow('do not fit')
    const params = z.strictObject({ id: z.string() })
    expect(() => endpoint({ ...base, params, responses: none, handler })).toThrow('do not fit')
    expect(() => endpoint({ ...base, path: 'x', responses: none, handler })).toThrow('do not fit')
  })

  test('the same method and path twice', async () => {
    await expect(start({ endpoints: [...testEndpoints(), ...testEndpoints()] })).rejects.toThrow('is there twice')
  })
})

/** Never called: the compiler is the test. */
const typeTests = [
  () =>
    endpoint({
      ...base,
      auth: 'session',
      body: z.strictObject({ n: z.number() }),
      responses: { 200: { description: '', schema: z.object({ n: z.number(), list: z.array(z.string()) }) } },
      handler: ({ auth, body }) => ({ status: 200, body: { n: body.n, list: [auth.user] as readonly string[] } }),
    }),
  () =>
    endpoint({
      ...base,
      responses: { 200: { description: '', schema: z.object({ n: z.number() }) } },
      // @ts-expect-error the body is not of the schema
      handler: () => ({ status: 200, body: { n: 'x' } }),
    }),
  () =>
    endpoint({
      ...base,
      responses: none,
      // @ts-expect-error the status is not declared
      handler: () => ({ status: 200 }),
    }),
  () =>
    endpoint({
      ...base,
      responses: none,
      // @ts-expect-error there is no one to ask who it is
      handler: ({ auth }) => ({ status: auth.user === '' ? 204 : 204 }),
    }),
  // @ts-expect-error there is no such way of authenticating
  () => endpoint({ ...base, auth: 'magic', responses: none, handler: () => ({ status: 204 }) }),
  // @ts-expect-error the code does not come with this status
  () => endpoint({ ...base, responses: none, problems: { 400: ['not-found'] }, handler: () => ({ status: 204 }) }),
  // @ts-expect-error the code does not come with this status
  () => new Problem(400, 'not-found'),
]

test('the compiler has seen each mistake in types', () => {
  expect(typeTests).toHaveLength(7)
})
