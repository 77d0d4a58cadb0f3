import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { EvidenceRow } from '../../src/exports/evidence-rows.ts'
import { tableHead, tableLine } from '../../src/exports/evidence-table.ts'
import { parseCsv } from '../support/csv.ts'
import { hostileJson, hostileText } from '../support/hostile.ts'

it('no cell of the table in a bundle breaks its line, or is a formula, whatever is in it', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ text: hostileText, json: hostileJson }), { minLength: 1 }), (hostile) => {
      const rows = hostile.map(({ text, json }, leafIndex): EvidenceRow => {
        const event = {
          ...{ id: text, stream: text, revision: 1, type: text, commit: null },
          ...{ metadata: { occurredAt: text, actor: { id: text }, client: null }, data: json as never },
          boxes: { personal: null, credential: null },
        }
        const personal = { ip: text, userAgent: text, region: text, city: text, email: text, name: text, values: json }
        return { leafIndex, leafHash: '', event, personal: personal as never, salt: null, hidden: null }
      })
      const [names = [], ...cells] = parseCsv(tableHead + rows.map(tableLine).join(''))
      expect(cells).toHaveLength(rows.length)
      for (const [n, row] of cells.entries()) {
        expect(row).toHaveLength(names.length)
        for (const cell of row) expect(cell).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/)
        const text = hostile[n]?.text ?? ''
        expect([text, `'${text}`]).toContain(row[names.indexOf('userAgent')])
      }
    }),
  )
})
