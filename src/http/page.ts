import { z } from 'zod'
import { type AuthResults, type Endpoint, endpointsFor } from './endpoint.ts'
import { Problem } from './problem.ts'

/** The built web page as files of known names. */
export interface Page {
  /**
   * `index.html` or `assets/<name>`, in the best encoding that `acceptEncoding` takes. Undefined: there is no such file,
   * or no page at all. Waits while the page is being built.
   */
  file(name: string, acceptEncoding: string | undefined): Promise<PageFile | undefined>
}

export interface PageFile {
  readonly type: string
  readonly data: Buffer
  readonly encoding: 'br' | 'gzip' | undefined
}

/** The addresses that the page's own router knows (web/src/router.ts; test/http/page.test.ts compares the two). */
export const pagePaths = [
  '/',
  '/sign-in',
  '/second-factor',
  '/register',
  '/forgot-password',
  '/reset-password',
  '/confirm-email',
  '/profile',
  '/preferences',
  '/formatting',
  '/change-password',
  '/two-factor',
  '/sessions',
  '/audit-log',
] as const

/**
 * The Security page: one document for all its addresses, which must never be kept, and files named by a hash of their
 * content, which may be kept for ever. They are no part of the API, so the OpenAPI document does not list them.
 */
export function pageEndpoints<Auth extends AuthResults>(page: Page): readonly Endpoint<Auth>[] {
  const endpoint = endpointsFor<Auth>()
  const answer = async (
    name: string,
    acceptEncoding: string | undefined,
    headers: Readonly<Record<string, string>>,
  ) => {
    const file = await page.file(name, acceptEncoding)
    if (file === undefined) throw new Problem(404, 'not-found')
    const encoding: Readonly<Record<string, string>> =
      file.encoding === undefined ? {} : { 'Content-Encoding': file.encoding }
    return {
      status: 200 as const,
      headers: { ...headers, Vary: 'Accept-Encoding', ...encoding },
      content: { type: file.type, data: file.data },
    }
  }
  const shared = { method: 'GET', tag: 'Page', auth: 'none', problems: { 404: ['not-found'] } } as const

  const documents = pagePaths.map((path) =>
    withAnyQuery(
      endpoint({
        ...shared,
        path,
        summary: 'The Security page',
        responses: { 200: { description: 'A page', mediaTypes: ['text/html'] } },
        handler: ({ request }) => answer('index.html', request.header('Accept-Encoding'), documentHeaders),
      }),
    ),
  )
  const asset = endpoint({
    ...shared,
    path: '/assets/{name}',
    summary: 'A part of the Security page',
    params: z.strictObject({ name: z.string() }),
    responses: { 200: { description: 'A script, style sheet or picture', mediaTypes: ['*/*'] } },
    handler: ({ params, request }) => answer(`assets/${params.name}`, request.header('Accept-Encoding'), assetHeaders),
  })
  return [...documents, asset]
}

/** What stands behind the question mark is for the page's script (filters), or for nobody (who mails a link may add to it). */
function withAnyQuery<Auth extends AuthResults>(endpoint: Endpoint<Auth>): Endpoint<Auth> {
  return { ...endpoint, run: (input, auth) => endpoint.run({ ...input, query: '' }, auth) }
}

/** Nothing from anywhere else, and nothing inline: what is injected into the document does not run and cannot call home. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';')

const documentHeaders = { 'Cache-Control': 'no-cache', 'Content-Security-Policy': policy }
const assetHeaders = { 'Cache-Control': 'public, max-age=31536000, immutable' }
