/** How projectors tell the other processes what happened, by NOTIFY. */
export const PROJECTION_CHANNEL = 'strongroom_projection'
/** Another one: a reactor may have the name of a projection. */
export const REACTOR_CHANNEL = 'strongroom_reactor'
/** An operator asks for something (a rebuild, a release); the payload is the projection's name. */
export const REQUEST_CHANNEL = 'strongroom_projection_request'

/** `position` null: something other than a batch happened (halted, released, registered): look at the row again. */
export interface ProjectionNews {
  readonly name: string
  readonly version: number
  readonly build: number
  readonly position: bigint | null
}

/** `name:version:build:position`. */
export function formatNews(news: ProjectionNews): string {
  return `${news.name}:${news.version}:${news.build}:${news.position ?? ''}`
}

/** Undefined for what this program did not write. */
export function parseNews(payload: string): ProjectionNews | undefined {
  const [, name, version, build, position] = /^([a-z][a-z0-9_]*):(\d{1,9}):(\d{1,9}):(-?\d{0,19})$/.exec(payload) ?? []
  if (name === undefined || version === undefined || build === undefined || position === undefined) return undefined
  return { name, version: Number(version), build: Number(build), position: position === '' ? null : BigInt(position) }
}
