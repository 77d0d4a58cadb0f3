/**
 * The data of geoip-lite, looked up where they lie. The package itself reads all of them into memory, 150 MB that the
 * process then holds for ever; they are sorted tables of fixed records, in which an address is found by some twenty
 * reads of a few bytes. The system keeps in its page cache what of them is used, and gives it up when memory is short.
 */
import { fstatSync, openSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'
import ipaddr from 'ipaddr.js'
import type { Location } from './location.ts'

export interface GeoData {
  /**
   * `ip`: a normalised IPv4 or IPv6 address. Null where the data do not know it. Reads synchronously. Throws where a
   * file is away or cut short.
   */
  find(ip: string): Location | null
}

/** The files stay open as long as the process lives. */
export const openGeoData = (): GeoData => {
  const names = openRecords('geoip-city-names.dat', NAME_BYTES)
  const ranges4 = openRecords('geoip-city.dat', 24)
  const ranges6 = openRecords('geoip-city6.dat', 48)

  const placeOf = (range: Buffer | null, nameAt: number): Location | null => {
    const name = range?.readUInt32BE(nameAt) ?? NO_NAME
    return name === NO_NAME ? null : locationOf(names.read(name))
  }
  return {
    find(ip) {
      const bytes = Buffer.from(ipaddr.parse(ip).toByteArray())
      if (bytes.length === 4) {
        // First and last address of the range, number of the name.
        const wanted = bytes.readUInt32BE()
        const starts = ranges4.lastWhere((range) => range.readUInt32BE() <= wanted)
        return starts !== null && wanted <= starts.readUInt32BE(4) ? placeOf(starts, 8) : null
      }
      // The same with 16 bytes each, of which the first eight tell.
      const wanted = bytes.readBigUInt64BE()
      const starts = ranges6.lastWhere((range) => range.readBigUInt64BE() <= wanted)
      return starts !== null && wanted <= starts.readBigUInt64BE(16) ? placeOf(starts, 32) : null
    },
  }
}

/** Country (2 bytes), region (3), what we do not use (37), city (46), each filled up with zeros. */
const NAME_BYTES = 88
const NO_NAME = 0xffff_ffff

/** Some ranges are listed without a country: nothing is known about them. */
const locationOf = (name: Buffer): Location | null => {
  const country = textIn(name, 0, 2)
  return country === null ? null : { country, region: textIn(name, 2, 5), city: textIn(name, 42, NAME_BYTES) }
}

/** The data cut long names by bytes, which can leave half a character. */
const textIn = (name: Buffer, from: number, to: number): string | null => {
  const bytes = name.subarray(from, to)
  const end = bytes.indexOf(0)
  const text = bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
  return text.replace(/\ufffd+$/, '').trim() || null
}

const openRecords = (file: string, bytes: number) => {
  const descriptor = openSync(createRequire(import.meta.url).resolve(`geoip-lite/data/${file}`), 'r')
  const count = Math.floor(fstatSync(descriptor).size / bytes)

  const read = (number: number): Buffer => {
    const record = Buffer.alloc(bytes)
    const length = readSync(descriptor, record, 0, bytes, number * bytes)
    if (length !== bytes) throw new Error(`${file} has no whole record ${number}`)
    return record
  }
  return {
    read,
    /** Of records in order, the last one that fits where all before it fit too; null: not even the first does. */
    lastWhere(fits: (record: Buffer) => boolean): Buffer | null {
      let found: Buffer | null = null
      let [low, high] = [0, count - 1]
      while (low <= high) {
        const middle = (low + high) >>> 1
        const record = read(middle)
        if (fits(record)) {
          found = record
          low = middle + 1
        } else high = middle - 1
      }
      return found
    },
  }
}
