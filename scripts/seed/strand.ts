/**
 * A life is told in strands: one per device, and one for what comes from outside. Each yields what is tried next and
 * goes on once that is done; in the character's state it then sees what came of it.
 */
import type { Act, Character, Password, Story } from './character.ts'

export type Strand = Generator<Act, void, void>
/** A part of a strand, that hands something on. */
export type Scene<T> = Generator<Act, T, void>

export const isLive = ({ state }: Character, sessionId: string): boolean =>
  state.sessions.some(({ id }) => id === sessionId)

/** Whoever has changed the password remembers the new one; whoever was refused, the old one. */
export function* withNextPassword(who: Character, story: Story, actWith: (next: Password) => Act): Scene<void> {
  const number = (who.password + 1) % story.passwords.length
  const next = story.passwords[number]
  if (next === undefined) throw new Error('a story has passwords')
  const before = who.state.password
  yield actWith(next)
  if (who.state.password !== before) who.password = number
}
