/** How each event is shown: an icon, and the colour of its code. */
import type { paths } from '../api/schema.ts'

type Query = NonNullable<paths['/v1/me/audit-events']['get']['parameters']['query']>
export type EventCode = NonNullable<Query['code']>[number]

export type EventIcon = 'in' | 'out' | 'failed' | 'locked' | 'shield' | 'key' | 'person' | 'mail' | 'session'
export type EventTone = 'info' | 'warning' | 'danger' | 'success'

interface Look {
  readonly icon: EventIcon
  readonly tone: EventTone
}

const quiet = (icon: EventIcon): Look => ({ icon, tone: 'info' })
const notable = (icon: EventIcon): Look => ({ icon, tone: 'warning' })
const bad = (icon: EventIcon): Look => ({ icon, tone: 'danger' })

/** A code that is missing here does not compile. */
const looks: Readonly<Record<EventCode, Look>> = {
  'user:registered': quiet('person'),
  'user:logged_in': quiet('in'),
  'user:logged_out': quiet('out'),
  'user:login_failed': bad('failed'),
  'user:locked': bad('locked'),
  'user:unlocked': quiet('locked'),
  'user:reauthenticated': quiet('in'),
  'user:reauthentication_failed': bad('failed'),
  'user:compromise_reported': bad('shield'),
  'user:erased': bad('person'),
  'user.password:reset_requested': notable('key'),
  'user.password:changed': notable('key'),
  'user.password:change_failed': bad('failed'),
  'user.password:rehashed': quiet('key'),
  'user.profile:updated': quiet('person'),
  'user.preferences:updated': quiet('person'),
  'user.email:change_requested': notable('mail'),
  'user.email:change_failed': bad('failed'),
  'user.email:change_confirmed': notable('mail'),
  'user.email:changed': notable('mail'),
  'user.email:restored': notable('mail'),
  'user.2fa:enrollment_started': quiet('shield'),
  'user.2fa:enrollment_failed': bad('failed'),
  'user.2fa:enabled': notable('shield'),
  'user.2fa:disabled': notable('shield'),
  'user.2fa:disable_failed': bad('failed'),
  'user.2fa:backup_codes_generated': notable('shield'),
  'user.2fa:backup_code_used': notable('shield'),
  'user.session:revoked': notable('session'),
  'user.session:others_revoked': notable('session'),
  'user.session:ended': quiet('session'),
  'user.session:expired': quiet('session'),
  'audit:accessed': notable('person'),
  'audit:exported': notable('person'),
}

export const eventCodes: readonly EventCode[] = Object.keys(looks) as EventCode[]

/** A newer server may know codes that this page does not. Failures are red whatever their code. */
export const lookOf = (code: string, outcome: 'success' | 'failure'): Look => {
  // Those of auditors are told with the account's own, and cannot be filtered for.
  const other = quiet(code.startsWith('audit:') ? 'person' : 'session')
  const look = Object.hasOwn(looks, code) ? looks[code as EventCode] : other
  return outcome === 'failure' ? { ...look, tone: 'danger' } : look
}
