/** RFC 4180, and lines that end with LF alone. Of a file that ends with a line's end. */
export const parseCsv = (text: string): readonly (readonly string[])[] => {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at < text.length) {
    const quoted = text[at] === '"'
    let cell = ''
    if (quoted) {
      for (at += 1; ; ) {
        const end = text.indexOf('"', at)
        if (end < 0) throw new Error('a quoted cell does not end')
        cell += text.slice(at, end)
        at = end + 1
        if (text[at] !== '"') break
        cell += '"'
        at += 1
      }
    } else {
      const [bare = ''] = /^[^",\r\n]*/.exec(text.slice(at, at + 100_000)) ?? []
      cell = bare
      at += bare.length
    }
    row.push(cell)
    const [end = ''] = /^(,|\r?\n)/.exec(text.slice(at, at + 2)) ?? []
    if (end === '') throw new Error(`there is more behind a cell: ${JSON.stringify(text.slice(at, at + 20))}`)
    at += end.length
    if (end === ',') continue
    rows.push(row)
    row = []
  }
  if (row.length > 0) throw new Error('the last line does not end')
  return rows
}
