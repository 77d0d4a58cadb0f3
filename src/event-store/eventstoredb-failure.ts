import {
  DecodeError,
  type ExpectedRevision,
  InvalidAppend,
  StoreUnavailable,
  StreamGone,
  WrongExpectedRevision,
} from './port.ts'

/** The store said nothing for too long. The client's own deadlines do not cover reads. */
export class Silence extends Error {
  override readonly name = 'Silence'
  constructor(ms: number) {
    super(`no word from EventStoreDB for ${ms} ms`)
  }
}

/** The client's errors as far as they matter; errors of the connection may come without a `type`, with a gRPC code. */
interface ClientError {
  readonly type?: unknown
  readonly code?: unknown
  readonly details?: unknown
  readonly actualVersion?: unknown
}

/** gRPC status codes (https://grpc.io/docs/guides/status-codes/) with which a server refuses for good. */
const REFUSALS = new Set([
  3 /* INVALID_ARGUMENT */, 7 /* PERMISSION_DENIED */, 12 /* UNIMPLEMENTED */, 16 /* UNAUTHENTICATED */,
])
const REFUSAL_TYPES = new Set(['access-denied', 'invalid-argument', 'unsupported'])

/** The call never left this process, or the server says that it did nothing. */
const NEVER_SENT = /No connection established|Name resolution failed|Failed to discover/

/** What became of an append that failed, as the port has it. Whatever is not known to be harmless is `unknown`. */
export function appendFailure(error: unknown, stream: string, expected: ExpectedRevision): unknown {
  const { type, actualVersion } = asClientError(error)
  if (type === 'wrong-expected-version') {
    return new WrongExpectedRevision(stream, expected, typeof actualVersion === 'bigint' ? actualVersion : 'none')
  }
  if (type === 'maximum-append-size-exceeded') {
    return new InvalidAppend('the append is larger than this server takes (its MaxAppendSize)')
  }
  if (type === 'stream-deleted') return new StreamGone(stream)
  if (error instanceof StoreUnavailable) return new StoreUnavailable('unknown', error.cause)
  if (isRefusal(error)) return error
  const harmless = type === 'not-leader' || (error instanceof Error && NEVER_SENT.test(error.message))
  return new StoreUnavailable(harmless ? 'notCommitted' : 'unknown', error)
}

/** A failed read: the stream is gone, the store is away, or the error itself where the store refuses for good. */
export function readFailure(error: unknown, stream?: string): unknown {
  if (error instanceof StoreUnavailable || error instanceof DecodeError) return error
  if (stream !== undefined && asClientError(error).type === 'stream-deleted') return new StreamGone(stream)
  return isRefusal(error) ? error : new StoreUnavailable('notCommitted', error)
}

/**
 * What servers answer who are to read at a place where no record begins has changed over their versions (UNKNOWN since
 * 23.10: "Trying to read from an invalid position"). `error` is as readFailure has it.
 */
export function isRefusedPosition(error: unknown): boolean {
  const cause = error instanceof StoreUnavailable ? error.cause : error
  const { code } = asClientError(cause)
  // UNKNOWN is also what any other fault of a server looks like, which is gone a moment later.
  if (code === 2 /* UNKNOWN */) return cause instanceof Error && /invalid position/i.test(cause.message)
  return code === 3 /* INVALID_ARGUMENT */ || code === 11 /* OUT_OF_RANGE */
}

export function isMissingStream(error: unknown): boolean {
  return asClientError(error).type === 'stream-not-found'
}

/** Trying again would not help: the server refuses, or there is a bug. */
function isRefusal(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError || !(error instanceof Error)) return true
  const { type, code } = asClientError(error)
  return (typeof code === 'number' && REFUSALS.has(code)) || (typeof type === 'string' && REFUSAL_TYPES.has(type))
}

function asClientError(error: unknown): ClientError {
  return typeof error === 'object' && error !== null ? error : {}
}
