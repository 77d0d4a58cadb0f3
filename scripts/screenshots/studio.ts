/** A server with a clock that only moves when told to, and devices of one person in several places. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { APIRequestContext, Browser, BrowserContext, Page } from 'playwright-core'
import { readConfig } from '../../src/config.ts'
import { start } from '../../src/main.ts'

export interface Place {
  readonly userAgent: string
  /** Counts because the server takes our own address for that of a proxy. */
  readonly address: string
}

export interface Device {
  readonly context: BrowserContext
  /** Insists on success. The parsed answer. */
  post(path: string, body?: object): Promise<unknown>
  send(method: string, path: string, body?: object): Promise<number>
}

export type Studio = Awaited<ReturnType<typeof openStudio>>

/** Where the clock begins. */
const BEGIN = Date.parse('2026-02-24T08:12:31.000Z')

export const openStudio = async (chromium: Browser) => {
  let now = BEGIN
  const dataDir = await mkdtemp(join(tmpdir(), 'strongroom-pictures-'))
  const remove = () => rm(dataDir, { recursive: true, force: true })
  const config = readConfig({
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'silent',
    SCRYPT_LOG_N: '10',
    SCRYPT_P: '1',
    TRUSTED_PROXIES: '127.0.0.0/8 ::1/128',
    // The story takes a week, and is told in seconds.
    SESSION_IDLE_SECONDS: '2592000',
    SESSION_ABSOLUTE_SECONDS: '2592000',
    REGISTRATION: 'open',
  })
  const server = await start(config, { now: () => now }).catch(async (error: unknown) => {
    await remove()
    throw error
  })
  const contexts: BrowserContext[] = []

  const openDevice = async ({ userAgent, address }: Place, size = { width: 1280, height: 800 }): Promise<Device> => {
    const context = await chromium.newContext({
      viewport: size,
      userAgent,
      reducedMotion: 'reduce',
      extraHTTPHeaders: { 'X-Forwarded-For': address },
    })
    contexts.push(context)
    const request: APIRequestContext = context.request
    const send = async (method: string, path: string, body?: object) => {
      const headers = { 'If-Match': '*' }
      return await request.fetch(server.url + path, { method, headers, ...(body === undefined ? {} : { data: body }) })
    }
    return {
      context,
      async post(path, body) {
        const answer = await send('POST', path, body)
        if (!answer.ok()) throw new Error(`POST ${path} was answered with ${answer.status()}: ${await answer.text()}`)
        const text = await answer.text()
        return text === '' ? undefined : JSON.parse(text)
      },
      send: async (method, path, body) => (await send(method, path, body)).status(),
    }
  }

  return {
    url: server.url,
    now: () => now,
    openDevice,

    /** Lets time pass on the server. */
    pass(minutes: number): void {
      now += minutes * 60_000
    },

    /** A window of a device whose clock shows the server's time. */
    async openPage(device: Device, path: string): Promise<Page> {
      const page = await device.context.newPage()
      await page.clock.setFixedTime(now)
      await page.goto(server.url + path)
      return page
    },

    async close(): Promise<void> {
      for (const context of contexts) await context.close()
      await server.stop()
      await remove()
    },
  }
}
