import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import type * as StreamsTypes from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import { type handleClientStreamingCall, type sendUnaryData, status } from '@grpc/grpc-js'
import { grpcError, notLeader, streamDeleted, tooLarge } from './errors.ts'
import type { Expected, ProposedEvent } from './log.ts'
import { proposedEvent, streamName } from './messages.ts'
import type { ServerState } from './server.ts'

type Answer = sendUnaryData<StreamsTypes.AppendResp>

/** Streams.Append: the options first, then an event per message, one answer. */
export function appendHandler(
  server: ServerState,
): handleClientStreamingCall<StreamsTypes.AppendReq, StreamsTypes.AppendResp> {
  return (call, answer) => {
    server.count('append')
    let options: StreamsTypes.AppendReq.Options | undefined
    const events: ProposedEvent[] = []
    call.on('data', (request: StreamsTypes.AppendReq) => {
      const message = request.getProposedMessage()
      if (message) events.push(proposedEvent(message))
      else options = request.getOptions()
    })
    call.on('end', async () => {
      // A client that is killed in mid-call ends it too: a moment later it is known that nothing more was meant to come.
      await turn()
      if (call.cancelled) return
      if (options && events.length > 0) await commit(server, options, events, answer)
      else answer(grpcError(status.INVALID_ARGUMENT, 'no options, or no event'))
    })
  }
}

async function commit(
  server: ServerState,
  options: StreamsTypes.AppendReq.Options,
  events: readonly ProposedEvent[],
  answer: Answer,
): Promise<void> {
  const { faults, log, wire } = server
  const fault = faults.takeAppend()
  if (faults.delayMs > 0) await delay(faults.delayMs)
  if (fault === 'dropBefore') return wire.cut()
  if (fault === 'hangBefore') return
  if (fault === 'notLeader') return answer(notLeader('127.0.0.1', server.port()))
  const size = events.reduce(
    (sum, { data, metadata, type }) => sum + data.length + metadata.length + 2 * type.length,
    0,
  )
  if (size > server.maxAppendSize) return answer(tooLarge(server.maxAppendSize))
  const stream = streamName(options.getStreamIdentifier())
  const outcome = log.append(stream, expectedOf(options), events)
  if (fault === 'dropAfter') return wire.cut()
  if (fault === 'hangAfter') return
  if (fault === 'abortedAfter') return answer(grpcError(status.ABORTED, 'Operation timed out'))
  if (outcome.kind === 'deleted') return answer(streamDeleted(stream))
  if (outcome.kind === 'wrongVersion') return answer(null, wrongVersion(options, outcome.actual))
  // What a real server may do for a repeat, this one does always.
  const position = outcome.kind === 'repeated' || fault === 'noPosition' ? undefined : outcome.position
  answer(null, success(outcome.revision, position))
}

function expectedOf(options: StreamsTypes.AppendReq.Options): Expected {
  if (options.hasRevision()) return BigInt(options.getRevision())
  if (options.hasNoStream()) return 'noStream'
  return options.hasStreamExists() ? 'streamExists' : 'any'
}

function success(revision: bigint, position: bigint | undefined): StreamsTypes.AppendResp {
  const message = new streams.AppendResp.Success().setCurrentRevision(revision.toString())
  if (position === undefined) message.setNoPosition(new shared.Empty())
  else {
    const at = position.toString()
    message.setPosition(new streams.AppendResp.Position().setCommitPosition(at).setPreparePosition(at))
  }
  return new streams.AppendResp().setSuccess(message)
}

/** A conflict is a field of a good answer. */
function wrongVersion(options: StreamsTypes.AppendReq.Options, actual: bigint | 'noStream'): StreamsTypes.AppendResp {
  const wrong = new streams.AppendResp.WrongExpectedVersion()
  if (actual === 'noStream') wrong.setCurrentNoStream(new shared.Empty())
  else wrong.setCurrentRevision(actual.toString())
  const expected = expectedOf(options)
  if (typeof expected === 'bigint') wrong.setExpectedRevision(expected.toString())
  else if (expected === 'noStream') wrong.setExpectedNoStream(new shared.Empty())
  else if (expected === 'streamExists') wrong.setExpectedStreamExists(new shared.Empty())
  else wrong.setExpectedAny(new shared.Empty())
  return new streams.AppendResp().setWrongExpectedVersion(wrong)
}
