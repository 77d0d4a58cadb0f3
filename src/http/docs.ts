import { createReadStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Authenticators } from './authenticator.ts'
import { type AuthResults, type Endpoint, endpointsFor } from './endpoint.ts'
import { openApiDocument } from './openapi.ts'
import { Problem } from './problem.ts'
import { isProblemCode, type ProblemCode, problemCodes, problemDefinition } from './problem-codes.ts'

export interface Documented<Auth extends AuthResults> {
  readonly endpoints: readonly Endpoint<Auth>[]
  readonly authenticators: Authenticators<Auth>
  readonly version: string
}

/** /openapi.json, /docs (RapiDoc, from our own host) and /problems/<code>. They describe themselves too. */
export function documentationEndpoints<Auth extends AuthResults>(api: Documented<Auth>): readonly Endpoint<Auth>[] {
  const endpoint = endpointsFor<Auth>()
  const tag = 'Documentation'

  const document = endpoint({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document',
    tag,
    auth: 'none',
    responses: { 200: { description: 'OpenAPI 3.1', mediaTypes: ['application/json'] } },
    handler: () => ({ status: 200, content: { type: 'application/json', data: documentText() } }),
  })
  const page = endpoint({
    method: 'GET',
    path: '/docs',
    summary: 'This document to read and to try',
    tag,
    auth: 'none',
    responses: { 200: { description: 'A page', mediaTypes: ['text/html'] } },
    handler: () => ({
      status: 200,
      headers: { 'Content-Security-Policy': docsPolicy },
      content: { type: htmlMediaType, data: docsPage },
    }),
  })
  const script = endpoint({
    method: 'GET',
    path: '/docs/rapidoc.js',
    summary: 'The script of /docs',
    tag,
    auth: 'none',
    responses: { 200: { description: 'A script', mediaTypes: ['text/javascript'] } },
    handler: () => ({
      status: 200,
      headers: { 'Cache-Control': 'public, max-age=3600' },
      content: { type: 'text/javascript; charset=utf-8', data: createReadStream(rapidocFile()) },
    }),
  })
  const problem = endpoint({
    method: 'GET',
    path: '/problems/{code}',
    summary: 'What an error code means',
    tag,
    auth: 'none',
    params: z.strictObject({ code: z.string().meta({ example: 'not-found' }) }),
    responses: { 200: { description: 'A page', mediaTypes: ['text/html'] } },
    problems: { 404: ['not-found'] },
    handler: ({ params }) => {
      if (!isProblemCode(params.code)) throw new Problem(404, 'not-found')
      return { status: 200, content: { type: htmlMediaType, data: problemPage(params.code) } }
    },
  })

  const own = [document, page, script, problem]
  let text: string | undefined
  function documentText(): string {
    text ??= JSON.stringify(openApiDocument({ ...api, endpoints: [...api.endpoints, ...own] }))
    return text
  }
  return own
}

const htmlMediaType = 'text/html; charset=utf-8'

/** RapiDoc sets style attributes, so inline styles have to pass; scripts and connections are ours alone. */
const docsPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';')

const docsPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Strongroom API</title>
<script type="module" src="/docs/rapidoc.js"></script>
<rapi-doc spec-url="/openapi.json" render-style="read" load-fonts="false" show-header="false"
  allow-authentication="true" allow-server-selection="false" fetch-credentials="same-origin"></rapi-doc>
</html>
`

function rapidocFile(): string {
  return fileURLToPath(import.meta.resolve('rapidoc/dist/rapidoc-min.js'))
}

/** Texts of our own table: nothing in them needs escaping. */
function problemPage(code: ProblemCode): string {
  const { title, detail, statuses } = problemDefinition(code)
  const others = Object.keys(problemCodes)
    .map((other) => `<li><a href="/problems/${other}">${other}</a></li>`)
    .join('\n')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<h1>${title}</h1>
<p>Code <code>${code}</code>, status ${statuses.join(' or ')}.</p>
<p>${detail}</p>
<h2>All codes</h2>
<ul>
${others}
</ul>
</html>
`
}
