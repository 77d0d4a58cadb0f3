import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DemoFailed } from '../../scripts/demo/failure.ts'
import { tellStory } from '../../scripts/demo/story.ts'
import { formatTable } from '../../scripts/demo/table.ts'
import { startServer, type TestServer } from '../support/server.ts'

const telling = async (server: TestServer, signal = new AbortController().signal): Promise<readonly string[]> => {
  const lines: string[] = []
  await tellStory({ url: server.url, signal, print: (text) => void lines.push(...text.split('\n')) })
  return lines
}

describe('the story of the demo', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ env: { TRUSTED_PROXIES: '127.0.0.0/8 ::1/128' } })
  })
  afterAll(() => server.stop())

  test('goes to its end, and shows what the sessions came to', async () => {
    const lines = await telling(server)
    const last = lines.slice(lines.findLastIndex((line) => line.trim() === 'Sessions'))
    expect(last.filter((line) => line.includes('active (this one)'))).toHaveLength(1)
    expect(last.filter((line) => line.includes('ended: revoked'))).toHaveLength(3)
    expect(last.filter((line) => line.includes('ended: password_changed'))).toHaveLength(1)
    expect(last.filter((line) => line.includes('user:login_failed'))).toHaveLength(4)
    expect(last.filter((line) => line.includes('user.password:changed'))).toHaveLength(1)
  })

  test('can be told again to the same server', async () => {
    expect((await telling(server)).at(-1)).toContain('stays')
  })

  test('stops when it is interrupted', async () => {
    await expect(telling(server, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})

test('a server that lets nobody register is told of in a sentence', async () => {
  const server = await startServer({ env: { REGISTRATION: 'closed' } })
  try {
    await expect(telling(server)).rejects.toThrow(DemoFailed)
    await expect(telling(server)).rejects.toThrow(/REGISTRATION=open/)
  } finally {
    await server.stop()
  }
})

test('a table is as wide as its content, whatever alphabet it is in', () => {
  expect(
    formatTable(
      ['a', 'name'],
      [
        ['1', 'Zürich'],
        ['22', '𝔸𝔹'],
      ],
    ),
  ).toBe(['  a   name', '  --  ------', '  1   Zürich', '  22  𝔸𝔹'].join('\n'))
})
