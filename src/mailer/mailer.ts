/**
 * Mail by events. A reactor files what is to be sent in the same transaction as its checkpoint, so each mail is filed
 * exactly once; senders take it from there. It needs no opened box: a person's data are looked at when a mail is made.
 */
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { AccountEvent } from '../account/events.ts'
import { readAccountEvent } from '../account/upcast.ts'
import { type Accounts, userOf } from '../accounts/accounts.ts'
import type { EventStore, RecordedEvent } from '../event-store/port.ts'
import type { Database } from '../platform/database.ts'
import type { Notifications } from '../platform/notifications.ts'
import { type Reactor, type ReactorOptions, runReactor } from '../projector/reactor.ts'
import type { RunningWorker, WorkedBatch } from '../projector/worker.ts'
import type { Vault } from '../secrets/vault.ts'
import { openComposer } from './compose.ts'
import { type MailKind, mailsFor } from './kinds.ts'
import { mailFolderIn, openMailFiles } from './mail-files.ts'
import { file, type NewEntry, openOutbox } from './outbox.ts'
import { startSender } from './sender.ts'
import type { MailSettings } from './settings.ts'
import { openSmtpTransport } from './smtp.ts'

export const MAILER = 'mailer'

export interface MailerOptions {
  readonly settings: MailSettings
  readonly dataDir: string
  readonly publicUrl: string
  readonly limits: { readonly resetTokenMs: number; readonly notMeMs: number }
  readonly store: EventStore
  readonly accounts: Accounts
  readonly vault: Vault
  readonly db: Kysely<Database>
  /** Of the reactor. Two connections at once are used. */
  readonly pool: ReactorOptions<Filed>['pool']
  readonly notifications: Notifications
  readonly owner: string
  readonly log: Logger
  readonly observe?: (batch: WorkedBatch) => void
  readonly now: () => number
}

/** Runs the reactor and a sender until it is stopped. Returns at once. */
export const startMailer = (options: MailerOptions): RunningWorker => {
  const { settings, dataDir, limits, db, now } = options
  const log = options.log.child({ part: 'mailer' })
  const transport =
    settings.smtp === undefined ? openMailFiles(mailFolderIn(dataDir)) : openSmtpTransport(settings.smtp, settings.from)
  if (settings.smtp === undefined) log.info('no SMTP_URL is given: mails become files in DATA_DIR/mail')
  const sender = startSender({
    outbox: openOutbox(db),
    compose: openComposer(options),
    transport,
    notifications: options.notifications,
    usefulMs: (kind) => usefulMs(kind, limits),
    log,
    now,
  })
  const reactor = runReactor({ ...options, log, reactor: mailReactor(sender.wake), decode: readEvent })
  return {
    status: reactor.status,
    stop: async () => {
      await reactor.stop()
      await sender.stop()
    },
  }
}

type Filed = { readonly userId: string; readonly event: AccountEvent } | null

/** `committed` is called when there may be new mail. */
export const mailReactor = (committed: () => void): Reactor<Filed> => ({
  name: MAILER,
  handle: (events, transaction) => file(transaction, events.flatMap(entriesFor)),
  committed,
})

/** Streams that are no account's are nobody's to be written to. */
export const readEvent = async (stored: RecordedEvent): Promise<Filed> => {
  const userId = userOf(stored.stream)
  return userId === null ? null : { userId, event: readAccountEvent(stored) }
}

const entriesFor = (filed: Filed): readonly NewEntry[] =>
  filed === null
    ? []
    : mailsFor(filed.event).map((kind) => ({
        kind,
        userId: filed.userId,
        eventId: filed.event.id,
        revision: filed.event.revision,
        occurredAt: new Date(filed.event.metadata.occurredAt),
      }))

/** A link that is dead is not mailed. A notice is worth something as long as its link is, but is no news after days. */
const usefulMs = (kind: MailKind, { resetTokenMs, notMeMs }: MailerOptions['limits']): number =>
  WITH_SHORT_LINK.includes(kind) ? resetTokenMs : Math.min(notMeMs, LONGEST_NOTICE_MS)

const WITH_SHORT_LINK: readonly MailKind[] = ['password_reset', 'invitation', 'new_password_needed', 'email_change_new']
const LONGEST_NOTICE_MS = 3 * 86_400_000
