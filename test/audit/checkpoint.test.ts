import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from '../../src/audit/checkpoint.ts'
import {
  formatVerifierKey,
  openNote,
  parseVerifierKey,
  signNote,
  type VerifierKey,
  verifierKeyOf,
} from '../../src/audit/note.ts'
import { ed25519KeyOf } from '../support/log-key.ts'

const keyOf = (text: string): VerifierKey => {
  const key = parseVerifierKey(text)
  if (key === null) throw new Error(`no verifier key: ${text}`)
  return key
}

/** C2SP signed-note, section "Example". */
const spec = {
  key: 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  text: 'This is an example message.\n',
  note:
    'This is an example message.\n\n' +
    '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n',
}

/** golang.org/x/mod/sumdb/note, which the standard was made from: keys and signatures of its documentation and tests. */
const peter = {
  key: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  seed: Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1),
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  signature:
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
}
const enoch = {
  key: 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop',
  signature:
    '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n',
}

/** A checkpoint of Go's checksum database, as it was issued. */
const sumdb = {
  key: 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8',
  origin: 'go.sum database tree',
  size: 6_476_701,
  root: 'mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=',
  note:
    'go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n\n' +
    '— sum.golang.org Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=\n',
}

describe('a signed note of another implementation', () => {
  it('opens: the example of the standard, and those of Go', () => {
    expect(openNote(spec.note, keyOf(spec.key))).toBe(spec.text)
    expect(openNote(`${peter.text}\n${peter.signature}`, keyOf(peter.key))).toBe(peter.text)
  })

  it('opens by any of its signatures, and passes over those of others', () => {
    const note = `${peter.text}\n${peter.signature}${enoch.signature}`
    expect(openNote(note, keyOf(peter.key))).toBe(peter.text)
    expect(openNote(note, keyOf(enoch.key))).toBe(peter.text)
    expect(openNote(note, keyOf(spec.key))).toBeNull()
  })

  it('is made by us byte for byte', () => {
    const key = keyOf(peter.key)
    expect(signNote(peter.text, key, ed25519KeyOf(peter.seed))).toBe(`${peter.text}\n${peter.signature}`)
    expect(formatVerifierKey(verifierKeyOf('PeterNeumann', createPublicKey(ed25519KeyOf(peter.seed))))).toBe(peter.key)
  })

  it.each([spec.key, peter.key, enoch.key, sumdb.key])('has a verifier key that reads and writes: %s', (text) => {
    expect(formatVerifierKey(keyOf(text))).toBe(text)
  })

  it('may be a checkpoint of the Go checksum database', () => {
    const checkpoint = openCheckpoint(sumdb.note, keyOf(sumdb.key), sumdb.origin)
    expect(checkpoint).toStrictEqual({
      origin: sumdb.origin,
      size: sumdb.size,
      root: Buffer.from(sumdb.root, 'base64'),
    })
    expect(openCheckpoint(sumdb.note, keyOf(sumdb.key))).toBeNull()
    expect(openCheckpoint(sumdb.note.replace('6476701', '6476702'), keyOf(sumdb.key), sumdb.origin)).toBeNull()
  })
})

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const key = verifierKeyOf('log.example/1', publicKey)
const text = 'one\n\ntwo\n'
const note = signNote(text, key, privateKey)

describe('a note', () => {
  it('may have empty lines: the last one parts it from its signatures', () => {
    expect(openNote(note, key)).toBe(text)
  })

  it('falls with any character that is changed', () => {
    fc.assert(
      fc.property(fc.nat(note.length - 1), fc.integer({ min: 0, max: 0x2fff }), (at, code) => {
        const changed = note.slice(0, at) + String.fromCharCode(code) + note.slice(at + 1)
        if (changed !== note) expect(openNote(changed, key)).toBeNull()
      }),
      { numRuns: 500 },
    )
  })

  it('falls with what is put before, behind or between, or taken away', () => {
    const [line = ''] = /— .*\n/.exec(note) ?? []
    const broken = [
      '',
      '\n',
      'x',
      `${note}\n`,
      `${note}x\n`,
      `\n${note}`,
      note.slice(0, -1),
      note.replace('\n\n—', '\n—'),
      note.replaceAll('\n', '\r\n'),
      `${note}— someone\n`,
      `${note}—  x\n`,
      note.replace(line, ''),
      note.replace(' log.', '  log.'),
      note.replace('—', '-'),
      note.replace(/=\n$/, '\n'),
      `${note}${line.slice(0, -5)}\n`,
      `${note}${'— x AAAAAAAA\n'.repeat(100)}`,
    ]
    for (const each of broken) expect(openNote(each, key), JSON.stringify(each)).toBeNull()
    expect(openNote(`${note}${'— x AAAAAAAA\n'.repeat(15)}`, key)).toBe(text)
  })

  it('falls where a second signature of the same key is wrong', () => {
    const other = signNote('other\n', key, privateKey).split('\n\n')[1] ?? ''
    expect(openNote(note + other, key)).toBeNull()
  })

  it('is of no other key, whatever that is called', () => {
    const stranger = generateKeyPairSync('ed25519')
    const forged = verifierKeyOf(key.name, stranger.publicKey)
    expect(openNote(signNote(text, forged, stranger.privateKey), key)).toBeNull()
    expect(openNote(signNote(text, { ...forged, id: key.id }, stranger.privateKey), key)).toBeNull()
    expect(openNote(signNote(text, verifierKeyOf('log.example/2', publicKey), privateKey), key)).toBeNull()
  })

  it('is not made of a text that would not come back', () => {
    for (const bad of ['', 'no newline', 'a\tb\n', 'a\r\n', 'a\0\n', '\ud800\n']) {
      expect(() => signNote(bad, key, privateKey)).toThrow(RangeError)
    }
  })

  it.each(['', 'a b', 'a+b', 'a\u00a0b', 'a\nb', 'a\u2003b'])('has no key of the name %j', (name) => {
    expect(() => verifierKeyOf(name, publicKey)).toThrow(RangeError)
  })

  it.each([
    'example.com/foo',
    'example.com/foo+530d903a',
    'example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/fo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'a+00000000+AA==',
    '',
    'example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n',
    'example.com/foo+530d903a+BekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  ])('has no verifier key %j', (bad) => {
    expect(parseVerifierKey(bad)).toBeNull()
  })
})

describe('a checkpoint', () => {
  const checkpoint = { origin: key.name, size: 12, root: Buffer.alloc(32, 5) }

  it('comes back as it was signed', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.uint8Array({ minLength: 32, maxLength: 32 }), (size, root) => {
        const given = { origin: key.name, size, root: Buffer.from(root) }
        expect(openCheckpoint(signCheckpoint(given, key, privateKey), key)).toStrictEqual(given)
      }),
      { numRuns: 30 },
    )
  })

  it('has three lines, and may have more that are not looked at', () => {
    const lines = formatCheckpoint(checkpoint)
    expect(lines).toBe(`log.example/1\n12\n${'BQUF'.repeat(10)}BQU=\n`)
    expect(parseCheckpoint(`${lines}more\nand more\n`)).toStrictEqual(checkpoint)
  })

  it('is nothing else', () => {
    const root = Buffer.alloc(32).toString('base64')
    const bad = [
      '',
      '\n',
      'o\n',
      'o\n1\n',
      `o\n1\n${root}`,
      `\n1\n${root}\n`,
      `o\n01\n${root}\n`,
      `o\n-1\n${root}\n`,
      `o\n1.0\n${root}\n`,
      `o\n\n${root}\n`,
      `o\n0x1\n${root}\n`,
      `o\n9007199254740993\n${root}\n`,
      `o\n1\n${root}\n\n`,
      `o\n1\n${root}\n\nx\n`,
      `o\n1\n${root} \n`,
      `o\n1\nAAAA\n`,
      `o\n1\n${root.replace('=', '')}\n`,
      `o\n1\n\n`,
    ]
    for (const each of bad) expect(parseCheckpoint(each), JSON.stringify(each)).toBeNull()
    expect(() => formatCheckpoint({ ...checkpoint, origin: 'two\nlines' })).toThrow(RangeError)
    expect(() => formatCheckpoint({ ...checkpoint, size: -1 })).toThrow(RangeError)
  })

  it('of another log is none of ours, though our key has signed it', () => {
    const other = signCheckpoint({ ...checkpoint, origin: 'log.example/2' }, key, privateKey)
    expect(openCheckpoint(other, key)).toBeNull()
  })
})
