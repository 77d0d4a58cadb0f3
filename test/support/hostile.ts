/** Text that has broken files, lists and terminals before. */
import fc from 'fast-check'

const PIECES = [
  ...[
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '=cmd|"/c calc"!A1',
    '＝1',
    '＋1',
    '－1',
    '＠1',
    "'",
    '"',
    '""',
    ',',
    ';',
    '\\',
    '%s',
    '$1',
  ],
  ...['\n', '\r', '\r\n', '\t', '\u000b', '\u000c', '\u001b[31m', '\u0001', '\u0002', '\u007f', '\u0085', '\u009b'],
  ...[
    '\u2028',
    '\u2029',
    '\ufeff',
    '\u202e',
    '🔑',
    'ß',
    '\\.',
    '\n\\.\n',
    '","outcome":"success',
    '"}\n{"id":"x"}',
    '\\N',
  ],
]

/** No NUL and no lone surrogate: a text column can hold neither. */
export const hostileText = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll('\u0000', '')) },
  { weight: 1, arbitrary: fc.constantFrom(...PIECES).map((piece) => `${piece}${'long '.repeat(8_000)}`) },
)

/** JSON escapes those: so what is inside of it can hold anything. */
const anyText = fc.oneof(hostileText, fc.constantFrom('\u0000', '\ud800', '\udc00a', 'a\u0000\n\ud83d'))

const jsonOf = (text: fc.Arbitrary<string>): fc.Arbitrary<Record<string, unknown>> =>
  fc.dictionary(
    text.map((name) => `_${[...name].slice(0, 20).join('')}`),
    fc.oneof(text, fc.array(text, { maxLength: 2 }), fc.constant(null), fc.integer()),
    { maxKeys: 3 },
  )

export const hostileJson = jsonOf(anyText)

/** What an event store takes: no NUL and no lone surrogate in it either. */
export const storableJson = jsonOf(hostileText)

/** Ends of lines, for whoever reads JSON by lines, and what a terminal obeys. */
export const BREAKS_LINES = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/
