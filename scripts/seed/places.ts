/** Where people are: cities that the location data know by one network each, and how their clocks go. */

export interface Place {
  readonly city: string
  readonly country: string
  /** The first three numbers of its addresses: the data put all 256 of them in this city. */
  readonly network: string
  /** Hours before UTC, in winter: whoever works at eight there may do so at nine in summer. */
  readonly utcOffset: number
  readonly timeZone: string
}

const place = (city: string, country: string, network: string, utcOffset: number, timeZone: string): Place => ({
  city,
  country,
  network,
  utcOffset,
  timeZone,
})

export const homes: readonly [Place, ...Place[]] = [
  place('Berlin', 'DE', '2.202.130', 1, 'Europe/Berlin'),
  place('Munich', 'DE', '2.202.77', 1, 'Europe/Berlin'),
  place('Hamburg', 'DE', '2.214.10', 1, 'Europe/Berlin'),
  place('Paris', 'FR', '2.17.130', 1, 'Europe/Paris'),
  place('Lyon', 'FR', '5.51.130', 1, 'Europe/Paris'),
  place('London', 'GB', '2.17.77', 0, 'Europe/London'),
  place('Manchester', 'GB', '2.30.10', 0, 'Europe/London'),
  place('Madrid', 'ES', '2.136.77', 1, 'Europe/Madrid'),
  place('Milan', 'IT', '2.20.200', 1, 'Europe/Rome'),
  place('Amsterdam', 'NL', '4.175.10', 1, 'Europe/Amsterdam'),
  place('Stockholm', 'SE', '2.21.200', 1, 'Europe/Stockholm'),
  place('Warsaw', 'PL', '5.60.10', 1, 'Europe/Warsaw'),
  place('Vienna', 'AT', '20.227.77', 1, 'Europe/Vienna'),
  place('Zurich', 'CH', '4.163.10', 1, 'Europe/Zurich'),
  place('Lisbon', 'PT', '2.81.10', 0, 'Europe/Lisbon'),
  place('Helsinki', 'FI', '17.67.10', 2, 'Europe/Helsinki'),
  place('New York', 'US', '4.16.130', -5, 'America/New_York'),
  place('Chicago', 'US', '4.79.77', -6, 'America/Chicago'),
  place('Seattle', 'US', '2.19.130', -8, 'America/Los_Angeles'),
  place('Toronto', 'CA', '4.172.10', -5, 'America/Toronto'),
  place('São Paulo', 'BR', '2.19.10', -3, 'America/Sao_Paulo'),
  place('Tokyo', 'JP', '1.33.130', 9, 'Asia/Tokyo'),
  place('Seoul', 'KR', '1.11.77', 9, 'Asia/Seoul'),
  place('Bengaluru', 'IN', '1.39.130', 5.5, 'Asia/Kolkata'),
  place('Sydney', 'AU', '1.40.10', 10, 'Australia/Sydney'),
  place('Singapore', 'SG', '3.0.10', 8, 'Asia/Singapore'),
]

/** From where strangers guess. They sleep as little as their programs. */
export const faraway: readonly [Place, ...Place[]] = [
  place('Moscow', 'RU', '2.92.200', 3, 'Europe/Moscow'),
  place('Shenzhen', 'CN', '1.82.77', 8, 'Asia/Shanghai'),
  place('Hanoi', 'VN', '1.52.200', 7, 'Asia/Bangkok'),
  place('Lagos', 'NG', '34.99.130', 1, 'Africa/Lagos'),
  place('Bucharest', 'RO', '5.2.130', 2, 'Europe/Bucharest'),
  place('Jakarta', 'ID', '8.215.10', 7, 'Asia/Jakarta'),
]
