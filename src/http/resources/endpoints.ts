/** All resources of the API. */
import type { Api, ApiEndpoint } from './api.ts'
import { auditEventEndpoints } from './audit-events.ts'
import { meEndpoints } from './me.ts'
import { passwordEndpoints } from './password.ts'
import { sessionEndpoints } from './sessions.ts'
import { signInEndpoints } from './sign-in.ts'

export const apiEndpoints = (api: Api): readonly ApiEndpoint[] => [
  ...signInEndpoints(api),
  ...meEndpoints(api),
  ...passwordEndpoints(api),
  ...sessionEndpoints(api),
  ...auditEventEndpoints(api),
]
