/** What a person takes away: their own audit log as a file, and everything held about them. */
import { Readable } from 'node:stream'
import { streamOf } from '../../accounts/accounts.ts'
import { identityOf } from '../../accounts/identity.ts'
import type { Authenticated } from '../../commands/authenticate.ts'
import { openEvent } from '../../projector/open-events.ts'
import { accessesTo, mailsTo } from '../../queries/archive.ts'
import { auditRowOf, sessionsAsOf } from '../../replay/as-of.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { filterOf, filterSchema } from './audit-events.ts'
import { attachment, exportProblems, exportResponse, formatSchema, mediaTypes, rowsAs } from './audit-exports.ts'
import { awaitConsistency, consistencyHeader } from './consistency.ts'
import type { Download } from './downloads.ts'
import { isLive, lastAccessOf } from './live-sessions.ts'
import { securityOf } from './me.ts'
import { preferencesOf, profileOf } from './profile.ts'
import { requireSudo } from './sudo.ts'
import { auditEventView, sessionView } from './views.ts'

export const myExportEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'GET',
    path: '/v1/me/audit-events/export',
    summary: 'My audit log as a file, oldest first',
    description: 'Ends when the session ends.',
    tag: 'My audit log',
    auth: 'session',
    headers: consistencyHeader,
    query: filterSchema.extend({ format: formatSchema }),
    responses: { 200: exportResponse },
    problems: exportProblems,
    async handler({ auth, query, request }) {
      const { format, ...filter } = query
      await awaitConsistency(api, 'auditlog', request)
      const wish = { userId: auth.account.userId, filter: filterOf(filter), named: false }
      const data = await api.downloads.start(ofSession(api, auth, () => rowsAs(api, format, wish)))
      const headers = attachment('audit-events', format, api.services.now())
      return { status: 200, headers, content: { type: mediaTypes[format], data } }
    },
  }),

  endpoint({
    method: 'GET',
    path: '/v1/me/archive',
    summary: 'Everything held about me, as one file of JSON',
    description:
      'Profile, preferences, security, sessions, every event with all that was recorded in it, accesses of auditors, and ' +
      'mails sent. Secrets are not in it: they are only held as hashes or sealed, and would help nobody but a thief.',
    tag: 'My security',
    auth: 'session',
    responses: { 200: { ...exportResponse, mediaTypes: ['application/json'] } },
    problems: {
      403: ['reauthentication-required'],
      429: ['too-many-requests'],
      503: ['overloaded', 'store-unavailable'],
    },
    async handler({ auth }) {
      requireSudo(api, auth)
      const head = await archiveHead(api, auth)
      const parts = () => archiveParts(api, auth.account.userId, head)
      const data = await api.downloads.start(
        ofSession(api, auth, async () => Readable.from(parts(), { objectMode: false })),
      )
      const headers = attachment('archive', 'json', api.services.now())
      return { status: 200, headers, content: { type: mediaTypes.json, data } }
    },
  }),
]

/** A download that ends with the session: at once where its end is heard of, and looked at now and then besides. */
const ofSession = (api: Api, { account: { userId }, session }: Authenticated, open: Download['open']): Download => ({
  owner: `session ${session.id}`,
  open,
  follow: (heard) => api.live.follow(userId, heard),
  async mayGoOn() {
    const { state } = await api.services.accounts.load(userId)
    const now = state.sessions.find(({ id }) => id === session.id)
    return now !== undefined && isLive(api, now, await api.services.activity.ofSessions([now.id]))
  },
})

const archiveHead = async (api: Api, auth: Authenticated) => {
  const { account, session } = auth
  const open = openEvent(api.services.vault)
  const [identity, profile, preferences, security, rows] = await Promise.all([
    identityOf(api.services.vault, account),
    profileOf(api, account),
    preferencesOf(api, account),
    securityOf(api, auth),
    sessionsAsOf(api.store, open, account.userId, null),
  ])
  const accesses = await api.services.activity.ofSessions((rows ?? []).map(({ id }) => id))
  const sessions = (rows ?? []).map((row) => ({
    ...sessionView(row, {
      lastAccessedAt: lastAccessOf({ id: row.id, signedInAt: row.signed_in_at.getTime() }, accesses),
      currentId: session.id,
    }),
    userAgent: row.user_agent,
  }))
  return {
    madeAt: new Date(api.services.now()).toISOString(),
    user: { id: account.userId, email: identity?.email ?? null, name: identity?.name ?? null },
    profile,
    preferences,
    security,
    sessions,
    auditorAccesses: (await accessesTo(api.db, account.userId)).map(auditEventView),
    mails: await mailsTo(api.db, account.userId),
  }
}

/** Events may be many: they are written as they are read. */
async function* archiveParts(api: Api, userId: string, head: object): AsyncGenerator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"events":[`
  const open = openEvent(api.services.vault)
  let separator = '\n'
  for await (const stored of api.store.read(streamOf(userId))) {
    const event = await open(stored)
    if (event === null) continue
    const personal = event.personal === 'erased' ? null : event.personal
    yield `${separator}${JSON.stringify({ ...auditEventView(auditRowOf(event)), personal })}`
    separator = ',\n'
  }
  yield '\n]}\n'
}
