/** Files of our own host, each loaded when it is shown. */
const files = import.meta.glob<string>('/../node_modules/flag-icons/flags/4x3/??.svg', {
  query: '?url',
  import: 'default',
  eager: true,
})

const urls: ReadonlyMap<string, string> = new Map(
  Object.entries(files).map(([path, url]) => [path.slice(-6, -4).toUpperCase(), url]),
)

/** Of an ISO 3166-1 alpha-2 code; undefined where there is no such flag. */
export const flagUrl = (country: string): string | undefined => urls.get(country)
