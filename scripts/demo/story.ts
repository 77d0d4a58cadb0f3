/** The story: one person, three devices, somebody who guesses, and how the account tells of it. */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { Device, type DeviceDescription } from './device.ts'
import { formatTable } from './table.ts'

interface Stage {
  readonly url: string
  readonly print: (text: string) => void
  readonly signal: AbortSignal
}

const LAPTOP: DeviceDescription = {
  name: 'laptop',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  address: '147.32.1.1',
}
const PHONE: DeviceDescription = {
  name: 'phone',
  userAgent:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  address: '129.132.1.1',
}
const TABLET: DeviceDescription = {
  name: 'tablet',
  userAgent:
    'Mozilla/5.0 (Linux; Android 15; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36',
  address: '130.149.7.201',
}
const THIEF: DeviceDescription = { name: 'thief', userAgent: TABLET.userAgent, address: '128.112.136.10' }
const STRANGER: DeviceDescription = { name: 'stranger', userAgent: 'python-requests/2.32.3', address: '128.112.136.10' }

const FIRST_PASSWORD = 'seven purple lanterns hum'
const SECOND_PASSWORD = 'eleven green umbrellas sing'

/** Throws DemoFailed where the server answers otherwise than the story goes. */
export const tellStory = async (stage: Stage): Promise<void> => {
  const { print } = stage
  const [laptop, phone, tablet, stranger] = [LAPTOP, PHONE, TABLET, STRANGER].map((each) => new Device(each, stage))
  if (laptop === undefined || phone === undefined || tablet === undefined || stranger === undefined) return
  const email = `ada.${randomBytes(4).toString('hex')}@example.com`
  const credentials = (password: string) => ({ email, password })
  const chapter = (title: string) => print(`\n${title}\n${'='.repeat(title.length)}`)

  chapter('1. Ada registers, and signs in on three devices')
  await laptop.ask('POST', '/v1/auth/register', 201, { ...credentials(FIRST_PASSWORD), name: 'Ada' })
  for (const device of [laptop, phone, tablet]) {
    await device.ask('POST', '/v1/auth/login', 200, credentials(FIRST_PASSWORD))
  }
  await showAccount(laptop, print)
  await sayWhereAddressesComeFrom(laptop, print)

  chapter('2. Somebody guesses her password')
  for (const guess of ['ada12345', 'password1', 'letmein!']) {
    await stranger.ask('POST', '/v1/auth/login', 401, credentials(guess))
  }
  await showAccount(laptop, print)

  chapter('3. She revokes the phone, which is signed out at once')
  await laptop.ask('DELETE', `/v1/me/sessions/${await sessionOn(laptop, 'mobile')}`, 204)
  await phone.ask('GET', '/v1/me', 401)
  await showAccount(laptop, print)

  chapter('4. She changes the password: the tablet is out, and the old password is worth nothing')
  const thief = laptop.stolenBy(THIEF)
  const change = { currentPassword: FIRST_PASSWORD, newPassword: SECOND_PASSWORD }
  await laptop.ask('PUT', '/v1/me/password', 403, { ...change, currentPassword: 'not the current one' })
  await laptop.ask('PUT', '/v1/me/password', 422, { ...change, newPassword: 'tooshort' })
  await laptop.ask('PUT', '/v1/me/password', 204, change)
  await tablet.ask('GET', '/v1/me', 401)
  await thief.ask('GET', '/v1/me', 401)
  await tablet.ask('POST', '/v1/auth/login', 401, credentials(FIRST_PASSWORD))
  await showAccount(laptop, print)

  chapter('5. Phone and tablet come back with the new password, and she revokes all others')
  await phone.ask('POST', '/v1/auth/login', 200, credentials(SECOND_PASSWORD))
  await tablet.ask('POST', '/v1/auth/login', 200, credentials(SECOND_PASSWORD))
  await laptop.ask('POST', '/v1/me/sessions/revoke-others', 200)
  await phone.ask('GET', '/v1/me', 401)
  await laptop.ask('GET', '/v1/me', 200)
  await showAccount(laptop, print)

  chapter('6. She signs out, and a copy of her cookie is as dead as the cookie')
  const copy = laptop.stolenBy(THIEF)
  await laptop.ask('POST', '/v1/auth/logout', 204)
  await copy.ask('GET', '/v1/me', 401)
  print(`\nThe account ${email} stays; its password is "${SECOND_PASSWORD}".`)
}

const placeSchema = z.object({ country: z.string(), city: z.string().nullable() }).nullable()
const softwareSchema = z.object({ name: z.string().nullable(), version: z.string().nullable() })

const sessionsSchema = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      hash: z.string(),
      status: z.string(),
      endedReason: z.string().nullable(),
      device: z.object({ type: z.string() }),
      browser: softwareSchema,
      os: softwareSchema,
      ip: z.string().nullable(),
      location: placeSchema,
      signedInAt: z.string(),
      current: z.boolean(),
    }),
  ),
})

const auditSchema = z.object({
  items: z.array(
    z.object({
      sequence: z.number(),
      code: z.string(),
      message: z.string(),
      outcome: z.string(),
      occurredAt: z.string(),
      ip: z.string().nullable(),
      location: placeSchema,
      sessionHash: z.string().nullable(),
    }),
  ),
})

const sessionOn = async (device: Device, type: string): Promise<string> => {
  const { items } = await device.look('/v1/me/sessions', sessionsSchema)
  return items.find((session) => session.device.type === type)?.id ?? ''
}

const sayWhereAddressesComeFrom = async (device: Device, print: (text: string) => void): Promise<void> => {
  const { items } = await device.look('/v1/me/sessions', sessionsSchema)
  if (new Set(items.map(({ ip }) => ip)).size > 1) return
  print('\n  (All devices have one address: this server trusts no proxy here. To see places, start it with')
  print('   TRUSTED_PROXIES="127.0.0.0/8 ::1/128", or stop it, so that the demo starts its own.)')
}

/** The two lists that the whole service is about, as the device may see them. */
const showAccount = async (device: Device, print: (text: string) => void): Promise<void> => {
  const sessions = await device.look('/v1/me/sessions?state=all', sessionsSchema)
  const audit = await device.look('/v1/me/audit-events?limit=200', auditSchema)
  print('\n  Sessions')
  print(
    formatTable(
      ['session', 'status', 'device', 'browser', 'system', 'address', 'place', 'signed in (UTC)'],
      sessions.items.map((each) => [
        each.hash.slice(0, 8),
        each.current ? 'active (this one)' : each.status + (each.endedReason === null ? '' : `: ${each.endedReason}`),
        each.device.type,
        software(each.browser),
        software(each.os),
        each.ip ?? '',
        place(each.location),
        clock(each.signedInAt),
      ]),
    ),
  )
  print('\n  Audit log')
  print(
    formatTable(
      ['#', 'time (UTC)', 'code', 'message', 'outcome', 'address', 'place', 'session'],
      audit.items.map((each) => [
        String(each.sequence),
        clock(each.occurredAt),
        each.code,
        each.message,
        each.outcome,
        each.ip ?? '',
        place(each.location),
        each.sessionHash?.slice(0, 8) ?? '-',
      ]),
    ),
  )
}

const software = ({ name, version }: z.infer<typeof softwareSchema>): string =>
  [name ?? 'unknown', version?.split('.')[0] ?? ''].join(' ').trim()

const place = (location: z.infer<typeof placeSchema>): string =>
  location === null ? '-' : [location.city, location.country].filter((part) => part !== null).join(', ')

const clock = (instant: string): string => instant.slice(11, 19)
