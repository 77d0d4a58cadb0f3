import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between the clients and the gRPC server, and does what networks do. */
export class Wire {
  readonly #target: number
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #listener: Server | undefined
  #silent = false
  #cutAfterBytes: number | undefined

  constructor(target: number) {
    this.#target = target
  }

  /** Listens on loopback, and answers with the port. */
  async listen(port: number): Promise<number> {
    const listener = createServer((client) => this.#join(client))
    this.#listener = listener
    listener.listen(port, '127.0.0.1')
    await once(listener, 'listening')
    return (listener.address() as AddressInfo).port
  }

  /** Cuts every connection; new ones are let through. */
  cut(): void {
    for (const pair of this.#pairs) this.#drop(pair)
  }

  /** Cuts every connection once the server has sent so many more bytes. */
  cutAfter(bytes: number): void {
    this.#cutAfterBytes = bytes
  }

  /** Swallows everything in both directions, as a cable pulled out does, until told to stop. */
  setSilent(silent: boolean): void {
    this.#silent = silent
  }

  /** Refuses new connections and cuts those there are. */
  async goAway(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    if (!listener) return
    const closed = once(listener, 'close')
    listener.close()
    this.cut()
    await closed
  }

  #join(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1')
    const pair = [client, server] as const
    this.#pairs.add(pair)
    this.#forward(client, server, () => {})
    this.#forward(server, client, (bytes) => this.#count(bytes))
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => this.#drop(pair))
    }
  }

  /** With back pressure, which pipe() would give too, but a pipe cannot fall silent. */
  #forward(from: Socket, to: Socket, counted: (bytes: number) => void): void {
    from.on('data', (chunk) => {
      if (this.#silent) return
      if (!to.write(chunk)) from.pause()
      counted(chunk.length)
    })
    to.on('drain', () => from.resume())
  }

  #count(bytes: number): void {
    if (this.#cutAfterBytes === undefined) return
    this.#cutAfterBytes -= bytes
    if (this.#cutAfterBytes > 0) return
    this.#cutAfterBytes = undefined
    this.cut()
  }

  #drop(pair: readonly [Socket, Socket]): void {
    this.#pairs.delete(pair)
    for (const socket of pair) socket.destroy()
  }
}
