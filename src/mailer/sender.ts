/**
 * Sends what is in the outbox. Several processes may: each mail is claimed by one of them, for longer than sending may
 * take. At least once: who dies between sending and noting it leaves the mail to be sent again, under the same Message-ID.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Latch } from '../platform/latch.ts'
import type { Notifications } from '../platform/notifications.ts'
import type { Compose } from './compose.ts'
import type { MailKind } from './kinds.ts'
import { type Entry, OUTBOX_CHANNEL, type Outbox } from './outbox.ts'
import { DeliveryFailed, type Transport } from './transport.ts'

export interface SenderOptions {
  readonly outbox: Outbox
  readonly compose: Compose
  readonly transport: Transport
  readonly notifications: Notifications
  readonly log: Logger
  readonly now: () => number
  /** How long after its event a mail is still worth sending. Milliseconds. */
  readonly usefulMs: (kind: MailKind) => number
  /** How long a claim lasts; default 60. Sending is given up before. */
  readonly claimSeconds?: number
}

export interface Sender {
  /** There may be mail. */
  wake(): void
  /** Takes no more mail, and waits a while for what is being sent. */
  stop(): Promise<void>
}

/** At once, in one process: one slow server must not hold up the others' mail. */
const PARALLEL = 8
const CLAIM_SECONDS = 60
/** Beside notifications, which may be lost. */
const LOOK_EVERY_MS = 5_000
const AFTER_FAULT_MS = 1_000
const PRUNE_EVERY_MS = 3_600_000
const KEEP_SECONDS = 7 * 86_400
const GOODBYE_MS = 5_000

export const startSender = (options: SenderOptions): Sender => {
  const sender = new RunningSender(options)
  const running = sender.run()
  return {
    wake: () => sender.news.set(),
    stop: async () => {
      sender.stopping.abort()
      await running
    },
  }
}

class RunningSender {
  readonly stopping = new AbortController()
  readonly news = new Latch()
  readonly #options: SenderOptions
  readonly #claimSeconds: number
  readonly #underWay = new Set<Promise<void>>()
  #prunedAt = 0
  /** Whether the last try failed: told once, not for every mail of an hour without a server. */
  #failing = false

  constructor(options: SenderOptions) {
    this.#options = options
    this.#claimSeconds = options.claimSeconds ?? CLAIM_SECONDS
  }

  async run(): Promise<void> {
    const { notifications, log } = this.#options
    const { signal } = this.stopping
    const stopListening = await notifications.listen(OUTBOX_CHANNEL, () => this.news.set())
    while (!signal.aborted) {
      this.news.clear()
      try {
        await this.#prune()
        await this.news.wait(await this.#takeWork(), signal)
      } catch (error) {
        log.warn({ err: error }, 'the outbox cannot be read, and will be again')
        await delay(AFTER_FAULT_MS, undefined, { signal }).catch(() => {})
      }
    }
    stopListening()
    const goodbye = new AbortController()
    await Promise.race([
      Promise.all(this.#underWay),
      delay(GOODBYE_MS, undefined, { signal: goodbye.signal }).catch(() => {}),
    ])
    goodbye.abort()
  }

  /** Begins sending what is due, and tells how long there is nothing more to begin. Milliseconds. */
  async #takeWork(): Promise<number> {
    const { outbox } = this.#options
    const room = PARALLEL - this.#underWay.size
    // Whoever finishes wakes the loop.
    if (room <= 0) return LOOK_EVERY_MS
    const entries = await outbox.claim(room, this.#claimSeconds)
    for (const entry of entries) {
      const work = this.#deliver(entry).finally(() => {
        this.#underWay.delete(work)
        this.news.set()
      })
      this.#underWay.add(work)
    }
    if (entries.length === room) return LOOK_EVERY_MS
    const dueMs = await outbox.nextDue()
    // Not below 50: what is due this very moment may be locked by another process that is claiming it.
    return dueMs === null ? LOOK_EVERY_MS : Math.min(LOOK_EVERY_MS, Math.max(50, dueMs))
  }

  /** Never rejects. */
  async #deliver(entry: Entry): Promise<void> {
    const { outbox, log, now, usefulMs } = this.#options
    const { id, eventId, kind, occurredAt, attempts } = entry
    const about = { mail: kind, eventId, attempts }
    try {
      if (now() > occurredAt.getTime() + usefulMs(kind)) {
        log.error(about, 'a mail was not sent: it could not be delivered for as long as it was of use')
        await outbox.finish(id, 'given_up')
        return
      }
      const isSent = await withinSeconds(this.#claimSeconds / 2, this.#send(entry))
      await outbox.finish(id, isSent ? 'sent' : 'dropped')
      if (isSent && this.#failing) log.info(about, 'mail is delivered again')
      if (isSent) this.#failing = false
    } catch (error) {
      await this.#postpone(entry, error)
    }
  }

  /** False: nobody is there to get it. */
  async #send({ userId, eventId, revision, kind, occurredAt }: Entry): Promise<boolean> {
    const mail = await this.#options.compose({ userId, eventId, revision, kind })
    if (mail === null) return false
    await this.#options.transport.send(mail, { eventId, kind, occurredAt })
    return true
  }

  async #postpone({ id, eventId, kind, attempts }: Entry, error: unknown): Promise<void> {
    const { outbox, log } = this.#options
    const seconds = pauseAfter(attempts, error instanceof DeliveryFailed && error.refused)
    const about = { err: error, mail: kind, eventId, attempts, retrySeconds: Math.round(seconds) }
    if (!(error instanceof DeliveryFailed)) log.error(about, 'a mail cannot be made and will be tried again')
    else if (this.#failing && !error.refused) log.debug(about, 'mail is not delivered and will be tried again')
    else log.warn(about, 'mail is not delivered and will be tried again')
    this.#failing = true
    // Where this fails too the claim runs out by itself.
    await outbox.postpone(id, seconds).catch(() => {})
  }

  async #prune(): Promise<void> {
    const at = performance.now()
    if (this.#prunedAt !== 0 && at < this.#prunedAt + PRUNE_EVERY_MS) return
    await this.#options.outbox.prune(KEEP_SECONDS)
    this.#prunedAt = at
  }
}

/**
 * Seconds until the next try: doubling from one, so that a short disturbance costs little, up to five minutes, so that
 * mail comes soon after a long one. An hour after a refusal: only somebody who changes something will end it.
 */
const pauseAfter = (attempts: number, refused: boolean): number => {
  const seconds = refused ? 3_600 : Math.min(300, 2 ** (attempts - 1))
  return seconds * (0.75 + Math.random() / 2)
}

const withinSeconds = async <T>(seconds: number, work: Promise<T>): Promise<T> => {
  const done = new AbortController()
  const late = delay(seconds * 1_000, undefined, { signal: done.signal }).then(() => {
    throw new DeliveryFailed('sending a mail takes too long', false)
  })
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    done.abort()
  }
}
