import { InvalidConnectionString } from './eventstoredb-url.ts'
import { StoreUnavailable } from './port.ts'

/**
 * Why a first connection failed, where that is the connection string's fault: waiting would not help, and the operator
 * has to learn more than that the store is not available. Otherwise the error itself.
 */
export function openingFailure(error: unknown): unknown {
  const cause = error instanceof StoreUnavailable ? error.cause : error
  const text = cause instanceof Error ? cause.message : ''
  const { code } = typeof cause === 'object' && cause !== null && 'code' in cause ? cause : { code: undefined }
  if (code === 16 /* UNAUTHENTICATED */) {
    return new InvalidConnectionString('has a user name and password that the server does not accept')
  }
  if (code === 7 /* PERMISSION_DENIED */) {
    return new InvalidConnectionString('has no user, or one who may not read, and the server refuses that')
  }
  if (/wrong version number/.test(text)) {
    return new InvalidConnectionString('has tls=true, and the server does not speak TLS')
  }
  const [untrusted] =
    /unable to [\w ]*certificate|self.signed[\w ]*|certificate has expired|does not match[^:.]*/i.exec(text) ?? []
  if (untrusted !== undefined) {
    return new InvalidConnectionString(
      `leads to a server whose certificate is not trusted (${untrusted.trim()}); check tlsCAFile and the name of the host`,
    )
  }
  return error
}
