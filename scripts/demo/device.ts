/** One of the devices of the story: a user agent, an address, and a cookie jar for one session. */
import { z } from 'zod'
import { DemoFailed } from './failure.ts'

export interface DeviceDescription {
  readonly name: string
  readonly userAgent: string
  /** Counts where the server trusts a proxy at our own address. */
  readonly address: string
}

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export class Device {
  readonly #cookies = new Map<string, string>()
  readonly #url: string
  readonly #description: DeviceDescription
  readonly #signal: AbortSignal
  readonly #print: (text: string) => void

  constructor(
    description: DeviceDescription,
    {
      url,
      signal,
      print,
    }: { readonly url: string; readonly signal: AbortSignal; readonly print: (text: string) => void },
  ) {
    this.#description = description
    this.#url = url
    this.#signal = signal
    this.#print = print
  }

  /** Somebody else who has got hold of this device's cookies. */
  stolenBy(thief: DeviceDescription): Device {
    const copy = new Device(thief, { url: this.#url, signal: this.#signal, print: this.#print })
    for (const [name, value] of this.#cookies) copy.#cookies.set(name, value)
    return copy
  }

  /** Sends a request, says what came of it, and insists on the status the story expects. Throws DemoFailed. */
  async ask(method: string, path: string, expected: number, body?: object): Promise<Answer> {
    const answer = await this.#send(method, path, body)
    const code = codeOf(answer.body)
    const outcome = `${answer.status}${code === null ? '' : ` ${code.code}`}`
    this.#print(`  ${this.#description.name.padEnd(9)} ${method.padEnd(6)} ${path.padEnd(53)} ${outcome}`)
    if (answer.status === expected) return answer
    throw new DemoFailed(`The story expected ${expected} here. ${code?.detail ?? ''} ${hintFor(code?.code)}`.trim())
  }

  /** A request that is not part of the story. Throws DemoFailed unless it succeeds. */
  async look<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
    const { status, body } = await this.#send('GET', path)
    if (status !== 200) throw new DemoFailed(`GET ${path} was answered with ${status} ${codeOf(body)?.code ?? ''}.`)
    return schema.parse(body)
  }

  async #send(method: string, path: string, body?: object): Promise<Answer> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(this.#url + path, {
      method,
      signal: this.#signal,
      headers: {
        'User-Agent': this.#description.userAgent,
        'X-Forwarded-For': this.#description.address,
        ...(cookie === '' ? {} : { Cookie: cookie }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : JSON.parse(text) }
  }

  /** `Max-Age=0` takes a cookie back; other limits do not matter for the length of a story. */
  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(/;\s*/)
    const [name = '', value = ''] = pair.split(/=(.*)/)
    if (attributes.some((attribute) => /^max-age=0$/i.test(attribute))) this.#cookies.delete(name)
    else this.#cookies.set(name, value)
  }
}

const problemSchema = z.object({ code: z.string(), detail: z.string() })

const codeOf = (body: unknown): z.infer<typeof problemSchema> | null => problemSchema.safeParse(body).data ?? null

const hintFor = (code: string | undefined): string =>
  code === 'registration-closed'
    ? 'Start the server with REGISTRATION=open, or stop it: the demo then starts its own.'
    : ''
