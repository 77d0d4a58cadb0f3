import fc from 'fast-check'
import { createTransport } from 'nodemailer'
import { describe, expect, test } from 'vitest'
import { asHtml, asText } from '../../src/mailer/letter.ts'
import { fitToShow, spanOf, timeOf } from '../../src/mailer/wording.ts'

describe('a letter', () => {
  const nasty = `<script>alert("x")</script> & 'y'`
  const parts = [nasty, { facts: [[nasty, nasty]] as const }, { link: `https://h/?a="><b>`, label: nasty }]

  test('as HTML holds nothing that was not meant as HTML', () => {
    const html = asHtml({ subject: nasty, parts })
    expect(html).not.toContain('<script')
    expect(html).not.toContain('<b>')
    expect(html).toContain('&#60;script&#62;alert(&#34;x&#34;)&#60;/script&#62; &#38; &#39;y&#39;')
  })

  test('as text says the same, word for word', () => {
    expect(
      asText({ subject: '', parts: ['One.', { facts: [['IP', '::1']] }, { link: 'https://h/', label: 'Go' }] }),
    ).toBe('One.\n\nIP: ::1\n\nGo:\nhttps://h/\n')
  })
})

describe('a name', () => {
  test.each([
    'Ada',
    'Ada Lovelace',
    "Miles O'Brien",
    'Jean-Luc',
    'J. R. R. Tolkien',
    'Zoë',
    '李小龍',
    'Martin King, Jr.',
  ])('%s is shown', (name) => expect(fitToShow(name)).toBe(name))

  test.each([
    ['evil.example', 'a link'],
    ['WWW evil', 'a link'],
    ['http://evil', 'a link'],
    ['call +1 555', 'a message'],
    ['ada@example.com', 'an address'],
    ['Ada\r\nBcc: x@example.com', 'a header'],
    ['Ada" <x@example.com>', 'a header'],
    ['\u202eadA', 'turned round'],
    ['Call 0800 123456', 'a message'],
    ['a'.repeat(41), 'a message'],
    ['  ', 'nothing'],
  ])('%s is not: it is %s', (name) => expect(fitToShow(name)).toBeNull())

  test('whatever it is, begins no header of its own, and names no other recipient', async () => {
    const transport = createTransport({ streamTransport: true, buffer: true })
    const anyName = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^[\r\n"<>,@ a-z:;]{1,40}$/))
    await fc.assert(
      fc.asyncProperty(anyName, async (name) => {
        const to = { name: fitToShow(name) ?? '', address: 'ada@example.com' }
        const { envelope, message } = await transport.sendMail({ from: 'x@example.com', to, subject: 's', text: 't' })
        expect(envelope.to).toEqual(['ada@example.com'])
        const [head = ''] = String(message).split('\r\n\r\n')
        const names = head.match(/^[^\s:]+(?=:)/gm)
        expect(names?.sort()).toEqual(
          [
            'Content-Transfer-Encoding',
            'Content-Type',
            'Date',
            'From',
            'MIME-Version',
            'Message-ID',
            'Subject',
            'To',
          ].sort(),
        )
      }),
    )
  })
})

test('times are told in UTC, and spans in the largest unit that is exact', () => {
  expect(timeOf(new Date('2026-03-01T23:59:59Z'))).toMatch(/^1 March 2026.* 23:59 UTC$/)
  expect([1_000, 60_000, 90_000, 3_600_000, 5_400_000, 86_400_000, 604_800_000].map(spanOf)).toEqual([
    ...['1 second', '1 minute', '90 seconds', '1 hour', '90 minutes', '1 day', '7 days'],
  ])
})
