/** How far it is: a bar for a person at a terminal, JSON lines for a log. */
import { Presets, SingleBar } from 'cli-progress'

export interface Progress {
  readonly onProgress: (phase: string, events: number, total: number) => void
  stop(): void
}

const LINE_EVERY_MS = 1_000

export const openProgress = (out: NodeJS.WriteStream): Progress =>
  out.isTTY ? bars(out) : lines(out, () => performance.now())

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

/**
 * One at the start of a phase, then one a second: also a copy of millions of events leaves a log that can be read.
 * `now` in milliseconds. `etaSeconds` goes by what was seen of the phase, and is null before it has moved.
 */
export const lines = (out: { write(text: string): unknown }, now: () => number): Progress => {
  let begun: { readonly phase: string; readonly at: number; readonly events: number } | undefined
  let lastAt = 0
  return {
    onProgress(phase, events, total) {
      const at = now()
      if (begun?.phase !== phase) begun = { phase, at, events }
      else if (at - lastAt < LINE_EVERY_MS) return
      lastAt = at
      const perMs = (events - begun.events) / (at - begun.at)
      const etaSeconds = perMs > 0 ? Math.round((total - events) / perMs / 1_000) : null
      out.write(`${JSON.stringify({ phase, events, total, etaSeconds })}\n`)
    },
    stop: () => {},
  }
}
