import { codeOf } from './error.ts'

/** Whether a process of this number runs here. Says nothing about processes of other containers. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It is there and belongs to somebody else.
    return codeOf(error) === 'EPERM'
  }
}
