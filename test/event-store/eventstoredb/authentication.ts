import { type Metadata, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import { accessDenied, grpcError } from './errors.ts'

/** Discovery comes without credentials, and a server with its defaults answers it all the same. */
const OPEN = /Gossip/

/** Lets in whoever has a user's password: wrong ones are UNAUTHENTICATED, none is PERMISSION_DENIED. */
export function asking(users: Readonly<Record<string, string>>): ServerInterceptor {
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const refusal = OPEN.test(path) ? undefined : refusalOf(metadata, users)
            if (refusal === undefined) pass(metadata)
            else call.sendStatus({ code: refusal.code, details: refusal.details, metadata: refusal.metadata })
          },
        }),
    })
}

function refusalOf(metadata: Metadata, users: Readonly<Record<string, string>>) {
  const [header] = metadata.get('authorization')
  if (header === undefined) return accessDenied()
  // Only the name must not hold a colon.
  const [, name = '', password] = /^([^:]*):(.*)$/.exec(decoded(String(header))) ?? []
  if (password !== undefined && users[name] === password) return undefined
  return grpcError(status.UNAUTHENTICATED, 'Not Authenticated')
}

function decoded(header: string): string {
  return Buffer.from(header.replace(/^Basic /, ''), 'base64').toString('utf8')
}
