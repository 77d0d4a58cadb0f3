/** What has happened to the account before its pictures are taken. */
import type { Device, Place, Studio } from './studio.ts'

export const EMAIL = 'ada.lovelace@example.com'
export const PASSWORD = 'eleven green umbrellas sing'
const FIRST_PASSWORD = 'seven purple lanterns hum'

export const LAPTOP: Place = {
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36',
  address: '147.32.1.1',
}
export const PHONE: Place = {
  userAgent:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  address: '129.132.1.1',
}
const TABLET: Place = {
  userAgent:
    'Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  address: '130.149.7.201',
}
const OFFICE: Place = {
  userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:147.0) Gecko/20100101 Firefox/147.0',
  address: '193.0.6.139',
}
const STRANGER: Place = { userAgent: 'python-requests/2.32.3', address: '128.112.136.10' }

/** The laptop, signed in, a week later. */
export const liveAWeek = async (studio: Studio): Promise<Device> => {
  const [laptop, phone, tablet, office, stranger] = await Promise.all(
    [LAPTOP, PHONE, TABLET, OFFICE, STRANGER].map((place) => studio.openDevice(place)),
  )
  if (!laptop || !phone || !tablet || !office || !stranger) throw new Error('a device is missing')
  const signIn = (device: Device, password: string) => device.post('/v1/auth/login', { email: EMAIL, password })

  await laptop.post('/v1/auth/register', { email: EMAIL, password: FIRST_PASSWORD, name: 'Ada Lovelace' })
  await signIn(laptop, FIRST_PASSWORD)
  studio.pass(9)
  await laptop.send('PATCH', '/v1/me/profile', { phone: '+442079460958', website: 'https://ada.example.com/' })
  studio.pass(26 * 60)
  await signIn(office, FIRST_PASSWORD)
  studio.pass(8 * 60)
  await office.post('/v1/auth/logout')
  studio.pass(31 * 60)
  for (const guess of ['ada1815', 'lovelace!', 'byron123']) {
    await stranger.send('POST', '/v1/auth/login', { email: EMAIL, password: guess })
    studio.pass(1)
  }
  studio.pass(47)
  await laptop.send('PUT', '/v1/me/password', { currentPassword: FIRST_PASSWORD, newPassword: PASSWORD })
  studio.pass(22 * 60)
  await signIn(phone, PASSWORD)
  studio.pass(19 * 60)
  await signIn(tablet, PASSWORD)
  studio.pass(41 * 60)
  await laptop.post('/v1/auth/logout')
  studio.pass(3 * 60)
  await signIn(laptop, PASSWORD)
  studio.pass(4)
  return laptop
}
