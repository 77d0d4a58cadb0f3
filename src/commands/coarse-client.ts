/** The part of a client's context that identifies nobody, as events keep it open. */
import type { CoarseClient } from '../account/events.ts'
import type { ClientContext } from '../client-context/client-context.ts'

export const coarseClientOf = (client: ClientContext | null): CoarseClient | null =>
  client === null
    ? null
    : {
        country: client.location?.country ?? null,
        deviceType: client.device.type,
        browser: { ...client.browser },
        os: { ...client.os },
        geoVersion: client.geoVersion,
        uaVersion: client.uaVersion,
      }
