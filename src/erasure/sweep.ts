/** What is left of one person once the key is gone: read rows, mails in the folder, and what came late to the vault. */
import { CompiledQuery, type Kysely } from 'kysely'
import { streamOf } from '../accounts/accounts.ts'
import type { EventStore } from '../event-store/port.ts'
import { listMailFiles, removeMailFiles } from '../mailer/mail-files.ts'
import type { Database } from '../platform/database.ts'
import { blankReadRows } from './read-rows.ts'
import { forgetReadStatistics } from './read-statistics.ts'
import { deleteFromVault, type Query } from './vault-rows.ts'

export interface Sweeping {
  readonly db: Kysely<Database>
  readonly store: Pick<EventStore, 'read'>
  readonly mailFolder: string
}

/**
 * Safe to repeat, and to begin anew where it was cut short. The vault first: should a restore have brought the key back,
 * nothing opens any more before anything else is touched.
 */
export const sweep = async ({ db, store, mailFolder }: Sweeping, userId: string): Promise<void> => {
  const query = queryOf(db)
  await deleteFromVault(query, [userId])
  await blankReadRows(query, userId)
  await forgetReadStatistics(query)
  await removeMailsOf(store, mailFolder, userId)
}

/** The names of the files hold event ids, and the stream says whose they are. */
const removeMailsOf = async (store: Sweeping['store'], folder: string, userId: string): Promise<void> => {
  const files = await listMailFiles(folder)
  if (files.size === 0) return
  const theirs: string[] = []
  for await (const { id } of store.read(streamOf(userId))) theirs.push(...(files.get(id) ?? []))
  await removeMailFiles(folder, theirs)
}

const queryOf =
  (db: Kysely<Database>): Query =>
  async <Row>(text: string, values: readonly unknown[]) => {
    const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(text, [...values]))
    return rows
  }
