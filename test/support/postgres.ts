import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import type { PostgresConnection } from '../../src/platform/postgres.ts'

export interface TestDatabase {
  readonly connection: PostgresConnection
  /** Ends every connection to it and deletes it. */
  drop(): Promise<void>
}

/** A fresh UTF-8 database on the PostgreSQL of this test run: empty, or a copy of another, which nobody may be using. */
export async function createDatabase(copied?: TestDatabase): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const template = copied && 'database' in copied.connection ? `template ${copied.connection.database}` : ''
  await runOnServer(`create database ${name} ${template}`)
  return {
    connection: { ...inject('postgresServer'), database: name },
    drop: () => runOnServer(`drop database if exists ${name} with (force)`),
  }
}

async function runOnServer(statement: string): Promise<void> {
  const client = new pg.Client({ ...inject('postgresServer'), database: 'postgres' })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
