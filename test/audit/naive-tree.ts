import { createHash } from 'node:crypto'

const sha256 = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()

/** The largest power of two below n. */
const split = (n: number): number => {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

/**
 * RFC 6962, section 2.1, written down as the RFC has it, over hashes of leaves: what all else is held against. D[a:b]
 * is a pair of numbers; MTH is remembered, or a test would take minutes.
 */
export class NaiveTree {
  readonly #leaves: readonly Buffer[]
  readonly #known = new Map<string, Buffer>()

  constructor(leaves: readonly Buffer[]) {
    this.#leaves = leaves
  }

  /** MTH(D[n]). */
  root(n: number): Buffer {
    return n === 0 ? sha256() : this.#mth(0, n)
  }

  /** PATH(m, D[n]). */
  path(m: number, n: number): readonly Buffer[] {
    return this.#path(m, 0, n)
  }

  /** PROOF(m, D[n]). */
  proof(m: number, n: number): readonly Buffer[] {
    return this.#subproof(m, 0, n, true)
  }

  #mth(a: number, b: number): Buffer {
    const key = `${a}:${b}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const k = a + split(b - a)
    const made = b - a === 1 ? this.#leaves[a] : sha256(Buffer.of(1), this.#mth(a, k), this.#mth(k, b))
    if (made === undefined) throw new Error(`there is no leaf ${a}`)
    this.#known.set(key, made)
    return made
  }

  #path(m: number, a: number, b: number): readonly Buffer[] {
    if (b - a === 1) return []
    const k = split(b - a)
    return m < k
      ? [...this.#path(m, a, a + k), this.#mth(a + k, b)]
      : [...this.#path(m - k, a + k, b), this.#mth(a, a + k)]
  }

  #subproof(m: number, a: number, b: number, known: boolean): readonly Buffer[] {
    if (m === b - a) return known ? [] : [this.#mth(a, b)]
    const k = split(b - a)
    return m <= k
      ? [...this.#subproof(m, a, a + k, known), this.#mth(a + k, b)]
      : [...this.#subproof(m - k, a + k, b, false), this.#mth(a, a + k)]
  }
}
