/** How many events have been looked at: a bar for a person at a terminal, a JSON line a second for a log. */
import { Presets, SingleBar } from 'cli-progress'

export interface Counter {
  count(events: number): void
  stop(): void
}

const LINE_EVERY_MS = 1_000

/** On `out`, which is not where the results go. `total` is unknown: events come until there are no more. */
export const openCounter = (out: NodeJS.WriteStream): Counter => (out.isTTY ? bar(out) : lines(out))

const bar = (out: NodeJS.WriteStream): Counter => {
  const single = new SingleBar({ stream: out, format: '{value} events, {duration_formatted}' }, Presets.legacy)
  single.start(0, 0)
  return { count: (events) => single.update(events), stop: () => single.stop() }
}

const lines = (out: NodeJS.WriteStream): Counter => {
  let last = performance.now()
  return {
    count(events) {
      const now = performance.now()
      if (now - last < LINE_EVERY_MS) return
      last = now
      out.write(`${JSON.stringify({ events })}\n`)
    },
    stop: () => {},
  }
}
