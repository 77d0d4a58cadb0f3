import { randomUUID } from 'node:crypto'
import type * as StreamsTypes from '@eventstore/db-client/generated/streams_pb.js'
import { status } from '@grpc/grpc-js'
import { grpcError } from './errors.ts'
import type { SubscriptionFault } from './faults.ts'
import type { LoggedEvent } from './log.ts'
import { caughtUp, checkpoint, confirmation, eventMessage } from './messages.ts'
import { drained, type ReadCall } from './read.ts'
import type { ServerState } from './server.ts'

/** Where a filter gives no window, the server looks at so many events before it may send a checkpoint. */
const WINDOW = 32

/** A subscription to $all, from behind a position: the past, `caughtUp`, then what is appended. */
export function subscribe(server: ServerState, call: ReadCall, options: StreamsTypes.ReadReq.Options): void {
  const { log, faults } = server
  const matches = matcherOf(options)
  const interval = WINDOW * (options.getFilter()?.getCheckpointintervalmultiplier() ?? 0)
  let next = startOf(server, options)
  let looked = 0
  let live = false
  let frozen = false
  let over = false
  let sending = false

  const send = async () => {
    if (sending) return
    sending = true
    for (let event = log.all[next]; event && !over && !frozen; event = log.all[next]) {
      next += 1
      looked += 1
      let room = true
      if (matches(event)) room = call.write(eventMessage(event, { withPosition: true }))
      if (interval > 0 && looked % interval === 0) room = call.write(checkpoint(event.position)) && room
      if (!room) await drained(call)
    }
    sending = false
    if (over || frozen || live) return
    live = true
    call.write(caughtUp())
  }

  const grown = () => void send()
  const stop = () => {
    over = true
    log.off('appended', grown)
    stopBreaking()
  }
  const stopBreaking = faults.onBreak((fault) => {
    if (fault === 'freeze') {
      frozen = true
      return
    }
    stop()
    breakOff(call, fault)
  })
  log.on('appended', grown)
  for (const end of ['cancelled', 'close', 'error']) call.on(end, stop)
  call.write(confirmation(randomUUID()))
  void send()
}

function breakOff(call: ReadCall, fault: Exclude<SubscriptionFault, 'freeze'>): void {
  if (fault === 'endSilently') call.end()
  else if (fault === 'aborted') call.emit('error', grpcError(status.ABORTED, 'Operation timed out: consumer too slow'))
  else call.emit('error', grpcError(status.UNAVAILABLE, 'Server Is Shutting Down'))
}

function matcherOf(options: StreamsTypes.ReadReq.Options): (event: LoggedEvent) => boolean {
  const filter = options.getFilter()
  const expression = filter?.getEventType() ?? filter?.getStreamIdentifier()
  if (!filter || !expression) return () => true
  const pattern = expression.getRegex() === '' ? undefined : new RegExp(expression.getRegex())
  const prefixes = expression.getPrefixList()
  return (event) => {
    const text = filter.hasEventType() ? event.type : event.stream
    return pattern?.test(text) ?? prefixes.some((prefix) => text.startsWith(prefix))
  }
}

function startOf({ log }: ServerState, options: StreamsTypes.ReadReq.Options): number {
  const all = options.getAll()
  if (!all || all.hasStart()) return 0
  return all.hasEnd() ? log.all.length : log.indexAfter(BigInt(all.getPosition()?.getCommitPosition() ?? 0))
}
