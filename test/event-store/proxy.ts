import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PostgresConnection } from '../../src/platform/postgres.ts'

type SocketConnection = Extract<PostgresConnection, { host: string }>

const SOCKET_NAME = '.s.PGSQL.5432'

/** Stands between a client and PostgreSQL's Unix socket, and does what networks do. */
export class PostgresProxy {
  readonly connection: SocketConnection
  readonly #target: string
  readonly #folder: string
  readonly #pairs = new Set<{ client: Socket; server: Socket }>()
  #listener: Server | undefined
  #loseAnswerTo: string | undefined
  #silent = false

  private constructor(target: SocketConnection) {
    this.#target = join(target.host, SOCKET_NAME)
    this.#folder = mkdtempSync(join(tmpdir().length > 60 ? '/tmp' : tmpdir(), 'proxy-'))
    this.connection = { ...target, host: this.#folder }
  }

  static async start(target: PostgresConnection): Promise<PostgresProxy> {
    if (!('host' in target)) throw new Error('the proxy works on Unix sockets')
    const proxy = new PostgresProxy(target)
    await proxy.comeBack()
    return proxy
  }

  /** The server does its work on the next message that holds `text`, its answer is cut off. */
  loseAnswerTo(text: string): void {
    this.#loseAnswerTo = text
  }

  /** Cuts every connection; new ones are let through. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy()
      server.destroy()
    }
  }

  /** Cuts every connection and refuses new ones. */
  async goAway(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    if (!listener) return
    listener.close()
    this.cut()
    await once(listener, 'close')
  }

  async comeBack(): Promise<void> {
    const listener = createServer((client) => this.#join(client))
    this.#listener = listener
    listener.listen(join(this.#folder, SOCKET_NAME))
    await once(listener, 'listening')
  }

  /** Swallows everything in both directions, as a cable pulled out does, until it is told to stop. */
  setSilent(silent: boolean): void {
    this.#silent = silent
  }

  async close(): Promise<void> {
    await this.goAway()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #join(client: Socket): void {
    const server = connect(this.#target)
    const pair = { client, server }
    let losing = false
    this.#pairs.add(pair)
    client.on('data', (chunk) => {
      if (this.#loseAnswerTo !== undefined && chunk.includes(this.#loseAnswerTo)) {
        this.#loseAnswerTo = undefined
        losing = true
      }
      if (!this.#silent) server.write(chunk)
    })
    server.on('data', (chunk) => {
      if (losing) this.#drop(pair)
      else if (!this.#silent) client.write(chunk)
    })
    for (const socket of [client, server]) {
      socket.on('error', () => {})
      socket.on('close', () => this.#drop(pair))
    }
  }

  #drop(pair: { client: Socket; server: Socket }): void {
    this.#pairs.delete(pair)
    pair.client.destroy()
    pair.server.destroy()
  }
}
