/** Keys that lie side by side, as people's fingers find them: rows, and the slanting columns of the common layout. */
const ROWS = [
  // The common (US) layout.
  '`1234567890-=',
  'qwertyuiop[]\\',
  "asdfghjkl;'",
  'zxcvbnm,./',
  // Its columns, leaning to the left and to the right.
  ...['1qaz', '2wsx', '3edc', '4rfv', '5tgb', '6yhn', '7ujm', '8ik,', '9ol.', '0p;/'],
  ...['4esz', '5rdx', '6tfc', '7ygv', '8uhb', '9ijn', '0okm'],
  // Columns of the number pad.
  ...['147', '258', '369'],
  // French and German, where they differ.
  ...['azertyuiop', 'qsdfghjklm', 'wxcvbn', 'qwertzuiopü', 'asdfghjklöä', 'yxcvbnm'],
  // Ukrainian and Russian.
  ...['йцукенгшщзхї', 'фівапролджє', 'ячсмитьбю', 'йцукенгшщзхъ', 'фывапролджэ'],
]

/** The ways in which a finger gets from one key straight to the next: which row or column, and in which direction. */
export const keyboardSteps = (from: string, to: string): readonly string[] => STEPS.get(from + to) ?? []

const STEPS: ReadonlyMap<string, readonly string[]> = (() => {
  const steps = new Map<string, string[]>()
  const add = (pair: string, step: string) => steps.set(pair, [...(steps.get(pair) ?? []), step])
  for (const [row, keys] of ROWS.map((text) => [...text]).entries()) {
    for (const [place, key] of keys.entries()) {
      const next = keys[place + 1]
      if (next === undefined) continue
      add(key + next, `row ${row} on`)
      add(next + key, `row ${row} back`)
    }
  }
  return steps
})()

/** The key that a sign of the common layout is typed with, without Shift. Letters come in lower case already. */
export const unshift = (char: string): string => SHIFTED.get(char) ?? char

const SHIFTED: ReadonlyMap<string, string> = (() => {
  const upper = [...'~!@#$%^&*()_+{}|:"<>?']
  const lower = [..."`1234567890-=[]\\;',./"]
  return new Map(upper.map((char, index) => [char, lower[index] ?? char]))
})()
