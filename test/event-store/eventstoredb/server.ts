import { randomUUID } from 'node:crypto'
import { GossipService, type IGossipServer } from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import gossip from '@eventstore/db-client/generated/gossip_pb.js'
import {
  type IServerFeaturesServer,
  ServerFeaturesService,
} from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import { type IStreamsServer, StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js'
import type * as StreamsTypes from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import { type handleUnaryCall, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { appendHandler } from './append.ts'
import { asking } from './authentication.ts'
import { openLogFile } from './disk.ts'
import { grpcError, streamDeleted } from './errors.ts'
import { Faults } from './faults.ts'
import { Log } from './log.ts'
import { streamName, uuid } from './messages.ts'
import { readHandler } from './read.ts'
import { Wire } from './wire.ts'

/** What the handlers share. */
export interface ServerState {
  readonly log: Log
  readonly faults: Faults
  readonly wire: Wire
  readonly maxAppendSize: number
  port(): number
  /** Port of the node that gossip names as the leader. */
  leader(): number
  count(call: string): void
}

export interface FixtureOptions {
  /** 0, the default: any. */
  readonly port?: number
  /** Keeps the log there, so that a restart finds it again. */
  readonly file?: string
  readonly maxAppendSize?: number
  /** PEM. Where it is left out the server speaks plain text. */
  readonly tls?: { readonly key: string; readonly certificate: string }
  /** Password by name. Where it is left out anybody may do anything. */
  readonly users?: Readonly<Record<string, string>>
}

/** A server of EventStoreDB's gRPC protocol for tests, in this process: as much of it as Strongroom uses. */
export interface EventStoreDbFixture {
  readonly connectionString: string
  readonly port: number
  readonly log: Log
  readonly faults: Faults
  readonly wire: Wire
  /** How often each call was made. */
  readonly calls: ReadonlyMap<string, number>
  /** From now on gossip names the node at this port as the leader, and this one as a follower of it. */
  follow(leaderPort: number): void
  /** Writes an event of the server's own, such as every real one has in $all. */
  writeSystemEvent(): void
  stop(): Promise<void>
}

const MAX_APPEND_SIZE = 1_048_576
/** As the client has it for what it receives: events of up to 16 MB may be in a log. */
const MAX_MESSAGE_SIZE = 17 * 1_048_576

export async function startEventStoreDbFixture(options: FixtureOptions = {}): Promise<EventStoreDbFixture> {
  const { port: wanted = 0, file, maxAppendSize = MAX_APPEND_SIZE, tls, users } = options
  const log = file === undefined ? new Log() : openLogFile(file)
  const calls = new Map<string, number>()
  const grpc = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_SIZE,
    interceptors: users === undefined ? [] : [asking(users)],
  })
  const wire = new Wire(await bind(grpc, tls))
  const faults = new Faults()
  const count = (call: string) => void calls.set(call, (calls.get(call) ?? 0) + 1)
  const port = await wire.listen(wanted)
  let leader = port
  const state: ServerState = { log, faults, wire, maxAppendSize, count, port: () => port, leader: () => leader }
  grpc.addService(StreamsService, streamsService(state))
  grpc.addService(ServerFeaturesService, featuresService(state))
  grpc.addService(GossipService, gossipService(state))
  return {
    connectionString: `esdb://127.0.0.1:${port}?tls=${tls !== undefined}`,
    port,
    log,
    faults,
    wire,
    calls,
    follow: (leaderPort) => {
      leader = leaderPort
    },
    writeSystemEvent: () => {
      const json = Buffer.from('{}')
      const event = { id: randomUUID(), type: '$statsCollected', contentType: 'application/json' }
      log.append('$stats-127.0.0.1:2113', 'any', [{ ...event, data: json, metadata: json }])
    },
    stop: async () => {
      await wire.goAway()
      grpc.forceShutdown()
    },
  }
}

function bind(grpc: Server, tls: FixtureOptions['tls']): Promise<number> {
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [
          { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) },
        ])
  return new Promise((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', credentials, (error, port) => {
      if (error) reject(error)
      else resolve(port)
    })
  })
}

function streamsService(state: ServerState): IStreamsServer {
  return {
    read: readHandler(state),
    append: appendHandler(state),
    // The adapter must not use it (see there): a client that does finds out at once.
    batchAppend: (call) => {
      state.count('batchAppend')
      call.emit('error', grpcError(status.UNIMPLEMENTED, 'the fixture has no BatchAppend'))
    },
    delete: (_call, answer) => answer(grpcError(status.UNIMPLEMENTED, 'the fixture has no soft delete')),
    tombstone: tombstoneHandler(state),
  }
}

function tombstoneHandler(state: ServerState): handleUnaryCall<StreamsTypes.TombstoneReq, StreamsTypes.TombstoneResp> {
  return (call, answer) => {
    const name = streamName(call.request.getOptions()?.getStreamIdentifier())
    if (state.log.isDeleted(name)) return answer(streamDeleted(name))
    state.log.tombstone(name)
    answer(null, new streams.TombstoneResp())
  }
}

function featuresService(state: ServerState): IServerFeaturesServer {
  return {
    getSupportedMethods: (_call, answer) => {
      state.count('getSupportedMethods')
      answer(grpcError(status.UNIMPLEMENTED, 'the fixture does not say what it supports'))
    },
  }
}

/** The node itself, reached through the wire, and the one that it follows, where it does. */
function gossipService(state: ServerState): IGossipServer {
  return {
    read: (_call, answer) => {
      state.count('gossip')
      const { LEADER, FOLLOWER } = gossip.MemberInfo.VNodeState
      const cluster = new gossip.ClusterInfo()
      for (const port of new Set([state.port(), state.leader()])) {
        const member = new gossip.MemberInfo()
          .setInstanceId(uuid(randomUUID()))
          .setTimeStamp(String(Date.now()))
          .setState(port === state.leader() ? LEADER : FOLLOWER)
          .setIsAlive(true)
          .setHttpEndPoint(new gossip.EndPoint().setAddress('127.0.0.1').setPort(port))
        cluster.addMembers(member)
      }
      answer(null, cluster)
    },
  }
}
