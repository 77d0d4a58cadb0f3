/** What somebody types who cannot scan the code. Defaults are those of the Key URI format and RFC 6238. */
export const manualParameters = (uri: string) => {
  const [, label = '', query = ''] = /^otpauth:\/\/totp\/([^?]*)\??(.*)$/.exec(uri) ?? []
  const parameters = new URLSearchParams(query)
  const [prefix = '', account] = decodeURIComponent(label).split(':')
  return {
    account: (account ?? prefix).trim(),
    issuer: parameters.get('issuer') ?? (account === undefined ? '' : prefix),
    algorithm: parameters.get('algorithm') ?? 'SHA1',
    digits: parameters.get('digits') ?? '6',
    period: parameters.get('period') ?? '30',
  }
}
