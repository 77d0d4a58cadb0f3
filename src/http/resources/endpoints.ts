/** All resources of the API. */
import { adminEndpoints } from './admin.ts'
import type { Api, ApiEndpoint } from './api.ts'
import { asOfEndpoints } from './as-of.ts'
import { auditEventEndpoints } from './audit-events.ts'
import { auditLogEndpoints } from './audit-log.ts'
import { auditorEndpoints } from './auditors.ts'
import { emailEndpoints } from './email.ts'
import { eventTypeEndpoints } from './event-types.ts'
import { eventEndpoints } from './events.ts'
import { meEndpoints } from './me.ts'
import { myEventEndpoints } from './my-events.ts'
import { myExportEndpoints } from './my-exports.ts'
import { notMeEndpoints } from './not-me.ts'
import { passwordEndpoints } from './password.ts'
import { passwordResetEndpoints } from './password-resets.ts'
import { profileEndpoints } from './profile.ts'
import { projectionEndpoints } from './projections.ts'
import { reauthenticationEndpoints } from './reauthentication.ts'
import { sessionEndpoints } from './sessions.ts'
import { signInEndpoints } from './sign-in.ts'
import { twoFactorEndpoints } from './two-factor.ts'

export const apiEndpoints = (api: Api): readonly ApiEndpoint[] => [
  ...signInEndpoints(api),
  ...reauthenticationEndpoints(api),
  ...passwordResetEndpoints(api),
  ...notMeEndpoints(api),
  ...meEndpoints(api),
  ...passwordEndpoints(api),
  ...twoFactorEndpoints(api),
  ...sessionEndpoints(api),
  ...profileEndpoints(api),
  ...emailEndpoints(api),
  ...auditEventEndpoints(api),
  ...auditLogEndpoints(api),
  ...auditorEndpoints(api),
  ...myExportEndpoints(api),
  ...myEventEndpoints(api),
  ...eventEndpoints(api),
  ...eventTypeEndpoints(),
  ...asOfEndpoints(api),
  ...adminEndpoints(api),
  ...projectionEndpoints(api),
]
