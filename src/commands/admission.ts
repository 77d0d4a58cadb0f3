/**
 * Admission before hashing. A check of a secret may begin only while failures and checks under way together stay
 * below the limit; the others wait for a verdict. So of fifty guesses at once ten are evaluated and the rest find the
 * door closed, unhashed, while twenty right log-ins at once all pass.
 */

import { Overloaded } from '../secrets/password-work-queue.ts'

export type Standing =
  /** Failures that count at present. */
  { readonly kind: 'open'; readonly failures: number } | { readonly kind: 'closed' }

export interface Admission {
  /**
   * Runs `check` once it is admitted; null where the door is closed by then. `check` must have recorded its verdict
   * when it resolves, and `standing` must see every verdict recorded before it was called. Throws Overloaded where too
   * many wait for the same key.
   */
  run<T>(key: string, limit: number, standing: () => Promise<Standing>, check: () => Promise<T>): Promise<T | null>
}

interface Slot {
  active: number
  /** Grows with each check that ends: a standing read before that moment is out of date. */
  ended: number
  waiting: (() => void)[]
  /** Requests that are between arriving and leaving; the slot goes with the last. */
  present: number
}

export const openAdmission = ({ waitersPerKey = 256 }: { readonly waitersPerKey?: number } = {}): Admission => {
  const slots = new Map<string, Slot>()

  const admit = async (slot: Slot, limit: number, standing: () => Promise<Standing>): Promise<boolean> => {
    for (;;) {
      const { ended } = slot
      const now = await standing()
      if (now.kind === 'closed') return false
      if (slot.ended !== ended) continue
      if (slot.active === 0 || now.failures + slot.active < limit) {
        slot.active++
        return true
      }
      if (slot.waiting.length >= waitersPerKey) throw new Overloaded(RETRY_SECONDS)
      await new Promise<void>((wake) => slot.waiting.push(wake))
    }
  }

  /** Each that got an answer wakes the next, so that one verdict does not set hundreds of look-ups going at once. */
  const wakeNext = (slot: Slot): void => slot.waiting.shift()?.()

  return {
    async run(key, limit, standing, check) {
      const slot = slots.get(key) ?? { active: 0, ended: 0, waiting: [], present: 0 }
      slots.set(key, slot)
      slot.present++
      try {
        let admitted = false
        try {
          admitted = await admit(slot, limit, standing)
        } finally {
          wakeNext(slot)
        }
        if (!admitted) return null
        try {
          return await check()
        } finally {
          slot.active--
          slot.ended++
          wakeNext(slot)
        }
      } finally {
        slot.present--
        if (slot.present === 0) slots.delete(key)
      }
    },
  }
}

const RETRY_SECONDS = 1
