/** Who lives in a made-up history: somebody with a name, a city, a few devices and a place to travel to. */
import { computers, tablets, telephones } from './devices.ts'
import { homes, type Place } from './places.ts'
import { randomOf } from './random.ts'

export interface Person {
  readonly name: string
  readonly email: string
  readonly home: Place
  readonly elsewhere: Place
  /** Last number of the address that they have wherever they are. */
  readonly host: number
  /** User agents. */
  readonly devices: readonly string[]
}

/** The same for ever. Under `.example` nobody can be reached (RFC 2606), and no two seeds share an address. */
export const personOf = (seed: number, number: number): Person => {
  const random = randomOf(seed, 'person', number)
  const [first, last] = [random.pick(FIRST_NAMES), random.pick(LAST_NAMES)]
  return {
    name: `${first} ${last}`,
    email: `${first}.${last}.${number + 1}@seed-${seed}.example`.toLowerCase(),
    home: random.pick(homes),
    elsewhere: random.pick(homes),
    host: random.whole(2, 254),
    devices: [
      random.pick(computers),
      ...(random.chance(0.8) ? [random.pick(telephones)] : []),
      ...(random.chance(0.15) ? [random.pick(tablets)] : []),
    ],
  }
}

const FIRST_NAMES: readonly [string, ...string[]] = [
  ...['Ada', 'Amir', 'Anna', 'Bela', 'Carla', 'Chidi', 'Dana', 'Elif', 'Emil', 'Femi', 'Finn', 'Greta', 'Hana', 'Hugo'],
  ...['Ines', 'Ivo', 'Jana', 'Joao', 'Kaya', 'Kenji', 'Lena', 'Liam', 'Maja', 'Marta', 'Milo', 'Nadia', 'Nora', 'Olga'],
  ...['Omar', 'Paula', 'Priya', 'Rafa', 'Rosa', 'Sami', 'Sofia', 'Tomas', 'Uma', 'Vera', 'Yuki', 'Zoe'],
] as [string, ...string[]]

const LAST_NAMES: readonly [string, ...string[]] = [
  ...['Adler', 'Almeida', 'Berg', 'Bianchi', 'Chen', 'Costa', 'Dubois', 'Ekman', 'Ferrer', 'Fischer', 'Garcia', 'Haas'],
  ...['Hansen', 'Ito', 'Jansen', 'Kaur', 'Keller', 'Kowal', 'Laine', 'Lindqvist', 'Martin', 'Meyer', 'Moreau', 'Nowak'],
  ...['Okafor', 'Olsen', 'Park', 'Patel', 'Pereira', 'Reid', 'Rossi', 'Sato', 'Silva', 'Tanaka', 'Vance', 'Weber'],
] as [string, ...string[]]
