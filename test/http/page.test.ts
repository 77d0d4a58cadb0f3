import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pagePaths } from '../../src/http/page.ts'
import { startServer, type TestServer } from '../support/server.ts'

describe('the web page', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
    // It is built here if it has not been for these sources.
    await fetch(server.url)
  }, 120_000)
  afterAll(() => server?.stop())

  const get = (path: string, init?: RequestInit) => fetch(server.url + path, init)
  const scriptOf = async () => /src="(\/assets\/index-[\w-]+\.js)"/.exec(await (await get('/')).text())?.[1] ?? ''

  it.for(pagePaths)('is served at %s, whatever the query, and is asked for anew each time', async (path) => {
    const response = await get(`${path}?next=%2Fsessions&x=1&x=2`)
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('Cache-Control')).toBe('no-cache')
    expect(await response.text()).toContain('<div id="app"></div>')
  })

  it('is at each address that its own router knows', async () => {
    const router = await readFile(new URL('../../web/src/router.ts', import.meta.url), 'utf8')
    const known = [...router.matchAll(/(?:inside|outside)\(\s*'([^']+)'/g)].map(([, path]) => path)
    expect(['/', ...known].sort()).toEqual([...pagePaths].sort())
  })

  it('lets nothing inline run and nothing in from elsewhere', async () => {
    const response = await get('/')
    const policy = response.headers.get('Content-Security-Policy') ?? ''
    expect(policy).not.toMatch(/unsafe|https?:|data:|\*/)
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    const html = await response.text()
    expect(html).not.toMatch(/<script>|<style|\son\w+=|https?:/)
  })

  it('has files that may be kept for ever, in the encoding that was asked for', async () => {
    const script = await scriptOf()
    const plain = await get(script, { headers: { 'Accept-Encoding': 'identity' } })
    expect(plain.headers.get('Content-Type')).toBe('text/javascript; charset=utf-8')
    expect(plain.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable')
    expect(plain.headers.get('Content-Encoding')).toBeNull()
    expect(plain.headers.get('Vary')).toBe('Accept-Encoding')
    const text = await plain.text()
    for (const encoding of ['br', 'gzip']) {
      const packed = await get(script, { headers: { 'Accept-Encoding': `${encoding}, deflate;q=0.5` } })
      expect(packed.headers.get('Content-Encoding')).toBe(encoding)
      expect(await packed.text()).toBe(text)
    }
    const refused = await get(script, { headers: { 'Accept-Encoding': 'br;q=0, gzip;q=0.0' } })
    expect(refused.headers.get('Content-Encoding')).toBeNull()
  })

  it.for([
    '/nope',
    '/v1/nope',
    '/sessions/',
    '/assets/nope.js',
    '/assets/..%2Findex.html',
    '/assets/..%2f..%2f..%2f..%2fpackage.json',
    '/index.html',
  ])('is not at %s: there is nothing', async (path) => {
    const response = await get(path)
    expect(response.status).toBe(404)
    expect(response.headers.get('Content-Type')).toBe('application/problem+json')
  })

  it('takes no other method, and is no part of the API', async () => {
    const response = await get('/sessions', { method: 'POST' })
    expect(response.status).toBe(405)
    expect(response.headers.get('Allow')).toBe('GET, HEAD, OPTIONS')
    const document = (await (await get('/openapi.json')).json()) as { readonly paths: object }
    expect(Object.keys(document.paths)).not.toContain('/sessions')
  })
})
