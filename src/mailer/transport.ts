/** How a finished mail leaves: by SMTP, or into a file where no server is given. */
import type { Mail } from './compose.ts'
import type { MailKind } from './kinds.ts'

/** Which mail it is. The same again means that it may have been delivered before. */
export interface Envelope {
  readonly eventId: string
  readonly kind: MailKind
  readonly occurredAt: Date
}

export interface Transport {
  /** Resolves once the mail is in somebody else's hands, or on the disk. Throws DeliveryFailed. */
  send(mail: Mail, envelope: Envelope): Promise<void>
}

/** Its message may be logged: it quotes nothing of the mail, nor what the server said, which names recipients. */
export class DeliveryFailed extends Error {
  override readonly name = 'DeliveryFailed'
  /** The server has refused this mail (SMTP 5xx): trying again soon is no use. */
  readonly refused: boolean
  constructor(message: string, refused: boolean) {
    super(message)
    this.refused = refused
  }
}
