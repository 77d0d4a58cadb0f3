/**
 * A stream of the bytes that a generator yields, which is over as soon as it is destroyed. Readable.from closes its
 * generator first, and one that waits for its source cannot be closed before that yields: who looks for what is rare
 * would go on looking, for nobody.
 */
import { Readable } from 'node:stream'

/**
 * `endSource` is called once, when the stream has ended or is destroyed: it makes the source of the pieces give up, so
 * that the generator gets to its end too. An error of the generator is the stream's.
 */
export const streamFrom = (pieces: AsyncGenerator<string | Buffer, void>, endSource: () => void): Readable => {
  let pulling = false
  const pull = async (): Promise<void> => {
    if (pulling) return
    pulling = true
    try {
      for (let room = true; room; ) {
        const { done, value } = await pieces.next()
        if (readable.destroyed) return
        room = readable.push(done === true ? null : value)
      }
    } catch (error) {
      readable.destroy(error instanceof Error ? error : new Error(String(error)))
    } finally {
      pulling = false
    }
  }
  const readable = new Readable({
    highWaterMark: BUFFERED_BYTES,
    read: () => void pull(),
    destroy(error, done) {
      endSource()
      // What it throws for want of its source is nobody's business any more.
      pieces.return().catch(() => {})
      done(error)
    },
  })
  return readable
}

const BUFFERED_BYTES = 65_536
