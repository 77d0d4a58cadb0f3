/** Folders that nobody else can put anything into: what lies there is ours, whatever it is named. */
import { lstat, mkdir } from 'node:fs/promises'

/** Made where it is missing, for us alone. Throws where `mustBeOurs` does, and where it cannot be made. */
export const ownFolder = async (path) => {
  await mkdir(path, { mode: 0o700 }).catch((error) => {
    if (error.code !== 'EEXIST') throw error
  })
  await mustBeOurs(path)
  return path
}

/**
 * Throws, with a sentence that names it, where `path` is a link, belongs to somebody who is neither us nor root, or can be
 * written to by others. On systems without owners of this kind only the first is looked at.
 */
export const mustBeOurs = async (path) => {
  const stats = await mustBeFolder(path)
  const us = process.getuid?.()
  if (us === undefined) return
  if (stats.uid !== us && stats.uid !== 0) throw new Error(`${path} belongs to another user`)
  if ((stats.mode & OTHERS_WRITE) !== 0) {
    throw new Error(`${path} can be written to by others than its owner (chmod go-w forbids it)`)
  }
}

/** Throws where `path` is a link or a file, or can be written to by others than can write to `around`. */
export const mustBeNoMoreOpen = async (path, around) => {
  const [within, without] = [await mustBeFolder(path), await mustBeFolder(around)]
  if (process.getuid === undefined) return
  if ((within.mode & ~without.mode & OTHERS_WRITE) !== 0) {
    throw new Error(`${path} can be written to by others than ${around} (chmod go-w forbids it)`)
  }
  if (![process.getuid(), 0, without.uid].includes(within.uid)) throw new Error(`${path} belongs to another user`)
}

/** Throws where it is a link, which might lead to what is ours and was meant for something else; or a file. */
const mustBeFolder = async (path) => {
  const stats = await lstat(path)
  if (!stats.isDirectory()) throw new Error(`${path} is not a directory but a link or a file`)
  return stats
}

/** Group and all. An entry of an access control list that lets somebody write shows as the group's. */
const OTHERS_WRITE = 0o022
