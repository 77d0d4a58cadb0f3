import type * as SharedTypes from '@eventstore/db-client/generated/shared_pb.js'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import type * as StreamsTypes from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import type { LoggedEvent, ProposedEvent } from './log.ts'

/** What a server sends for a position that it does not know. */
const NO_POSITION = String(2n ** 64n - 1n)

export function streamName(identifier: SharedTypes.StreamIdentifier | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8')
}

export function streamIdentifier(name: string): SharedTypes.StreamIdentifier {
  return new shared.StreamIdentifier().setStreamName(Buffer.from(name, 'utf8'))
}

/** Ids travel as text or as two signed 64-bit integers. */
export function uuidText(uuid: SharedTypes.UUID | undefined): string {
  const structured = uuid?.getStructured()
  if (!structured) return (uuid?.getString() ?? '').toLowerCase()
  const halves = [structured.getMostSignificantBits(), structured.getLeastSignificantBits()]
  const hex = halves.map((half) => BigInt.asUintN(64, BigInt(half)).toString(16).padStart(16, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

export function uuid(text: string): SharedTypes.UUID {
  return new shared.UUID().setString(text)
}

export function proposedEvent(message: StreamsTypes.AppendReq.ProposedMessage): ProposedEvent {
  return {
    id: uuidText(message.getId()),
    type: message.getMetadataMap().get('type') ?? '',
    contentType: message.getMetadataMap().get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  }
}

export function eventMessage(event: LoggedEvent, options: { withPosition: boolean }): StreamsTypes.ReadResp {
  const position = options.withPosition ? event.position.toString() : NO_POSITION
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(uuid(event.id))
    .setStreamIdentifier(streamIdentifier(event.stream))
    .setStreamRevision(event.revision.toString())
    .setCommitPosition(position)
    .setPreparePosition(position)
    .setCustomMetadata(event.metadata)
    .setData(event.data)
  recorded.getMetadataMap().set('type', event.type)
  recorded.getMetadataMap().set('content-type', event.contentType)
  recorded.getMetadataMap().set('created', event.created.toString())
  const read = new streams.ReadResp.ReadEvent().setEvent(recorded)
  if (options.withPosition) read.setCommitPosition(position)
  else read.setNoPosition(new shared.Empty())
  return new streams.ReadResp().setEvent(read)
}

export function streamNotFound(name: string): StreamsTypes.ReadResp {
  const missing = new streams.ReadResp.StreamNotFound().setStreamIdentifier(streamIdentifier(name))
  return new streams.ReadResp().setStreamNotFound(missing)
}

export function confirmation(id: string): StreamsTypes.ReadResp {
  return new streams.ReadResp().setConfirmation(new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(id))
}

export function checkpoint(position: bigint): StreamsTypes.ReadResp {
  const at = position.toString()
  return new streams.ReadResp().setCheckpoint(
    new streams.ReadResp.Checkpoint().setCommitPosition(at).setPreparePosition(at),
  )
}

export function caughtUp(): StreamsTypes.ReadResp {
  return new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp())
}
