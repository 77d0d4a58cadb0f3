/** A client as a browser is one: it keeps cookies, sends them back, and has a user agent. */
export interface Reply {
  readonly status: number
  readonly headers: Headers
  /** The parsed body; undefined where there is none. */
  readonly body: unknown
  readonly text: string
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly raw?: string | Uint8Array
  /** Leave once the answer has begun: a stream of events may never end. */
  readonly unread?: boolean
}

export interface Answered {
  readonly method: string
  readonly path: string
  readonly reply: Reply
}

export class Browser {
  readonly cookies = new Map<string, string>()
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #check: (answered: Answered) => void

  /** `check` is given every answer, and throws where one is not as it should be. */
  constructor(
    url: string,
    headers: Readonly<Record<string, string>> = {},
    check: (answered: Answered) => void = () => {},
  ) {
    this.#url = url
    this.#headers = headers
    this.#check = check
  }

  get = (path: string, options?: RequestOptions) => this.send('GET', path, options)
  post = (path: string, json?: unknown, options?: RequestOptions) => this.send('POST', path, { json, ...options })
  put = (path: string, json?: unknown, options?: RequestOptions) => this.send('PUT', path, { json, ...options })
  delete = (path: string, options?: RequestOptions) => this.send('DELETE', path, options)

  async send(method: string, path: string, { headers = {}, json, raw, unread }: RequestOptions = {}): Promise<Reply> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(this.#url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(cookie === '' ? {} : { Cookie: cookie }),
        ...this.#headers,
        ...headers,
      },
      ...(json === undefined ? (raw === undefined ? {} : { body: raw }) : { body: JSON.stringify(json) }),
    })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    const isEndless = unread === true && response.headers.get('content-type') === 'text/event-stream'
    if (isEndless) await response.body?.cancel()
    const text = isEndless ? '' : await response.text()
    const body = text === '' ? undefined : parse(text)
    const reply = { status: response.status, headers: response.headers, text, body }
    this.#check({ method, path, reply })
    return reply
  }

  register = (email: string, password: string, name?: string) =>
    this.post('/v1/auth/register', { email, password, ...(name === undefined ? {} : { name }) })

  logIn = (email: string, password: string) => this.post('/v1/auth/login', { email, password })

  /** Another browser that holds the same cookies: a stolen or an old token. */
  copy(): Browser {
    const copy = new Browser(this.#url, this.#headers, this.#check)
    for (const [name, value] of this.cookies) copy.cookies.set(name, value)
    return copy
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(/;\s*/)
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals)
    if (attributes.some((attribute) => attribute.toLowerCase() === 'max-age=0')) this.cookies.delete(name)
    else this.cookies.set(name, pair.slice(equals + 1))
  }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
