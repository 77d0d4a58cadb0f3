/**
 * Writes web/src/api/schema.ts, the types of the API as the page uses it, from the OpenAPI document, which is made from the very schemas
 * that validate: no server has to run. `--check` writes nothing and fails where the file is not as it would be written.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { program } from 'commander'
import openapiTypeScript, { astToString, type OpenAPI3 } from 'openapi-typescript'
import type { Authenticators } from '../../src/http/authenticator.ts'
import { openApiDocument } from '../../src/http/openapi.ts'
import type { Api, Ways } from '../../src/http/resources/api.ts'
import { apiEndpoints } from '../../src/http/resources/endpoints.ts'

const FILE = new URL('../src/api/schema.ts', import.meta.url)
const HEADER = '// Made from the OpenAPI document by `npm run client -w web`. Do not edit.\n\n'

/** Endpoints are described while they are made; what they do with the API comes with requests, and there are none. */
const nothing = {} as Api

const authenticators: Authenticators<Ways> = {
  session: {
    credential: 'ambient',
    scheme: { type: 'apiKey', in: 'cookie', name: '__Host-session' },
    problems: { 401: ['unauthenticated', 'session-expired', 'session-ended'] },
    authenticate: unreachable,
  },
  token: {
    credential: 'explicit',
    scheme: { type: 'http', scheme: 'bearer' },
    problems: {},
    authenticate: unreachable,
  },
}

function unreachable(): never {
  throw new Error('there are no requests here')
}

const run = async (): Promise<void> => {
  const { check } = program
    .description('Writes the types of the API for the web page.')
    .option('--check', 'write nothing; exit code 1 if the file is out of date')
    .parse()
    .opts<{ check?: boolean }>()
  const endpoints = apiEndpoints(nothing).filter(({ auth }) => auth !== 'token')
  const document = withoutRefusals(openApiDocument({ endpoints, authenticators, version: '1' }))
  const text = HEADER + astToString(await openapiTypeScript(document, { alphabetize: true }))
  if (check !== true) {
    writeFileSync(FILE, text)
  } else if (readFileSync(FILE, 'utf8') !== text) {
    process.stderr.write('web/src/api/schema.ts is out of date: run `npm run client -w web`\n')
    process.exitCode = 1
  }
}

/** Every refusal is a problem (web/src/api/problem.ts): told once, not again with each operation. */
const withoutRefusals = (document: object): OpenAPI3 => {
  const copy = structuredClone(document) as OpenAPI3
  for (const path of Object.values(copy.paths ?? {})) {
    for (const operation of Object.values(path)) {
      if (!isOperation(operation)) continue
      for (const status of Object.keys(operation.responses)) {
        if (Number(status) >= 400) delete operation.responses[status]
      }
    }
  }
  return copy
}

const isOperation = (value: unknown): value is { readonly responses: Record<string, unknown> } =>
  typeof value === 'object' && value !== null && 'responses' in value

await run()
