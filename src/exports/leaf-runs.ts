import type { Range } from '../audit/proofs.ts'

/**
 * Which leaves a bundle has, in a byte or two for each run of them: a bundle of everything is a single run, and one
 * filtered by codes has as many as rows.
 */
export class LeafRuns {
  /** Alternating, as varints: how many leaves are left out, how many are there. */
  readonly #chunks: Buffer[] = []
  #used = CHUNK_BYTES
  /** Up to where they are written down. */
  #written = 0
  #from = 0
  #to = 0
  #first: number | null = null

  get first(): number | null {
    return this.#first
  }

  /** Behind the last leaf. */
  get end(): number {
    return this.#to
  }

  /** Indexes come in growing order. */
  add(index: number): void {
    if (this.#first === null || index !== this.#to) {
      this.#write()
      this.#first ??= index
      this.#from = index
    }
    this.#to = index + 1
  }

  /** What lies between the runs, before and behind them, up to `size`; one after the other. */
  *gaps(size: number): Generator<Range> {
    this.#write()
    let at = 0
    let inside = false
    for (const length of this.#lengths()) {
      if (!inside && length > 0) yield { from: at, to: at + length }
      at += length
      inside = !inside
    }
    if (at < size) yield { from: at, to: size }
  }

  #write(): void {
    if (this.#to === this.#written) return
    this.#writeNumber(this.#from - this.#written)
    this.#writeNumber(this.#to - this.#from)
    this.#written = this.#to
    this.#from = this.#to
  }

  #writeNumber(n: number): void {
    let rest = n
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#writeByte(128 + (rest % 128))
    this.#writeByte(rest)
  }

  #writeByte(byte: number): void {
    if (this.#used === CHUNK_BYTES) {
      this.#chunks.push(Buffer.alloc(CHUNK_BYTES))
      this.#used = 0
    }
    this.#chunks.at(-1)?.writeUInt8(byte, this.#used)
    this.#used += 1
  }

  *#lengths(): Generator<number> {
    let [length, unit] = [0, 1]
    for (const [n, chunk] of this.#chunks.entries()) {
      const used = n === this.#chunks.length - 1 ? this.#used : CHUNK_BYTES
      for (const byte of chunk.subarray(0, used)) {
        length += (byte % 128) * unit
        unit *= 128
        if (byte >= 128) continue
        yield length
        ;[length, unit] = [0, 1]
      }
    }
  }
}

const CHUNK_BYTES = 16_384
