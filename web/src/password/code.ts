import type { CodeMethod } from '../api/types.ts'

/** As the server takes it: people type the blanks that the app shows. */
export const tidyCode = (typed: string): string => typed.replace(/[\s\u00a0]/g, '')

/** Worth sending? The server decides whether it is right. */
export const isWholeCode = (method: CodeMethod, typed: string): boolean =>
  method === 'totp' ? /^\d{6}$/.test(tidyCode(typed)) : tidyCode(typed).length >= 8
