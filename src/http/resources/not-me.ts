/** "This was not me": where the link in a notice leads. */
import { z } from 'zod'
import { reportCompromise } from '../../commands/report-compromise.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { contextOf, settle } from './commands.ts'
import { commandHeaders, consistencyOf } from './consistency.ts'
import { notMePage, notMePolicy, notMeScript } from './not-me-page.ts'
import { linkTokenSchema } from './schemas.ts'

const tag = 'Signing in'

export const notMeEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'GET',
    path: '/v1/auth/not-me',
    summary: 'The page that the link in a notice opens',
    description:
      'It says what will happen and has a button that sends the POST. Opening it changes nothing, for programs open links in mail too; it is the same page for every token.',
    tag,
    auth: 'none',
    query: z.strictObject({ token: linkTokenSchema }),
    responses: { 200: { description: 'A page', mediaTypes: ['text/html'] } },
    handler: () => ({
      status: 200,
      headers: { 'Content-Security-Policy': notMePolicy },
      content: { type: 'text/html; charset=utf-8', data: notMePage },
    }),
  }),

  endpoint({
    method: 'GET',
    path: '/v1/auth/not-me/page.js',
    summary: 'The script of that page',
    tag,
    auth: 'none',
    responses: { 200: { description: 'A script', mediaTypes: ['text/javascript'] } },
    handler: () => ({
      status: 200,
      headers: { 'Cache-Control': 'public, max-age=300' },
      content: { type: 'text/javascript; charset=utf-8', data: notMeScript },
    }),
  }),

  endpoint({
    method: 'POST',
    path: '/v1/auth/not-me',
    summary: 'Say that what the notice tells of was somebody else',
    description:
      'Ends every session, shuts sign-in by password until it is reset, and mails a link for that to the owner.',
    tag,
    auth: 'none',
    body: z.strictObject({ token: linkTokenSchema }),
    responses: { 204: { description: 'Done', headers: commandHeaders } },
    problems: { 410: ['token-invalid'], 429: ['too-many-requests'], 503: ['store-unavailable', 'overloaded'] },
    async handler({ body, request }) {
      await api.addressLimits.consume(request.address)
      const result = await reportCompromise(api.services, body.token, await contextOf(api, request))
      const { position } = settle(api, result, () => ({ status: 204, body: null, secret: false }))
      return { status: 204, ...consistencyOf(api, position) }
    },
  }),
]
