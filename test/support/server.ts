/** A whole Strongroom on a database of its own, in this process, reached over real HTTP. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { type Overrides, start } from '../../src/main.ts'
import type { PostgresConnection } from '../../src/platform/postgres.ts'
import { type EventStoreDbFixture, startEventStoreDbFixture } from '../event-store/eventstoredb/server.ts'
import { Browser } from './browser.ts'
import { expectDocumented, type OpenApi } from './documented.ts'
import { testLogKeyFile } from './log-key.ts'
import { createDatabase } from './postgres.ts'

export interface ServerOptions extends Overrides {
  readonly env?: Readonly<Record<string, string>>
  /** A database that is there already: a second node beside another one. */
  readonly database?: TestDatabase
}

export interface TestDatabase {
  readonly connection: PostgresConnection
  /** The EventStoreDB that holds the events; where it is left out the database does. */
  readonly eventStore?: Pick<EventStoreDbFixture, 'connectionString' | 'log'>
  drop(): Promise<void>
}

export interface TestServer {
  readonly url: string
  readonly database: TestDatabase
  /** A client with its own cookies and user agent. Every answer it gets must be as the OpenAPI document says. */
  browser(headers?: Readonly<Record<string, string>>): Browser
  stop(): Promise<void>
}

export const TEST_MASTER_KEY = Buffer.alloc(32, 7).toString('base64')

/** Cheap hashes, and keys that several nodes share. */
export const DEFAULTS = {
  NODE_ENV: 'test',
  PORT: '0',
  SCRYPT_LOG_N: '10',
  SCRYPT_P: '1',
  LOG_LEVEL: 'silent',
  // All tests of a server come from one address.
  LOGIN_PER_ADDRESS_PER_MINUTE: '1000000',
  MASTER_KEY: TEST_MASTER_KEY,
  LOG_SIGNING_KEY_FILE: testLogKeyFile(),
  PUBLIC_URL: 'http://localhost:3000',
}

export const startServer = async ({ env = {}, database, ...overrides }: ServerOptions = {}): Promise<TestServer> => {
  const own = database ?? (await createStores())
  const dataDir = await mkdtemp(join(tmpdir(), 'strongroom-test-'))
  const config = readConfig({
    ...DEFAULTS,
    DATA_DIR: dataDir,
    DATABASE_URL: urlOf(own.connection),
    ...storeOf(own),
    ...env,
  })
  const running = await start(config, { checkAnswers: true, ...overrides })
  const document = await documentOf(running.url)
  return {
    url: running.url,
    database: own,
    browser: (headers) => new Browser(running.url, headers, (answered) => expectDocumented(document, answered)),
    async stop() {
      await running.stop()
      if (database === undefined) await own.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Where vitest.eventstoredb.config.ts runs the tests, every database has an EventStoreDB beside it, for the events. */
const createStores = async (): Promise<TestDatabase> => {
  const database = await createDatabase()
  if (process.env.STRONGROOM_TEST_STORE !== 'eventstoredb') return database
  const eventStore = await startEventStoreDbFixture()
  return {
    connection: database.connection,
    eventStore,
    async drop() {
      await eventStore.stop()
      await database.drop()
    },
  }
}

const storeOf = ({ eventStore }: TestDatabase): Readonly<Record<string, string>> =>
  eventStore === undefined ? {} : { EVENT_STORE_URL: eventStore.connectionString }

const documentOf = async (url: string): Promise<OpenApi> => {
  const response = await fetch(`${url}/openapi.json`)
  if (response.status !== 200) throw new Error(`/openapi.json answers ${response.status}: ${await response.text()}`)
  return (await response.json()) as OpenApi
}

export const urlOf = (connection: PostgresConnection): string => {
  if ('connectionString' in connection) return connection.connectionString
  const { host, user, database, port } = connection
  return `postgres://${encodeURIComponent(user)}@${encodeURIComponent(host)}:${port ?? 5432}/${encodeURIComponent(database)}`
}

let counter = 0

/** An address that no other test uses. */
export const someEmail = (): string => `person-${process.pid}-${Date.now()}-${counter++}@example.com`

export const PASSWORD = 'seven purple lanterns hum'
