/** Users as an operator sees them, and finds them. */
import { closedUntil } from '../../src/account/throttle.ts'
import type { Account } from '../../src/accounts/accounts.ts'
import { emailSchema } from '../../src/accounts/email.ts'
import { identityOf } from '../../src/accounts/identity.ts'
import { findOwner } from '../../src/commands/log-in.ts'
import type { OperatorServices } from './services.ts'

export interface ListedUser {
  readonly id: string
  readonly email: string | null
  /**
   * `invited`: has set no password yet. `compromised`: reported "this was not me"; a reset or `unlock` opens it.
   * `unfinished`: the address was claimed, and a crash kept the account from being made; registering again adopts it.
   */
  readonly status: 'active' | 'locked' | 'compromised' | 'invited' | 'unfinished'
  readonly legalHold: boolean
  readonly twoFactor: boolean
  readonly sessions: number
  /** RFC 3339, UTC. */
  readonly lastSignIn: string | null
}

const PAGE = 200

/** By id, in pages: nothing grows with how many there are. Erased users have no row any more. */
export async function* listUsers(services: OperatorServices): AsyncGenerator<ListedUser> {
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const rows = await services.db
      .selectFrom('vault.users')
      .select(['user_id', 'legal_hold'])
      .where('user_id', '>', after)
      .orderBy('user_id')
      .limit(PAGE)
      .execute()
    for (const { user_id: userId, legal_hold: legalHold } of rows) {
      const account = await services.accounts.load(userId)
      services.accounts.evict(userId)
      if (account.state.status !== 'erased') yield await describe(services, account, legalHold)
      after = userId
    }
    if (rows.length < PAGE) return
  }
}

const describe = async (services: OperatorServices, account: Account, legalHold: boolean): Promise<ListedUser> => ({
  id: account.userId,
  email: (await identityOf(services.vault, account))?.email ?? null,
  status: statusOf(services, account),
  legalHold,
  twoFactor: account.state.twoFactor !== null,
  sessions: await countLive(services, account),
  lastSignIn: account.state.lastLogIn?.metadata.occurredAt ?? null,
})

const statusOf = ({ settings, now }: OperatorServices, { state }: Account): ListedUser['status'] => {
  if (state.status === 'none') return 'unfinished'
  if (state.compromised) return 'compromised'
  if (closedUntil(state, now(), settings.limits) > 0) return 'locked'
  return state.password === null ? 'invited' : 'active'
}

/** Sessions past a limit have not ended on record until someone meets them. */
const countLive = async (
  { activity, now, settings: { limits, session } }: OperatorServices,
  { state: { sessions } }: Account,
): Promise<number> => {
  const accesses = await activity.ofSessions(sessions.map(({ id }) => id))
  return sessions.filter(({ id, signedInAt }) => {
    const lastAccess = Math.max(signedInAt, accesses.get(id) ?? 0)
    return now() < signedInAt + limits.sessionAbsoluteMs && now() - lastAccess < session.idleMs
  }).length
}

/** By id, or by the address the account has now. null: there is no such user. */
export const findUser = async (services: OperatorServices, idOrEmail: string): Promise<string | null> => {
  if (UUID.test(idOrEmail)) {
    const userId = idOrEmail.toLowerCase()
    const { state } = await services.accounts.load(userId)
    return state.status === 'active' ? userId : null
  }
  const email = emailSchema.safeParse(idOrEmail)
  return email.success ? findOwner(services, services.vault.lookupOf(email.data), email.data) : null
}

/** null: nobody of that id was erased. There is no address left to find anybody by. */
export const findErased = async ({ accounts }: OperatorServices, id: string): Promise<string | null> => {
  if (!UUID.test(id)) return null
  const { userId, state } = await accounts.load(id.toLowerCase())
  return state.status === 'erased' ? userId : null
}

export interface ListedErasure {
  readonly id: string
  /** RFC 3339, UTC, as the next one. */
  readonly erasedAt: string
  /** null: what is left of the person is still being deleted. */
  readonly completeAt: string | null
}

/** By id, in pages. */
export async function* listErasures({ db }: OperatorServices): AsyncGenerator<ListedErasure> {
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const rows = await db
      .selectFrom('vault.erasures')
      .select(['user_id', 'erased_at', 'done_at'])
      .where('user_id', '>', after)
      .orderBy('user_id')
      .limit(PAGE)
      .execute()
    for (const { user_id: id, erased_at, done_at } of rows) {
      yield { id, erasedAt: erased_at.toISOString(), completeAt: done_at?.toISOString() ?? null }
      after = id
    }
    if (rows.length < PAGE) return
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
