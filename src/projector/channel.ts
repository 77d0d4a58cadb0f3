/** How projectors tell the other processes what happened, by NOTIFY. */
export const PROJECTION_CHANNEL = 'strongroom_projection'
/** Another one: a reactor may have the name of a projection. */
export const REACTOR_CHANNEL = 'strongroom_reactor'

/** `position` null: something other than a batch happened (halted, released, registered): look at the row again. */
export interface ProjectionNews {
  readonly name: string
  readonly version: number
  readonly position: bigint | null
}

/** `name:version:position`. */
export function formatNews(news: ProjectionNews): string {
  return `${news.name}:${news.version}:${news.position ?? ''}`
}

/** Undefined for what this program did not write. */
export function parseNews(payload: string): ProjectionNews | undefined {
  const [, name, version, position] = /^([a-z][a-z0-9_]*):(\d{1,9}):(-?\d{0,19})$/.exec(payload) ?? []
  if (name === undefined || version === undefined || position === undefined) return undefined
  return { name, version: Number(version), position: position === '' ? null : BigInt(position) }
}
