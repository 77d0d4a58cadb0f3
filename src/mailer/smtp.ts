import { createTransport } from 'nodemailer'
import type { Mail } from './compose.ts'
import type { Mailbox, SmtpServer } from './settings.ts'
import { DeliveryFailed, type Envelope, type Transport } from './transport.ts'

/** No step takes longer; a connection that says nothing is given up. Milliseconds. */
const STEP_MS = 10_000

/**
 * One connection per mail. TLS is used where the server offers it, and demanded where a password would go over the line;
 * to this machine itself there is none, whose server would have no certificate that fits.
 */
export const openSmtpTransport = (server: SmtpServer, from: Mailbox): Transport => {
  const { host, port, implicitTls, credentials } = server
  const isLocal = ['localhost', '127.0.0.1', '::1'].includes(host)
  const transporter = createTransport({
    host,
    port,
    secure: implicitTls,
    ignoreTLS: isLocal && !implicitTls,
    requireTLS: !isLocal && credentials !== undefined,
    ...(credentials === undefined ? {} : { auth: { user: credentials.user, pass: credentials.password } }),
    connectionTimeout: STEP_MS,
    greetingTimeout: STEP_MS,
    socketTimeout: STEP_MS,
    dnsTimeout: STEP_MS,
    // Nothing in a mail may make the library read a file or a page.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async send(mail, envelope) {
      try {
        await transporter.sendMail({
          from: plain(from),
          to: plain(mail.to),
          subject: mail.subject,
          text: mail.text,
          html: mail.html,
          messageId: messageIdOf(envelope, from),
          date: envelope.occurredAt,
          // RFC 3834: no out-of-office answers.
          headers: { 'Auto-Submitted': 'auto-generated' },
        })
      } catch (error) {
        throw describeFailure(error)
      }
    },
  }
}

/** The same for a repeat (RFC 5322 3.6.4), so that whoever gets a mail twice can be spared one. */
const messageIdOf = ({ eventId, kind }: Envelope, { address }: Mailbox): string =>
  `<${eventId}.${kind}@${address.slice(address.lastIndexOf('@') + 1)}>`

/** nodemailer quotes and encodes a name given apart from its address. */
const plain = ({ name, address }: Mail['to']) => ({ name: name ?? '', address })

/** By its codes alone: the text of an SMTP error quotes the server, and that the recipient. */
const describeFailure = (error: unknown): DeliveryFailed => {
  const fields: Record<string, unknown> = error instanceof Error ? { ...error } : {}
  const { code, command, responseCode } = fields
  const status = typeof responseCode === 'number' ? responseCode : undefined
  const parts = [code, command, status].filter((part) => typeof part === 'string' || typeof part === 'number')
  const about = parts.length === 0 ? 'unknown error' : parts.join(' ')
  return new DeliveryFailed(`the mail server did not take it: ${about}`, status !== undefined && status >= 500)
}
