import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type * as StreamsTypes from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import { type handleServerStreamingCall, type ServerWritableStream, status } from '@grpc/grpc-js'
import { accessDenied, grpcError, invalidPosition, streamDeleted } from './errors.ts'
import type { LoggedEvent } from './log.ts'
import { eventMessage, streamName, streamNotFound } from './messages.ts'
import type { ServerState } from './server.ts'
import { subscribe } from './subscribe.ts'

export type ReadCall = ServerWritableStream<StreamsTypes.ReadReq, StreamsTypes.ReadResp>

/** Streams.Read: a read of a stream or of $all, or a subscription to $all. */
export function readHandler(
  server: ServerState,
): handleServerStreamingCall<StreamsTypes.ReadReq, StreamsTypes.ReadResp> {
  return (call) => {
    const options = call.request.getOptions()
    if (!options) return void call.emit('error', grpcError(status.INVALID_ARGUMENT, 'no options'))
    const isSubscription = options.hasSubscription()
    server.count(isSubscription ? 'subscribe' : options.hasAll() ? 'readAll' : 'readStream')
    const place = options.getAll()?.getPosition()
    if (place && !server.log.isRecord(BigInt(place.getCommitPosition()))) {
      return void call.emit('error', invalidPosition())
    }
    if (call.metadata.get('requires-leader')[0] !== 'true') server.count('not from the leader')
    if (isSubscription && options.getAll()?.hasStart()) server.count('subscribe from the start')
    if (isSubscription) subscribe(server, call, options)
    else void read(server, call, options)
  }
}

async function read(server: ServerState, call: ReadCall, options: StreamsTypes.ReadReq.Options): Promise<void> {
  const { faults, log } = server
  const fault = faults.takeRead()
  if (faults.delayMs > 0) await delay(faults.delayMs)
  if (fault === 'hang') return
  if (fault === 'unavailable') return void call.emit('error', grpcError(status.UNAVAILABLE, 'Server Is Not Ready'))
  if (fault === 'accessDenied') return void call.emit('error', accessDenied())
  const name = options.hasStream() ? streamName(options.getStream()?.getStreamIdentifier()) : undefined
  if (name !== undefined && log.isDeleted(name)) return void call.emit('error', streamDeleted(name))
  const events = name === undefined ? fromAll(server, options) : fromStream(server, options, name)
  if (!events) {
    call.write(streamNotFound(name ?? ''))
    return void call.end()
  }
  const found = events.slice(0, Math.min(events.length, Number(options.getCount())))
  for (const [i, event] of found.entries()) {
    if (call.cancelled) return
    if (fault === 'cutInMidBatch' && i === Math.floor(found.length / 2)) return server.wire.cut()
    if (!call.write(eventMessage(event, { withPosition: fault !== 'noPosition' }))) await drained(call)
  }
  call.end()
}

/** Resolves when the call takes more, or is over. */
export async function drained(call: ReadCall): Promise<void> {
  const over = new AbortController()
  const { signal } = over
  try {
    await Promise.race(['drain', 'cancelled', 'close'].map((event) => once(call, event, { signal })))
  } finally {
    over.abort()
  }
}

function isBackwards(options: StreamsTypes.ReadReq.Options): boolean {
  return options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS
}

/** From the revision, inclusive in both directions. */
function fromStream(
  { log }: ServerState,
  options: StreamsTypes.ReadReq.Options,
  name: string,
): readonly LoggedEvent[] | undefined {
  const events = log.stream(name)
  const from = options.getStream()
  if (!events || !from) return undefined
  if (isBackwards(options)) {
    const last = from.hasEnd() ? events.length - 1 : from.hasStart() ? 0 : Number(from.getRevision())
    return events.slice(0, last + 1).reverse()
  }
  return from.hasEnd() ? [] : events.slice(from.hasStart() ? 0 : Number(from.getRevision()))
}

/** Forwards from the position, inclusive; backwards from before it. */
function fromAll({ log }: ServerState, options: StreamsTypes.ReadReq.Options): readonly LoggedEvent[] {
  const from = options.getAll()
  const position = BigInt(from?.getPosition()?.getCommitPosition() ?? 0)
  const at = from?.hasStart() ? 0 : from?.hasEnd() ? log.all.length : log.indexAfter(position - 1n)
  if (!isBackwards(options)) return log.all.slice(at)
  const count = Math.min(at, Number(options.getCount()))
  return log.all.slice(at - count, at).reverse()
}
