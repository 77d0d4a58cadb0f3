import { sql } from '../security/support.ts'
import type { TestServer } from './server.ts'

/** No build gets past its bulk load, however often it is tried again, until the returned function is called. */
export const holdBuilds = async (server: TestServer): Promise<() => Promise<unknown>> => {
  await sql(
    server,
    `create function read.hold() returns trigger language plpgsql as
       $$ begin raise exception 'held' using errcode = '55P03'; end $$;
     create trigger hold before update on read.projections for each row
       when (new.stage = 'building' and new.bulk = 'done') execute function read.hold()`,
  )
  return () => sql(server, 'drop function read.hold cascade')
}
