import { type InjectionKey, ref } from 'vue'
import type { Outcome } from '../api/client.ts'

/** Proving again who I am, when a command asks for it: one dialog for the whole page (ReauthenticationDialog.vue). */
export type Reauthentication = ReturnType<typeof createReauthentication>
export const reauthenticationKey: InjectionKey<Reauthentication> = Symbol('reauthentication')

export const createReauthentication = () => {
  const isOpen = ref(false)
  let waiting: ((confirmed: boolean) => void)[] = []

  const confirm = (): Promise<boolean> =>
    new Promise((resolve) => {
      // A second command that asks meanwhile waits for the same answer.
      waiting.push(resolve)
      isOpen.value = true
    })

  return {
    isOpen,

    /** The dialog's answer. Does nothing where none is awaited. */
    settle(confirmed: boolean): void {
      isOpen.value = false
      const told = waiting
      waiting = []
      for (const resolve of told) resolve(confirmed)
    },

    /**
     * Runs a command. Where it is refused because the last proof is too old, asks for one and runs it again. Null: the
     * person has closed the dialog, and nothing was done.
     */
    async run<Data>(command: () => Promise<Outcome<Data>>): Promise<Outcome<Data> | null> {
      const first = await command()
      if (first.kind === 'done' || first.problem.code !== 'reauthentication-required') return first
      return (await confirm()) ? command() : null
    },
  }
}
