/** The fields of profile and preferences: what each may be, and what it is while nobody has set it. */
import { z } from 'zod'
import { nameSchema } from './schemas.ts'

/** Neither blanks nor what could turn a line upside down: nothing of it is needed in a URL. */
const visible = /^[^\s\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u

/** `new URL` alone would take user names, which make an address look like another's. */
const webAddress = (protocols: readonly string[]) =>
  z
    .string()
    .min(1)
    .max(2_048)
    .refine(
      (text) => {
        if (!visible.test(text) || !URL.canParse(text)) return false
        const { protocol, username, password, hostname } = new URL(text)
        return protocols.includes(protocol) && hostname !== '' && username === '' && password === ''
      },
      `must be a whole address that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    )

/** ITU-T E.164: at most fifteen digits, the country's code first. */
const phone = z.string().regex(/^\+[1-9]\d{6,14}$/, 'must be like +4930123456: plus, country code, number, only digits')

/** BCP 47, in its canonical spelling. */
const language = z
  .string()
  .min(2)
  .max(35)
  .transform((tag, context) => {
    try {
      return Intl.getCanonicalLocales(tag)[0] ?? tag
    } catch {
      context.addIssue({ code: 'custom', message: 'must be a language tag such as en or pt-BR' })
      return z.NEVER
    }
  })

const timeZone = z
  .string()
  .min(1)
  .max(64)
  .transform((name, context) => {
    const spelling = spellingOfZone(name)
    if (spelling !== null) return spelling
    context.addIssue({ code: 'custom', message: 'must be a time zone of the IANA database, such as Europe/Berlin' })
    return z.NEVER
  })

/** null: there is no such zone. An alias stays as it is, for what Node calls it instead differs by version. */
const spellingOfZone = (name: string): string | null => {
  // Offsets such as +01:00, which newer versions take too, are no zones.
  if (!/^[A-Za-z]/.test(name)) return null
  try {
    const known = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
    return known.toLowerCase() === name.toLowerCase() ? known : name
  } catch {
    return null
  }
}

const dateFormats = ['YYYY-MM-DD', 'DD.MM.YYYY', 'DD/MM/YYYY', 'MM/DD/YYYY'] as const
const decimalSeparators = ['.', ','] as const

/** null: not told. */
export const profileFields = {
  name: nameSchema.nullable(),
  phone: phone.nullable(),
  website: webAddress(['http:', 'https:']).nullable(),
  avatarUrl: webAddress(['https:']).nullable(),
}

const preferences = {
  language,
  timeZone,
  dateFormat: z.enum(dateFormats),
  relativeTime: z.boolean(),
  decimalSeparator: z.enum(decimalSeparators),
  precision: z.int().min(0).max(8),
  itemsPerPage: z.int().min(10).max(200).multipleOf(10),
  showTestData: z.boolean(),
}

/** null: the default again. */
export const preferenceFields = {
  language: preferences.language.nullable(),
  timeZone: preferences.timeZone.nullable(),
  dateFormat: preferences.dateFormat.nullable(),
  relativeTime: preferences.relativeTime.nullable(),
  decimalSeparator: preferences.decimalSeparator.nullable(),
  precision: preferences.precision.nullable(),
  itemsPerPage: preferences.itemsPerPage.nullable(),
  showTestData: preferences.showTestData.nullable(),
}

export const profileSchema = z.strictObject({
  name: z.string().nullable(),
  phone: z.string().nullable(),
  website: z.string().nullable(),
  avatarUrl: z.string().nullable(),
})
export type Profile = z.infer<typeof profileSchema>

export const preferencesSchema = z.strictObject({
  ...preferences,
  language: z.string(),
  timeZone: z.string(),
})
export type Preferences = z.infer<typeof preferencesSchema>

export const defaultPreferences: Preferences = {
  language: 'en',
  timeZone: 'UTC',
  dateFormat: 'YYYY-MM-DD',
  relativeTime: true,
  decimalSeparator: '.',
  precision: 2,
  itemsPerPage: 50,
  showTestData: false,
}
