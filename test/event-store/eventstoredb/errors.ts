import { Metadata, type ServiceError, status } from '@grpc/grpc-js'

/** An error as the server sends it: a gRPC status, and for those of EventStoreDB an `exception` in the trailers. */
export function grpcError(
  code: status,
  details: string,
  trailers: Readonly<Record<string, string>> = {},
): ServiceError {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value)
  return Object.assign(new Error(details), { code, details, metadata })
}

export function streamDeleted(stream: string): ServiceError {
  const trailers = { exception: 'stream-deleted', 'stream-name': Buffer.from(stream).toString('latin1') }
  return grpcError(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, trailers)
}

export function tooLarge(limit: number): ServiceError {
  const trailers = { exception: 'maximum-append-size-exceeded', 'maximum-append-size': String(limit) }
  return grpcError(status.INVALID_ARGUMENT, `Maximum Append Size of ${limit} Exceeded.`, trailers)
}

/** Since 23.10; earlier servers say less, or nothing at all. */
export function invalidPosition(): ServiceError {
  return grpcError(status.UNKNOWN, 'Trying to read from an invalid position.')
}

export function accessDenied(): ServiceError {
  return grpcError(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' })
}

export function notLeader(host: string, port: number): ServiceError {
  const trailers = { exception: 'not-leader', 'leader-endpoint-host': host, 'leader-endpoint-port': String(port) }
  return grpcError(status.NOT_FOUND, `Leader is at ${host}:${port}.`, trailers)
}
