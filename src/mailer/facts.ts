/** When something happened, from where and with what: so that the owner can tell whether it was them. */
import type { AccountEvent, Personal } from '../account/events.ts'
import { countryOf, timeOf } from './wording.ts'

export type Facts = readonly (readonly [name: string, value: string])[]

export const factsOf = ({ metadata }: AccountEvent, personal: Personal | null): Facts => {
  const time = ['Time', timeOf(new Date(metadata.occurredAt))] as const
  const { client, actor } = metadata
  // Where an operator sits is nobody's business.
  if (actor.kind === 'operator') return [time, ['By', 'an operator']]
  if (client === null) return [time]
  const place = [personal?.city, client.country === null ? null : countryOf(client.country)].filter(isKnown)
  return [
    time,
    ['Device', client.deviceType === 'bot' ? 'a program' : client.deviceType],
    ['Browser', versioned(client.browser)],
    ['Operating system', versioned(client.os)],
    ['Location', place.length === 0 ? UNKNOWN : `${place.join(', ')} (by the IP address)`],
    ['IP address', personal?.ip ?? UNKNOWN],
  ]
}

const UNKNOWN = 'not known'

const isKnown = (part: string | null | undefined): part is string => part !== null && part !== undefined && part !== ''

/** The header they come from is the client's to choose: nothing that could be a sentence, or a link. */
const versioned = ({ name, version }: { readonly name: string | null; readonly version: string | null }): string => {
  if (name === null || !/^[\w +-]{1,40}$/.test(name)) return UNKNOWN
  const [number] = /^\d{1,6}(\.\d{1,6})?/.exec(version ?? '') ?? []
  return number === undefined ? name : `${name} ${number}`
}
