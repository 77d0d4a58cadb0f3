/** The mailer's parts on a real database, with events that happen as the test says. */
import { randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import type { Actor, NewAccountEvent } from '../../src/account/events.ts'
import { type Accounts, openAccounts, streamOf } from '../../src/accounts/accounts.ts'
import type { ClientContext } from '../../src/client-context/client-context.ts'
import { sealEvents } from '../../src/commands/seal-events.ts'
import type { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { NewEvent, NonEmpty, RecordedEvent } from '../../src/event-store/port.ts'
import { MAILER, type MailerOptions, startMailer } from '../../src/mailer/mailer.ts'
import type { Database } from '../../src/platform/database.ts'
import { migrate } from '../../src/platform/migrations.ts'
import { registerReactors } from '../../src/projector/reactor.ts'
import type { RunningWorker } from '../../src/projector/worker.ts'
import { openSessionHash } from '../../src/secrets/session-hash.ts'
import { openVault, type Vault } from '../../src/secrets/vault.ts'
import { vaultMigrations } from '../../src/secrets/vault-schema.ts'
import { type Harness, openHarness } from '../projector/support.ts'
import { masterKeyOf } from '../secrets/vault-database.ts'

export const PUBLIC_URL = 'https://id.example.com'

export interface MailerHarness extends Harness {
  readonly db: Kysely<Database>
  readonly store: MemoryEventStore
  readonly vault: Vault
  readonly accounts: Accounts
  /** A new account of this address. */
  register(email: string, name?: string | null): Promise<string>
  /** Appends the events in one go, and gives them back as recorded. */
  happen(userId: string, events: readonly NewAccountEvent[], how?: How): Promise<readonly RecordedEvent[]>
  /** Stopped by `close`. */
  startMailer(options: Partial<MailerOptions> & Pick<MailerOptions, 'settings' | 'dataDir'>): RunningWorker
  outbox(): Promise<readonly OutboxRow[]>
}

export interface How {
  readonly actor?: Actor
  readonly client?: ClientContext | null
  /** Milliseconds since 1970; default: now. */
  readonly at?: number
}

export interface OutboxRow {
  readonly event_id: string
  readonly kind: string
  readonly user_id: string
  readonly attempts: number
  readonly outcome: string | null
}

export const CLIENT: ClientContext = {
  ip: '203.0.113.7',
  userAgent: 'a browser',
  location: { country: 'DE', region: 'BE', city: 'Berlin' },
  device: { type: 'desktop' },
  browser: { name: 'Firefox', version: '130.0' },
  os: { name: 'Windows', version: '11' },
  geoVersion: 'test',
  uaVersion: 'test',
}

export const openMailerHarness = async (): Promise<MailerHarness> => {
  const harness = await openHarness()
  const { pool, store } = harness
  await migrate(pool, 'vault', vaultMigrations)
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  const vault = await openVault(db, masterKeyOf(3))
  const sessionHash = openSessionHash(vault)
  const accounts = openAccounts(store)
  await registerReactors(pool, store, [MAILER])
  const mailers: RunningWorker[] = []

  const happen: MailerHarness['happen'] = async (userId, events, how = {}) => {
    const dataKey = await vault.dataKey(userId)
    if (dataKey === null) throw new Error('nobody has this id')
    const sealed = sealEvents(events, {
      userId,
      dataKey,
      sessionHash,
      context: {
        actor: how.actor ?? { kind: 'user', id: userId },
        correlationId: randomUUID(),
        client: how.client === undefined ? CLIENT : how.client,
        sessionId: null,
      },
      commandId: randomUUID(),
      now: how.at ?? Date.now(),
      idempotency: null,
    })
    const stream = streamOf(userId)
    const { revision } = await accounts.load(userId)
    await store.append(stream, sealed as unknown as NonEmpty<NewEvent>, revision)
    const recorded: RecordedEvent[] = []
    for await (const event of store.read(stream, { from: revision === 'none' ? 0n : revision + 1n }))
      recorded.push(event)
    return recorded
  }

  return {
    ...harness,
    db,
    vault,
    accounts,
    happen,
    async register(email, name = null) {
      const { userId } = await vault.claim(vault.lookupOf(email))
      await happen(userId, [{ type: 'user:registered', data: {}, personal: { email, name } }])
      return userId
    },
    startMailer(options) {
      const running = startMailer({
        publicUrl: PUBLIC_URL,
        limits: { resetTokenMs: 3_600_000, notMeMs: 604_800_000 },
        ...{ store, accounts, vault, db, pool, notifications: harness.notifications, log: harness.log },
        owner: 'test',
        now: Date.now,
        ...options,
      })
      mailers.push(running)
      return running
    },
    async outbox() {
      const { rows } = await pool.query<OutboxRow>(
        'select event_id, kind, user_id, attempts, outcome from vault.outbox order by id',
      )
      return rows
    },
    async close() {
      await Promise.all(mailers.map((mailer) => mailer.stop()))
      await harness.close()
    },
  }
}
