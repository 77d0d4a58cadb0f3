/** How mail leaves and whom it names as its sender, as the two environment variables say it. */
import { isIP } from 'node:net'
import { z } from 'zod'

export interface MailSettings {
  /** Undefined: every mail becomes a file. */
  readonly smtp: SmtpServer | undefined
  readonly from: Mailbox
}

export interface Mailbox {
  readonly name: string | null
  readonly address: string
}

export interface SmtpServer {
  readonly host: string
  readonly port: number
  /** TLS from the first byte (smtps), or by STARTTLS. */
  readonly implicitTls: boolean
  readonly credentials: { readonly user: string; readonly password: string } | undefined
}

const SMTP_PORT = 25
const SMTPS_PORT = 465

/**
 * `smtp://user:password@host:port` or `smtps://...`. Nothing may follow: what nodemailer takes from a URL's query would
 * switch off the check of certificates, or write whole mails into the log. The text is in no message: it holds a password.
 */
export const smtpUrl = z.string().transform((text, context): SmtpServer => {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  if (!/^smtps?:\/\/./.test(text) || !URL.canParse(text)) return refuse('must begin with smtp:// or smtps://')
  const url = new URL(text)
  if (url.hostname === '') return refuse('must name a host')
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
    return refuse('must have nothing behind host and port')
  }
  const implicitTls = url.protocol === 'smtps:'
  const port = url.port === '' ? (implicitTls ? SMTPS_PORT : SMTP_PORT) : Number(url.port)
  try {
    const user = decodeURIComponent(url.username)
    const credentials = user === '' ? undefined : { user, password: decodeURIComponent(url.password) }
    return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, implicitTls, credentials }
  } catch {
    return refuse('must have user and password percent-encoded')
  }
})

/** `Name <address>` or a bare address. */
export const mailFrom = z.string().transform((text, context): Mailbox => {
  const [, name, inBrackets, bare] = /^(?:([^<>"\p{Cc}\p{Zl}\p{Zp}]*)<([^<>]+)>|([^<>]+))$/u.exec(text.trim()) ?? []
  const address = inBrackets ?? bare ?? ''
  if (!ADDRESS.test(address)) {
    context.addIssue({
      code: 'custom',
      message: 'must be an address, or a name and an address: Name <name@example.com>',
    })
    return z.NEVER
  }
  return { name: name?.trim() || null, address }
})

/** Not as strict as for users: a sender of a machine may be `root@localhost`. */
const ADDRESS = /^[\w!#$%&'*+/=?^`{|}~.-]+@[A-Za-z0-9.-]*[A-Za-z0-9]$/

/** The sender where none is given. An address literal (RFC 5321 4.1.3) is more than most servers take. */
export const senderAt = (publicUrl: string): Mailbox => {
  const { hostname } = new URL(publicUrl)
  const host = isIP(hostname.replace(/^\[|\]$/g, '')) === 0 ? hostname : 'localhost'
  return { name: 'Strongroom', address: `no-reply@${host}` }
}
