/** What is next, of very many things that each have a time: a binary heap. */

export interface Agenda<T> {
  add(at: number, item: T): void
  /** The earliest, taken out; of equal times the one that was added first. */
  next(): { readonly at: number; readonly item: T } | undefined
}

interface Entry<T> {
  readonly at: number
  readonly number: number
  readonly item: T
}

export const openAgenda = <T>(): Agenda<T> => {
  const heap: Entry<T>[] = []
  let added = 0
  const isBefore = (a: number, b: number): boolean => {
    const [first, second] = [heap[a], heap[b]]
    if (first === undefined || second === undefined) return false
    return first.at < second.at || (first.at === second.at && first.number < second.number)
  }
  const swap = (a: number, b: number): void => {
    const [first, second] = [heap[a], heap[b]]
    if (first === undefined || second === undefined) return
    heap[a] = second
    heap[b] = first
  }
  const rise = (from: number): void => {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!isBefore(at, parent)) return
      swap(at, parent)
      at = parent
    }
  }
  const sink = (): void => {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const child = isBefore(right, left) ? right : left
      if (!isBefore(child, at)) return
      swap(at, child)
      at = child
    }
  }
  return {
    add(at, item) {
      added += 1
      heap.push({ at, number: added, item })
      rise(heap.length - 1)
    },
    next() {
      const [first] = heap
      const last = heap.pop()
      if (first === undefined || last === undefined) return undefined
      if (heap.length > 0) {
        heap[0] = last
        sink()
      }
      return first
    },
  }
}
