/** What main.ts provides is there; where it is not, the page is put together wrongly. */
export const need = <Thing>(thing: Thing | undefined, name: string): Thing => {
  if (thing === undefined) throw new Error(`${name} is not provided`)
  return thing
}
