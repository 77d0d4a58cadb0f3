import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openComposer } from '../../src/mailer/compose.ts'
import { openOutbox } from '../../src/mailer/outbox.ts'
import { type Sender, startSender } from '../../src/mailer/sender.ts'
import { smtpUrl } from '../../src/mailer/settings.ts'
import { openSmtpTransport } from '../../src/mailer/smtp.ts'
import { until } from '../projector/support.ts'
import { type MailerHarness, openMailerHarness, PUBLIC_URL } from './harness.ts'
import { openSmtpFixture, type SmtpFixture } from './smtp-fixture.ts'

const FROM = { name: 'Strongroom', address: 'no-reply@id.example.com' }
const PASSWORD_CHANGED = { type: 'user.password:changed', data: { by: 'owner', rotated: null } } as const
const RESET_REQUESTED = { type: 'user.password:reset_requested', data: {} } as const
const LIMITS = { resetTokenMs: 3_600_000, notMeMs: 604_800_000 }

let harness: MailerHarness
let smtp: SmtpFixture
let dataDir: string
const senders: Sender[] = []

beforeEach(async () => {
  harness = await openMailerHarness()
  smtp = await openSmtpFixture()
  dataDir = await mkdtemp(join(tmpdir(), 'strongroom-mail-'))
})
afterEach(async () => {
  await Promise.all(senders.splice(0).map((sender) => sender.stop()))
  await harness.close()
  await smtp.stop()
  await rm(dataDir, { recursive: true, force: true })
})

const overSmtp = () => ({ settings: { smtp: smtpUrl.parse(smtp.url), from: FROM }, dataDir })
const intoFiles = () => ({ settings: { smtp: undefined, from: FROM }, dataDir })

const untilReceived = (count: number, limitMs?: number) =>
  until(
    () => smtp.mails,
    (mails) => mails.length >= count,
    limitMs,
  )
const untilOutcomes = (outcomes: readonly (string | null)[]) =>
  until(
    async () => (await harness.outbox()).map(({ outcome }) => outcome),
    (found) => JSON.stringify(found) === JSON.stringify(outcomes),
  )

const headerOf = (raw: string, name: string): string | undefined =>
  new RegExp(`^${name}: *(.*)$`, 'im')
    .exec(raw.slice(0, raw.indexOf('\r\n\r\n')).replace(/\r\n(?=[ \t])/g, ''))?.[1]
    ?.trim()

describe('by SMTP', () => {
  test('a mail leaves at once, not at the next look at the table, with sender, recipient and an id made of event and kind', async () => {
    harness.startMailer(overSmtp())
    const userId = await harness.register('ada@example.com', 'Ada Lovelace')
    // Awake: the first one includes the start of everything.
    await harness.happen(userId, [PASSWORD_CHANGED])
    await untilReceived(1)
    const began = performance.now()
    const [event] = await harness.happen(userId, [PASSWORD_CHANGED])
    await untilReceived(2)
    expect(performance.now() - began).toBeLessThan(2_500)
    const { from, to, raw } = smtp.mails[1] ?? { from: '', to: [], raw: '' }
    expect({ from, to }).toEqual({ from: FROM.address, to: ['ada@example.com'] })
    expect(headerOf(raw, 'From')).toBe('Strongroom <no-reply@id.example.com>')
    expect(headerOf(raw, 'To')).toBe('Ada Lovelace <ada@example.com>')
    expect(headerOf(raw, 'Subject')).toBe('Your password was changed')
    expect(headerOf(raw, 'Message-ID')).toBe(`<${event?.id}.password_changed@id.example.com>`)
    expect(headerOf(raw, 'Auto-Submitted')).toBe('auto-generated')
    expect(raw).toContain('text/plain')
    expect(raw).toContain('text/html')
    await untilOutcomes(['sent', 'sent'])
  })

  test('events from before the first start are not mailed', async () => {
    const userId = await harness.register('ada@example.com')
    await harness.happen(userId, [PASSWORD_CHANGED])
    await harness.pool.query('delete from vault.reactors')
    const mailer = harness.startMailer(overSmtp())
    await until(
      () => mailer.status().state,
      (state) => state === 'running',
    )
    const [event] = await harness.happen(userId, [RESET_REQUESTED])
    await untilOutcomes(['sent'])
    expect((await harness.outbox()).map(({ event_id }) => event_id)).toEqual([event?.id])
  })

  test('two processes send each of many mails once', async () => {
    for (const owner of ['left', 'right']) harness.startMailer({ ...overSmtp(), owner })
    const users = await Promise.all(Array.from({ length: 10 }, (_, n) => harness.register(`person${n}@example.com`)))
    await Promise.all(users.map((userId) => harness.happen(userId, Array(6).fill(PASSWORD_CHANGED))))
    await untilOutcomes(Array(60).fill('sent'))
    const ids = smtp.mails.map(({ raw }) => headerOf(raw, 'Message-ID'))
    expect(new Set(ids).size).toBe(60)
    expect(ids).toHaveLength(60)
  })

  test('while the server is away nothing is lost, and it is told once; all comes when it is back', async () => {
    await smtp.stop()
    harness.startMailer(overSmtp())
    const userId = await harness.register('ada@example.com')
    await harness.happen(userId, [PASSWORD_CHANGED, RESET_REQUESTED, PASSWORD_CHANGED])
    await until(harness.outbox, (rows) => rows.length === 3 && rows.every(({ attempts }) => attempts >= 2))
    expect(new Set((await harness.outbox()).map(({ outcome }) => outcome))).toEqual(new Set([null]))
    await smtp.start()
    await untilOutcomes(['sent', 'sent', 'sent'])
    expect(smtp.mails).toHaveLength(3)
    const told = harness.lines.filter(({ level, msg }) => level === 40 && String(msg).startsWith('mail is not'))
    expect(told.length).toBeLessThanOrEqual(3)
    expect(harness.lines.map(({ msg }) => msg)).toContain('mail is delivered again')
  })

  test('a recipient who is refused does not hold up the others, and is not asked again at once', async () => {
    smtp.refuse((address) => (address === 'gone@example.com' ? { code: 550, text: `<${address}> is unknown` } : null))
    harness.startMailer(overSmtp())
    const gone = await harness.register('gone@example.com')
    const ada = await harness.register('ada@example.com')
    await harness.happen(gone, Array(20).fill(PASSWORD_CHANGED))
    await harness.happen(ada, [PASSWORD_CHANGED])
    await untilReceived(1)
    expect(smtp.mails[0]?.to).toEqual(['ada@example.com'])
    const wait = "select min(next_attempt_at) > clock_timestamp() + interval '30 minutes' as late from vault.outbox"
    await until(
      () => harness.pool.query<{ late: boolean }>(`${wait} where done_at is null and attempts = 1`),
      ({ rows }) => rows[0]?.late === true,
    )
    // What the server said of them names them.
    expect(JSON.stringify(harness.lines)).not.toContain('gone@example.com')
    expect(JSON.stringify(harness.lines)).toContain('EENVELOPE')
  })

  test('who dies between sending and noting it leaves the mail to be sent again, under the same id', async () => {
    const userId = await harness.register('ada@example.com')
    const outbox = openOutbox(harness.db)
    const { store, accounts, vault, notifications, log } = harness
    const common = {
      compose: openComposer({ store, accounts, vault, publicUrl: PUBLIC_URL, limits: LIMITS }),
      transport: openSmtpTransport(smtpUrl.parse(smtp.url), FROM),
      ...{ notifications, log, now: Date.now, usefulMs: () => 3_600_000, claimSeconds: 1 },
    }
    const died = startSender({ ...common, outbox: { ...outbox, finish: () => new Promise(() => {}) } })
    senders.push(died)
    const [event] = await harness.happen(userId, [PASSWORD_CHANGED])
    await harness.pool.query(
      "insert into vault.outbox (event_id, kind, user_id, revision, occurred_at) values ($1, 'password_changed', $2, $3, now())",
      [event?.id, userId, event?.revision],
    )
    died.wake()
    await untilReceived(1)
    senders.push(startSender({ ...common, outbox }))
    await untilReceived(2)
    await untilOutcomes(['sent'])
    const ids = smtp.mails.map(({ raw }) => headerOf(raw, 'Message-ID'))
    expect(new Set(ids)).toEqual(new Set([`<${event?.id}.password_changed@id.example.com>`]))
  })

  test('at a stop the mail under way is finished, and the rest is left for the next start', async () => {
    let answer = (): void => {}
    smtp.holdAnswers(
      new Promise((resolve) => {
        answer = resolve
      }),
    )
    const mailer = harness.startMailer(overSmtp())
    const userId = await harness.register('ada@example.com')
    await harness.happen(userId, [PASSWORD_CHANGED])
    await untilReceived(1)
    const stopped = mailer.stop()
    await harness.happen(userId, [PASSWORD_CHANGED])
    answer()
    await stopped
    await untilOutcomes(['sent'])
    harness.startMailer(overSmtp())
    await untilOutcomes(['sent', 'sent'])
    expect(smtp.mails).toHaveLength(2)
  })
})

describe('into files', () => {
  test('each mail is one whole file that only the owner may read, and a repeat replaces it', async () => {
    harness.startMailer(intoFiles())
    const userId = await harness.register('ada@example.com', 'Ada')
    const at = Date.now()
    const [event] = await harness.happen(userId, [RESET_REQUESTED], { at, actor: { kind: 'anonymous', id: null } })
    await untilOutcomes(['sent'])
    await harness.pool.query(
      'update vault.outbox set done_at = null, outcome = null, next_attempt_at = now(); notify strongroom_outbox',
    )
    await untilOutcomes(['sent'])
    const folder = join(dataDir, 'mail')
    const time = new Date(at).toISOString().replaceAll(':', '-')
    expect(await readdir(folder)).toEqual([`${time}-${event?.id}-password_reset.json`])
    const path = join(folder, (await readdir(folder))[0] ?? '')
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const mail = JSON.parse(await readFile(path, 'utf8'))
    expect(Object.keys(mail)).toEqual(['to', 'subject', 'text', 'html'])
    expect(mail).toMatchObject({ to: 'ada@example.com', subject: 'Reset your password' })
    expect(mail.text).toMatch(/^https:\/\/id\.example\.com\/reset-password#token=[\w-]{94}$/m)
  })
})

describe('a mail that nobody should get', () => {
  test('of a person who was erased meanwhile is dropped', async () => {
    await smtp.stop()
    harness.startMailer(overSmtp())
    const userId = await harness.register('ada@example.com')
    await harness.happen(userId, [PASSWORD_CHANGED])
    await until(harness.outbox, (rows) => rows[0]?.attempts === 1)
    await harness.happen(userId, [{ type: 'user:erased', data: {} }])
    // With nobody to take it still: a try that began before the erasure ends in vain.
    await untilOutcomes(['dropped'])
    await smtp.start()
    expect(smtp.mails).toEqual([])
  })

  test('with a link that is dead by now is given up, with an alert', async () => {
    harness.startMailer(overSmtp())
    const userId = await harness.register('ada@example.com')
    await harness.happen(userId, [RESET_REQUESTED, PASSWORD_CHANGED], { at: Date.now() - LIMITS.resetTokenMs - 1 })
    await untilOutcomes(['given_up', 'sent'])
    const alert = harness.lines.find(({ msg }) => String(msg).startsWith('a mail was not sent'))
    expect(alert).toMatchObject({ level: 50, mail: 'new_password_needed' })
  })

  test('about an event that cannot be found is kept and tried again, with an alert', async () => {
    harness.startMailer(overSmtp())
    const userId = await harness.register('ada@example.com')
    await harness.pool.query(
      "insert into vault.outbox (event_id, kind, user_id, revision, occurred_at) values ($1, 'password_changed', $2, 0, now())",
      [randomUUID(), userId],
    )
    await harness.happen(userId, [PASSWORD_CHANGED])
    await untilReceived(1)
    await until(harness.outbox, (rows) => (rows[0]?.attempts ?? 0) >= 2)
    expect(harness.lines.filter(({ level }) => level === 50).map(({ msg }) => msg)).toContain(
      'a mail cannot be made and will be tried again',
    )
  })
})

test('neither table nor log holds an address, a name or a token', async () => {
  smtp.refuse((address) => (smtp.mails.length === 0 ? { code: 451, text: `come later, ${address}` } : null))
  harness.startMailer(overSmtp())
  const userId = await harness.register('ada@example.com', 'Lovelace')
  await harness.happen(userId, [RESET_REQUESTED])
  await until(harness.outbox, (rows) => (rows[0]?.attempts ?? 0) >= 1)
  smtp.refuse(() => null)
  await untilReceived(1)
  await untilOutcomes(['sent'])
  const raw = (smtp.mails[0]?.raw ?? '').replaceAll('=\r\n', '').replaceAll('=3D', '=')
  const [, token = 'no token'] = /#token=([\w-]{94})/.exec(raw) ?? []
  expect(token).not.toBe('no token')
  const { rows } = await harness.pool.query('select * from vault.outbox, vault.reactors')
  const kept = JSON.stringify([rows, harness.lines])
  for (const secret of ['ada@example.com', 'Lovelace', token, token.slice(-43)]) expect(kept).not.toContain(secret)
})

test('what was finished a week ago is forgotten', async () => {
  const userId = await harness.register('ada@example.com')
  const insert = `insert into vault.outbox (event_id, kind, user_id, revision, occurred_at, done_at, outcome)
    values ($1, 'password_changed', $2, 0, now(), now() - $3::interval, 'sent')`
  await harness.pool.query(insert, [randomUUID(), userId, '8 days'])
  await harness.pool.query(insert, [randomUUID(), userId, '6 days'])
  harness.startMailer(intoFiles())
  await until(harness.outbox, (rows) => rows.length === 1)
})
