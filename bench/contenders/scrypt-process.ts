/** Bare scrypt in a process that does nothing else: so many hashes, so many at once; how many per second. */
import { randomBytes, type ScryptOptions, scrypt } from 'node:crypto'
import { promisify } from 'node:util'

export interface HashJob {
  readonly hashes: number
  readonly atOnce: number
  readonly logN: number
  readonly r: number
  readonly p: number
}

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

const run = async ({ hashes, atOnce, logN, r, p }: HashJob): Promise<number> => {
  const N = 2 ** logN
  const began = performance.now()
  let begun = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (begun < hashes) {
        begun++
        // 64 bytes, as the format of the scrypt utility has them.
        await derive('seven purple lanterns hum', randomBytes(32), 64, { N, r, p, maxmem: 128 * (N + p + 2) * r })
      }
    }),
  )
  return hashes / ((performance.now() - began) / 1_000)
}

process.on('message', (job: HashJob) => void run(job).then((perSecond) => process.send?.(perSecond)))
