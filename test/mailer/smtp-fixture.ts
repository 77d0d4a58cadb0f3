/** A real SMTP server that keeps what it is given, and can be away, slow, or refuse. */
import { createServer } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** As it came over the line. */
  readonly raw: string
}

export interface SmtpFixture {
  readonly url: string
  readonly mails: readonly ReceivedMail[]
  /** After this is called a recipient for whom it returns text is refused with it. */
  refuse(reason: (recipient: string) => { readonly code: number; readonly text: string } | null): void
  /** What is received is answered only after the promise. */
  holdAnswers(until: Promise<void>): void
  start(): Promise<void>
  stop(): Promise<void>
}

export const openSmtpFixture = async (): Promise<SmtpFixture> => {
  const port = await freePort()
  const mails: ReceivedMail[] = []
  let refusal: (recipient: string) => { readonly code: number; readonly text: string } | null = () => null
  let held: Promise<void> = Promise.resolve()
  let server: SMTPServer | undefined

  const make = () =>
    new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      onRcptTo({ address }, _session, done) {
        const refused = refusal(address)
        done(refused === null ? null : Object.assign(new Error(refused.text), { responseCode: refused.code }))
      },
      onData(stream, { envelope }, done) {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
          mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), raw: Buffer.concat(chunks).toString() })
          held.then(
            () => done(),
            () => done(),
          )
        })
      },
    })

  const fixture: SmtpFixture = {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    refuse: (reason) => {
      refusal = reason
    },
    holdAnswers: (until) => {
      held = until
    },
    start: () =>
      new Promise((resolve, reject) => {
        server = make()
        server.on('error', reject)
        server.listen(port, '127.0.0.1', resolve)
      }),
    stop: () => new Promise((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))),
  }
  await fixture.start()
  return fixture
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      if (address === null || typeof address === 'string') return reject(new Error('no port'))
      probe.close(() => resolve(address.port))
    })
  })
