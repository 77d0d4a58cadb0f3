/** Chance that comes out the same every time: all of a made-up history hangs on its seed. */

export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number
  chance(probability: number): boolean
  between(least: number, most: number): number
  /** A whole number, both ends included. */
  whole(least: number, most: number): number
  pick<T>(list: readonly [T, ...T[]]): T
  /** Waiting times of what happens at any moment alike, so long on average. */
  exponential(mean: number): number
}

/** Of the same names, the same numbers: each person has a stream of their own, which nobody else's life disturbs. */
export const randomOf = (...names: readonly (string | number)[]): Random => {
  const next = sfc32(...seedOf(names.join('/')))
  const between = (least: number, most: number) => least + next() * (most - least)
  const whole = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return {
    next,
    chance: (probability) => next() < probability,
    between,
    whole,
    pick: (list) => list[whole(0, list.length - 1)] ?? list[0],
    exponential: (mean) => -Math.log(1 - next()) * mean,
  }
}

type Words = readonly [number, number, number, number]

/** FNV-1a with four offsets: enough to keep `1/12` and `11/2` apart. */
const seedOf = (text: string): Words => {
  const hash = (offset: number): number => {
    let value = offset
    for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193)
    return value
  }
  return [hash(0x811c9dc5), hash(0x12345678), hash(0x9e3779b9), hash(0x2545f491)]
}

/** Small fast counting generator (Chris Doty-Humphrey, PractRand). Not for secrets. */
const sfc32 = (...[first, second, third, fourth]: Words): (() => number) => {
  let [a, b, c, d] = [first, second, third, fourth]
  const next = (): number => {
    const sum = (a + b + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  // The first numbers still resemble their seed.
  for (let i = 0; i < 15; i++) next()
  return next
}
