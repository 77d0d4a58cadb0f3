#!/usr/bin/env node
/**
 * Verifies an evidence bundle of Strongroom. One file, no dependencies: copy it to a machine that you trust and run it
 * there with Node 20 or later. It reads the bundle, never the network, and writes nothing but its verdict.
 *
 *   node verify.mjs DIR [--key KEY] [--checkpoint OLDER [--older-key KEY]]
 *
 * Exit codes: 0 all holds; 1 something is wrong, and is named; 2 it was called wrongly or cannot read a file.
 * The standards: RFC 6962 and 9162 (Merkle trees), RFC 8785 (JCS), C2SP signed-note and tlog-checkpoint (Ed25519).
 */
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto'
import { closeSync, createReadStream, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'

const FORMAT = 'strongroom-evidence/1'
const MOST_COMPLAINTS = 20

const HELP = `Verifies an evidence bundle of Strongroom, offline.

Usage: verify DIR [--key KEY] [--checkpoint OLDER [--older-key KEY]]

  DIR                 the unpacked bundle
  --key KEY           the verifier key of the log, or a file that holds it, got by a way you trust. Without it the key
                      in the bundle is used, and then nothing shows whose log it is
  --checkpoint OLDER  a file with an older checkpoint of the same log, that you have kept: everything it covered has
                      to be in this one, unchanged
  --older-key KEY     the key that the older checkpoint was signed with, where the log was begun anew with another key
                      since. The leaves have to be the same all the same

Exit codes: 0 all holds; 1 something is wrong; 2 called wrongly, or a file cannot be read.
`

class Misuse extends Error {}

const main = async () => {
  const { dir, help, ...options } = readArguments(process.argv.slice(2))
  if (help) {
    process.stdout.write(HELP)
    return 0
  }
  const { proven, asserted, wrong } = await verifyBundle(dir, options)
  const show = (title, lines) => {
    if (lines.length > 0) process.stdout.write(`${title}\n${lines.map((line) => `  - ${line}\n`).join('')}`)
  }
  show('WRONG', wrong)
  if (wrong.length === 0) show('PROVEN', proven)
  show('ONLY ASSERTED', asserted)
  process.stdout.write(wrong.length === 0 ? 'The bundle is as it should be.\n' : 'The bundle must not be trusted.\n')
  return wrong.length === 0 ? 0 : 1
}

const readArguments = (words) => {
  const given = { dir: undefined, key: undefined, checkpoint: undefined, olderKey: undefined, help: false }
  const names = { '--key': 'key', '--checkpoint': 'checkpoint', '--older-key': 'olderKey' }
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]
    if (word === '--help' || word === '-h') given.help = true
    else if (Object.hasOwn(names, word)) {
      at += 1
      if (words[at] === undefined) throw new Misuse(`${word} needs a value`)
      given[names[word]] = words[at]
    } else if (word.startsWith('-') || given.dir !== undefined) throw new Misuse(`what is ${word}? See --help`)
    else given.dir = word
  }
  if (given.dir === undefined && !given.help) throw new Misuse('name the folder of the bundle. See --help')
  if (given.olderKey !== undefined && given.checkpoint === undefined)
    throw new Misuse('--older-key is of a --checkpoint')
  return given
}

const verifyBundle = async (dir, options) => {
  const wrong = []
  const verdict = { proven: [], asserted: [], wrong }
  const manifestText = readText(join(dir, 'manifest.json'))
  const manifest = parseManifest(manifestText)
  if (manifest === null) {
    wrong.push('manifest.json is not a manifest of a bundle of this kind')
    return verdict
  }
  const keyText = options.key === undefined ? manifest.verifierKey : keyGiven(options.key)
  const key = parseKey(keyText)
  if (key === null) {
    wrong.push('the verifier key is none')
    return verdict
  }
  if (key.name !== manifest.origin) wrong.push(`wrong key: it is of ${key.name}, and the bundle of ${manifest.origin}`)

  checkManifestSignature(wrong, dir, manifestText, key)
  const checkpoint = openCheckpoint(manifest.checkpoint, key)
  if (checkpoint === null) {
    wrong.push('wrong key, or changed checkpoint: this key has not signed the checkpoint in the manifest')
    return verdict
  }
  checkCoverage(wrong, manifest, checkpoint)
  const older = options.checkpoint === undefined ? null : openOlder(wrong, options, key, checkpoint)

  const proof = openProof(join(dir, 'proof'))
  const tree = openTree(proof.next, manifest.cuts.filter(Number.isSafeInteger), older?.size ?? 0)
  const seen = await readRows(join(dir, 'rows.ndjson'), { manifest, size: checkpoint.size, tree, wrong })
  const whole = tree.close(checkpoint.size)
  const { sha256: proofDigest, unread } = proof.close()
  if (proofDigest !== manifest.files.proof?.sha256) {
    wrong.push('the file proof is not the one that the manifest tells of')
  }
  const roots = unread ? null : whole
  if (roots === null) wrong.push('the file proof does not fit the rows: rows or hashes were added or taken away')
  else judgeRoots(verdict, roots, checkpoint, older)
  await checkOtherFiles(dir, manifest, wrong)
  describe(verdict, { manifest, checkpoint, older, seen, keyText, keyGiven: options.key !== undefined })
  return verdict
}

const parseManifest = (text) => {
  const manifest = parseJson(text)
  if (manifest?.format !== FORMAT || typeof manifest.checkpoint !== 'string') return null
  if (typeof manifest.files !== 'object' || manifest.files === null || !Number.isSafeInteger(manifest.count))
    return null
  if (typeof manifest.coverage?.kind !== 'string' || !Array.isArray(manifest.cuts)) return null
  return manifest
}

/** What was not filtered by time has to begin with the first and end with the last: no signature is trusted for that. */
const checkCoverage = (wrong, { coverage, filter }, checkpoint) => {
  const { kind, from, to } = coverage
  if (kind !== 'rows' && !filter?.from && Number(from) !== 0) {
    wrong.push(`the bundle begins at ${from}, though its filter names no time to begin at`)
  }
  if (kind === 'leaves' && !filter?.to && to !== checkpoint.size) {
    wrong.push(
      `cut tail: the bundle ends before leaf ${to} of ${checkpoint.size}, and its filter names no time to end at`,
    )
  }
  if (kind !== 'rows' && (filter?.codes || (kind === 'leaves') === Boolean(filter?.user))) {
    wrong.push('the manifest claims a completeness that its filter cannot have')
  }
}

const keyGiven = (text) => (existsSync(text) ? readText(text).trim() : text)

const checkManifestSignature = (wrong, dir, text, key) => {
  const path = join(dir, 'manifest.sig')
  const note = existsSync(path) ? openNote(readText(path), key) : undefined
  if (note === undefined) wrong.push('the signature of the manifest, manifest.sig, is missing')
  else if (note === null) wrong.push('wrong key, or changed signature: this key has not signed manifest.sig')
  else if (note !== `${FORMAT} ${key.name}\n${sha256(text).toString('base64')}\n`) {
    wrong.push('the manifest was changed: its signature is of another one')
  }
}

const openOlder = (wrong, { checkpoint: file, olderKey }, key, checkpoint) => {
  const signer = olderKey === undefined ? key : parseKey(keyGiven(olderKey))
  const older = signer === null ? null : openCheckpoint(readText(file), signer)
  if (older === null) wrong.push('the older checkpoint is not signed by this key, or not of this log')
  else if (older.size > checkpoint.size) {
    wrong.push(
      `the checkpoint is inconsistent with the older one: that had ${older.size} leaves, and this one has ${checkpoint.size}`,
    )
  } else return older
  return null
}

/* Rows: each on its own, and their order. */

const readRows = async (path, { manifest, size, tree, wrong }) => {
  const seen = { count: 0, digest: createHash('sha256'), bytes: 0, personal: 0, hidden: {} }
  let last = { index: -1, revision: null }
  const misplaced = new Set()
  let complaints = 0
  const complain = (text) => {
    complaints += 1
    if (complaints <= MOST_COMPLAINTS) wrong.push(text)
    if (complaints === MOST_COMPLAINTS + 1) wrong.push('... and more of the kind')
  }
  const { coverage } = manifest
  let expected = coverage.kind === 'leaves' ? coverage.from : null
  for await (const line of linesOf(path, seen)) {
    seen.count += 1
    const row = parseJson(line)
    const where = `row ${seen.count}`
    const index = row?.leafIndex
    if (typeof row?.event !== 'object' || row.event === null || !Number.isSafeInteger(index)) {
      checkSpelling(row, '', line, where, complain)
      complain(`changed row: ${where} is not a row`)
      continue
    }
    const event = canonicalJson(row.event)
    checkSpelling(row, event, line, where, complain)
    const leaf = leafOf(event)
    if (leaf.toString('base64') !== row.leafHash) {
      complain(`changed row: ${where}, event ${row.event.id}, is not what its leaf ${index} says`)
    }
    checkPersonal(row, where, seen, complain)
    if (index >= size) complain(`${where} claims leaf ${index}, which the checkpoint of ${size} leaves does not have`)
    if (misplaced.has(index) || index === last.index) {
      complain(`doubled row: ${where} is leaf ${index}, as another row is`)
      continue
    }
    if (index < last.index) {
      complain(`swapped row: ${where} is leaf ${index} and stands behind leaf ${last.index}`)
      // To name a row is enough, and rows that are all misplaced must not fill the memory.
      if (complaints <= MOST_COMPLAINTS) misplaced.add(index)
      continue
    }
    if (expected !== null && index > expected) complain(missing(expected, index))
    if (expected !== null) expected = index + 1
    checkFilter(row.event, where, manifest, complain)
    last = { index, revision: checkRevision(row.event, where, coverage, last, complain) }
    if (index < size) tree.add(index, leaf)
  }
  checkEnd(seen, manifest, { expected, last }, wrong)
  return seen
}

const missing = (from, to) =>
  to - from === 1
    ? `missing row: leaf ${from} is inside the range and not in the bundle`
    : `missing rows: leaves ${from} to ${to - 1} are inside the range and not in the bundle`

const MEMBERS = ['leafIndex', 'leafHash', 'event', 'personal', 'salt', 'hidden'].join()

/**
 * Nothing may stand in a line that no hash speaks of: a further member, one twice (programs differ in which they take),
 * or another spelling of the same.
 */
const checkSpelling = (row, event, line, where, complain) => {
  if (row === null || typeof row !== 'object' || Object.keys(row).join() !== MEMBERS) {
    complain(`changed row: ${where} has other members than a row has`)
  } else if (lineSafe(rowAround(row, event)) !== line && lineSafe(JSON.stringify(row)) !== line) {
    complain(`changed row: ${where} is not spelled as rows are: something may stand in it twice`)
  }
}

/** The row with its event as it is hashed, which is how the program spells it; earlier it kept the order of the store. */
const rowAround = ({ leafIndex, leafHash, personal, salt, hidden }, event) =>
  `{"leafIndex":${JSON.stringify(leafIndex)},"leafHash":${JSON.stringify(leafHash)},"event":${event},` +
  JSON.stringify({ personal, salt, hidden }).slice(1)

const lineSafe = (json) =>
  json.replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

const checkPersonal = ({ event, personal, salt, hidden }, where, seen, complain) => {
  if ((personal === null) !== (salt === null) || (hidden !== null && (personal !== null || event.commit === null))) {
    complain(`changed row: ${where} says that personal data is hidden, and it is not, or there is none`)
  }
  if (personal === null || personal === undefined) {
    if (hidden !== null && hidden !== undefined) seen.hidden[hidden] = (seen.hidden[hidden] ?? 0) + 1
    else if (event.commit !== null) complain(`changed row: ${where} has lost its personal data, and does not say why`)
    return
  }
  const salted = Buffer.from(String(salt), 'base64url')
  if (salted.length !== 16 || salted.toString('base64url') !== salt)
    complain(`changed row: the salt of ${where} is none`)
  const committed = createHash('sha256').update(salted).update(canonicalJson(personal)).digest('hex')
  if (committed === event.commit) seen.personal += 1
  else complain(`changed row: the personal data of ${where}, event ${event.id}, is not what was committed to`)
}

const checkFilter = ({ type, stream, id }, where, { filter, coverage }, complain) => {
  if (filter?.codes && !filter.codes.includes(type)) complain(`${where}, event ${id}, is not of the filter's codes`)
  if (coverage.kind === 'revisions' && stream !== coverage.stream) {
    complain(`${where}, event ${id}, is of another stream than the bundle`)
  }
}

/** Within a stream revisions have no gap: what is missing between two is seen. */
const checkRevision = ({ revision }, where, coverage, last, complain) => {
  if (coverage.kind !== 'revisions') return null
  const now = BigInt(revision)
  const expected = last.revision === null ? BigInt(coverage.from) : last.revision + 1n
  if (now > expected)
    complain(`missing rows: revisions ${expected} to ${now - 1n} of ${coverage.stream}, before ${where}`)
  if (now < expected) complain(`swapped row: ${where} is revision ${now}, where ${expected} was due`)
  return now
}

const checkEnd = (seen, manifest, { expected, last }, wrong) => {
  const { coverage } = manifest
  if (seen.count < manifest.count) {
    wrong.push(`cut or missing: the manifest tells of ${manifest.count} rows, and there are ${seen.count}`)
  }
  if (seen.count > manifest.count) {
    wrong.push(`too many: the manifest tells of ${manifest.count} rows, and there are ${seen.count}`)
  }
  if (expected !== null && expected < coverage.to) wrong.push(`cut tail: ${missing(expected, coverage.to)}`)
  if (coverage.kind === 'revisions' && String(last.revision) !== String(coverage.to)) {
    wrong.push(`cut tail: the last row is not revision ${coverage.to}, with which the bundle ends`)
  }
  if (seen.digest.digest('hex') !== manifest.files['rows.ndjson']?.sha256) {
    wrong.push('rows.ndjson is not the file that the manifest tells of')
  }
}

/* The tree: leaves of the bundle, and for what lies between them the roots of subtrees. */

/** A hash a line, read as they are needed: there may be as many as rows. */
const HASH_LINE = 45
const HASH_LINES = 4_096 * HASH_LINE

const openProof = (path) => {
  const file = openFile(path)
  const digest = createHash('sha256')
  const buffer = Buffer.alloc(HASH_LINES)
  let [at, end] = [0, 0]
  const fill = () => {
    ;[at, end] = [0, 0]
    while (end < buffer.length) {
      const read = orMisuse(path, () => readSync(file, buffer, end, buffer.length - end, null))
      if (read === 0) break
      end += read
    }
    digest.update(buffer.subarray(0, end))
    return end > 0
  }
  return {
    /** Null where there is none, or another line. */
    next() {
      if (at === end && !fill()) return null
      const line = buffer.toString('latin1', at, Math.min(end, at + HASH_LINE))
      at += line.length
      const hash = line.length === HASH_LINE && line.endsWith('\n') ? strictBase64(line.slice(0, -1)) : null
      return hash?.length === 32 ? hash : null
    },
    close() {
      const unread = at < end || fill()
      while (fill());
      closeSync(file)
      return { sha256: digest.digest('hex'), unread }
    },
  }
}

/** Takes leaves in growing order. Holds one hash a level: the roots of the complete subtrees so far. */
const openTree = (nextHash, cuts, olderSize) => {
  const ends = [...cuts].sort((a, b) => a - b)
  const stack = []
  let nextEnd = 0
  let at = 0
  let fits = true
  let olderRoot = olderSize === 0 ? EMPTY_ROOT : null
  const push = (level, hash) => {
    let node = { level, hash }
    while (stack.length > 0 && stack.at(-1).level === node.level) {
      node = { level: node.level + 1, hash: nodeOf(stack.pop().hash, node.hash) }
    }
    stack.push(node)
    at += 2 ** level
    if (at === olderSize) olderRoot = rootOf(stack)
  }
  const passUpTo = (end) => {
    while (fits && at < end) {
      let level = 0
      while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level += 1
      const hash = nextHash()
      fits = hash !== null
      if (fits) push(level, hash)
    }
  }
  const pass = (to) => {
    for (; ends[nextEnd] < to; nextEnd += 1) passUpTo(ends[nextEnd])
    passUpTo(to)
  }
  return {
    add(index, hash) {
      pass(index)
      if (fits) push(0, hash)
    },
    /** The roots of the whole tree and of the older one; null where the parts do not make a tree. */
    close(size) {
      pass(size)
      return fits ? { whole: rootOf(stack), older: olderRoot } : null
    },
  }
}

const rootOf = (stack) =>
  stack.length === 0 ? EMPTY_ROOT : stack.map(({ hash }) => hash).reduceRight((right, left) => nodeOf(left, right))

const judgeRoots = ({ wrong }, roots, checkpoint, older) => {
  if (!roots.whole.equals(checkpoint.root)) {
    wrong.push(
      wrong.length > 0
        ? 'so the rows are not those of the tree that the checkpoint commits to'
        : 'changed row: the rows and hashes together are not the tree that the checkpoint commits to',
    )
  }
  if (older === null) return
  if (roots.older === null) {
    wrong.push(
      `the bundle cannot show that it continues the older checkpoint of ${older.size} leaves; ` +
        'ask for one made with: npm run export -- --checkpoint OLDER',
    )
  } else if (!roots.older.equals(older.root)) {
    wrong.push(
      `the checkpoint is inconsistent with the older one: the first ${older.size} leaves are not those it committed to`,
    )
  }
}

const checkOtherFiles = async (dir, manifest, wrong) => {
  const own = new Set(['manifest.json', 'manifest.sig', ...Object.keys(manifest.files)])
  for (const name of readdirSync(dir)) {
    if (!own.has(name) && !name.startsWith('.')) wrong.push(`the file ${JSON.stringify(name)} is not of this bundle`)
  }
  for (const [name, { sha256: wanted }] of Object.entries(manifest.files)) {
    if (name === 'rows.ndjson' || name === 'proof') continue
    if (!/^[\w.-]+$/.test(name) || !existsSync(join(dir, name))) {
      wrong.push(`the file ${JSON.stringify(name)} of the manifest is missing`)
      continue
    }
    const digest = createHash('sha256')
    for await (const chunk of createReadStream(join(dir, name))) digest.update(chunk)
    if (digest.digest('hex') !== wanted) wrong.push(`the file ${name} is not the one that the manifest tells of`)
  }
}

const describe = ({ proven, asserted }, { manifest, checkpoint, older, seen, keyText, keyGiven: given }) => {
  const { coverage, filter } = manifest
  proven.push(
    `${seen.count} rows are leaves of the log ${checkpoint.origin}, at their places and unchanged since the checkpoint ` +
      `of ${checkpoint.size} leaves was signed`,
  )
  if (seen.personal > 0) proven.push(`the personal data of ${seen.personal} rows is what was recorded with the event`)
  if (coverage.kind === 'leaves') {
    proven.push(`no row is missing between leaf ${coverage.from} and leaf ${coverage.to - 1}`)
  }
  if (coverage.kind === 'revisions') {
    proven.push(`no row of ${coverage.stream} is missing between revisions ${coverage.from} and ${coverage.to}`)
    asserted.push(`that ${coverage.stream} has no events before or behind these revisions within the filter`)
  }
  if (coverage.kind === 'rows') asserted.push('that no other event matches the filter')
  if (filter?.from || filter?.to) asserted.push('that the range of times begins and ends where the rows do')
  if (older !== null) proven.push(`all ${older.size} leaves of the older checkpoint are in this log, unchanged`)
  else asserted.push('that nothing was changed before the first checkpoint that somebody outside has kept')
  asserted.push(
    given
      ? 'that times and facts were true when they were recorded: a log shows what was written, not what happened'
      : `that the log is whose you think: the key came with the bundle. Compare it with yours: ${keyText}`,
  )
  for (const [why, count] of Object.entries(seen.hidden)) {
    asserted.push(`that the personal data of ${count} rows, which is not shown, was ${why}`)
  }
  for (const name of Object.keys(manifest.files)) {
    if (name !== 'rows.ndjson' && name !== 'proof') asserted.push(`that ${name} says the same as rows.ndjson`)
  }
}

/* Hashes, JSON, notes. */

const sha256 = (data) => createHash('sha256').update(data).digest()
const EMPTY_ROOT = sha256('')
/** Of the event's canonical JSON. */
const leafOf = (event) => sha256(`\0${event}`)
const NODE = Buffer.of(1)
const nodeOf = (left, right) => sha256(Buffer.concat([NODE, left, right], 65))

/** JCS (RFC 8785), of what JSON.parse has given. */
const canonicalJson = (value) => {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const members = Object.keys(value).sort()
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(',')}}`
}

const parseJson = (text) => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const strictBase64 = (text) => {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? bytes : null
}

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

const parseKey = (text) => {
  const [, name = '', id = '', encoded = ''] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(String(text)) ?? []
  const bytes = strictBase64(encoded)
  if (bytes?.length !== 33 || bytes[0] !== 1) return null
  const computed = sha256(Buffer.concat([Buffer.from(`${name}\n`), bytes])).subarray(0, 4)
  if (computed.toString('hex') !== id) return null
  const der = Buffer.concat([SPKI_PREFIX, bytes.subarray(1)])
  return { name, id: computed, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) }
}

/** The text that this key has signed, or null. */
const openNote = (note, key) => {
  const split = note.lastIndexOf('\n\n')
  if (split < 0 || !note.endsWith('\n')) return null
  const text = note.slice(0, split + 1)
  const own = note
    .slice(split + 2, -1)
    .split('\n')
    .map((line) => /^— (\S+) (\S+)$/u.exec(line))
    .filter((found) => found !== null && found[1] === key.name)
    .map((found) => strictBase64(found[2]))
    .filter((bytes) => bytes?.subarray(0, 4).equals(key.id))
  const right = own.every(
    (bytes) => bytes.length === 68 && verifySignature(null, Buffer.from(text), key.publicKey, bytes.subarray(4)),
  )
  return own.length > 0 && right ? text : null
}

const openCheckpoint = (note, key) => {
  const [origin, sizeText = '', rootText = ''] = openNote(note, key)?.split('\n') ?? []
  const size = /^(0|[1-9]\d*)$/.test(sizeText) ? Number(sizeText) : Number.NaN
  const root = strictBase64(rootText)
  return origin === key.name && Number.isSafeInteger(size) && root?.length === 32 ? { origin, size, root } : null
}

/* Files. */

const orMisuse = (path, read) => {
  try {
    return read()
  } catch (error) {
    throw new Misuse(`${path} cannot be read (${error.code})`)
  }
}

const readText = (path) => orMisuse(path, () => readFileSync(path, 'utf8'))
const openFile = (path) => orMisuse(path, () => openSync(path, 'r'))

async function* linesOf(path, seen) {
  if (!existsSync(path)) throw new Misuse(`${path} cannot be read`)
  let rest = Buffer.alloc(0)
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    seen.digest.update(chunk)
    seen.bytes += chunk.length
    const buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = buffer.indexOf(10); end >= 0; end = buffer.indexOf(10, start)) {
      yield buffer.toString('utf8', start, end)
      start = end + 1
    }
    rest = buffer.subarray(start)
  }
  if (rest.length > 0) yield rest.toString('utf8')
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    process.stderr.write(`${error instanceof Misuse ? error.message : error.stack}\n`)
    process.exitCode = 2
  },
)
