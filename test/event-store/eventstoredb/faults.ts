/** What the next append may meet. `Before` and `After` speak of the commit. */
export type AppendFault =
  | 'dropBefore'
  | 'dropAfter'
  | 'hangBefore'
  | 'hangAfter'
  | 'abortedAfter'
  | 'notLeader'
  | 'noPosition'

/** What the next read of a stream or of $all may meet. */
export type ReadFault = 'hang' | 'unavailable' | 'accessDenied' | 'noPosition' | 'cutInMidBatch'

/** How every subscription there is may go wrong. */
export type SubscriptionFault = 'endSilently' | 'aborted' | 'unavailable' | 'freeze'

/** The switches. The handlers take what is set, once. */
export class Faults {
  /** Every answer is so late. Milliseconds. */
  delayMs = 0
  readonly #breakers = new Set<(fault: SubscriptionFault) => void>()
  #append: AppendFault | undefined
  #read: { readonly fault: ReadFault; passing: number } | undefined

  failNextAppend(fault: AppendFault): void {
    this.#append = fault
  }

  /** `passing` more are answered before it. */
  failNextRead(fault: ReadFault, { passing = 0 } = {}): void {
    this.#read = { fault, passing }
  }

  breakSubscriptions(fault: SubscriptionFault): void {
    for (const broken of this.#breakers) broken(fault)
  }

  takeAppend(): AppendFault | undefined {
    const fault = this.#append
    this.#append = undefined
    return fault
  }

  takeRead(): ReadFault | undefined {
    const read = this.#read
    if (read === undefined || read.passing-- > 0) return undefined
    this.#read = undefined
    return read.fault
  }

  /** Calls `broken` until the returned function is called. */
  onBreak(broken: (fault: SubscriptionFault) => void): () => void {
    this.#breakers.add(broken)
    return () => this.#breakers.delete(broken)
  }
}
