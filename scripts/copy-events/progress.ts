/** How far it is: a bar for a person at a terminal, JSON lines for a log. */
import { Presets, SingleBar } from 'cli-progress'

export interface Progress {
  readonly onProgress: (phase: string, events: number, total: number) => void
  stop(): void
}

const LINE_EVERY_MS = 1_000

export const openProgress = (out: NodeJS.WriteStream): Progress => (out.isTTY ? bars(out) : lines(out))

const bars = (out: NodeJS.WriteStream): Progress => {
  let bar: SingleBar | undefined
  let current: string | undefined
  return {
    onProgress(phase, events, total) {
      if (phase !== current) {
        bar?.stop()
        bar = new SingleBar(
          { stream: out, format: `${phase.padEnd(9)} [{bar}] {value}/{total} {eta_formatted}` },
          Presets.legacy,
        )
        bar.start(total, 0)
        current = phase
      }
      bar?.setTotal(Math.max(total, events))
      bar?.update(events)
    },
    stop: () => bar?.stop(),
  }
}

/** One at the start of a phase, then one a second: also a copy of millions of events leaves a log that can be read. */
const lines = (out: NodeJS.WriteStream): Progress => {
  let last: { readonly phase: string; readonly at: number } | undefined
  return {
    onProgress(phase, events, total) {
      const now = performance.now()
      if (last?.phase === phase && now - last.at < LINE_EVERY_MS) return
      last = { phase, at: now }
      out.write(`${JSON.stringify({ phase, events, total })}\n`)
    },
    stop: () => {},
  }
}
