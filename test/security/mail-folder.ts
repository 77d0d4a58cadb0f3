/** The mails of a server without SMTP: each is a file in its DATA_DIR. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, vi } from 'vitest'

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

export const mailsTo = async (dataDir: string, address: string): Promise<readonly Mail[]> => {
  const folder = join(dataDir, 'mail')
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort()
  const mails = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))))
  return mails.filter(({ to }: Mail) => to === address)
}

/** Waits for the mail to this address whose subject matches. */
export const mailTo = (dataDir: string, address: string, subject: RegExp): Promise<Mail> =>
  vi.waitFor(
    async () => {
      const found = (await mailsTo(dataDir, address)).filter((mail) => subject.test(mail.subject)).at(-1)
      expect(found, `a mail to ${address} about ${subject}`).toBeDefined()
      return found as Mail
    },
    { timeout: 20_000, interval: 50 },
  )

export const linksIn = ({ text }: Mail): readonly URL[] =>
  (text.match(/https?:\/\/\S+/g) ?? []).map((link) => new URL(link))

/** The token of the link to this path, wherever in the link it is. */
export const tokenIn = (mail: Mail, path: string): string => {
  const link = linksIn(mail).find(({ pathname }) => pathname === path)
  const token = link?.searchParams.get('token') ?? new URLSearchParams(link?.hash.slice(1)).get('token')
  if (token == null) throw new Error(`the mail has no link to ${path}: ${mail.text}`)
  return token
}
