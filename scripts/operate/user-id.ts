import { InvalidArgumentError } from 'commander'

/** For commander: the argument, in lower case. */
export const parseUserId = (text: string): string => {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase()
  throw new InvalidArgumentError('It is the UUID of a user.')
}
