/** Cursors: positions of the log, authenticated, and bound to the list and the user they were given for. */
import { z } from 'zod'
import type { Authenticated } from '../../commands/authenticate.ts'
import { invalidRequest } from '../problem.ts'
import { integerParameter } from '../query.ts'
import type { Api } from './api.ts'

export const cursorParameter = z.string().optional().meta({ description: '`nextCursor` of the page before' })
export const limitParameter = integerParameter({ min: 1, max: 200 }).default(50).meta({ description: 'Items a page' })

const purposeOf = (list: string, { account }: Authenticated): string => `cursor ${list} ${account.userId}`

export const sealCursor = ({ sealer }: Api, list: string, who: Authenticated, position: string): string =>
  sealer.seal(purposeOf(list, who), position)

/** null: the first page. Throws Problem 400 for a cursor that this list did not give to this user. */
export const openCursor = (
  { sealer }: Api,
  list: string,
  who: Authenticated,
  cursor: string | undefined,
): string | null => {
  if (cursor === undefined) return null
  const position = sealer.open(purposeOf(list, who), cursor)
  if (position !== null) return position
  throw invalidRequest({ pointer: '#/query/cursor', code: 'invalid', detail: 'This is not a cursor of this list.' })
}
