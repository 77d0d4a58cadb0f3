/** Every setting, read from the environment once. Nothing else reads process.env. */
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import type { Limits } from './account/commands.ts'
import { type MailSettings, mailFrom, senderAt, smtpUrl } from './mailer/settings.ts'
import { isAffordable } from './secrets/password-hash-format.ts'

/** A setting that cannot be used. The message names it and says what it should be. */
export class InvalidConfiguration extends Error {
  override readonly name = 'InvalidConfiguration'
}

const whole = (fallback: number, min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .default(fallback)

const listOf = <T>(each: z.ZodType<T, string>) =>
  z
    .string()
    .default('')
    .transform((text) => text.split(/[\s,]+/).filter((part) => part !== ''))
    .pipe(z.array(each))

const role = z.enum(['api', 'projector'])
const origin = z
  .url({ protocol: /^https?$/, error: 'must be an http or https origin', abort: true })
  .refine((text) => new URL(text).origin === text.replace(/\/$/, ''), 'must be an origin: scheme, host and port only')
  .transform((text) => new URL(text).origin)
const cidr = z.string().refine((text) => {
  try {
    // A range of all addresses would let everybody choose the address that is recorded.
    return ipaddr.parseCIDR(text)[1] > 0
  } catch {
    return false
  }
}, 'must be an address range such as 10.0.0.0/8, and not of all addresses')
const storeUrl = z.string().regex(/^(esdb(\+discover)?|postgres(ql)?):\/\/./, 'must begin with esdb:// or postgres://')
const databaseUrl = z.string().regex(/^postgres(ql)?:\/\/./, 'must begin with postgres://')

const environment = z.object({
  /** Any other word, or another spelling, would silently mean the lenient defaults. */
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  PORT: whole(3000, 0, 65_535),
  HOST: z.string().default('127.0.0.1'),
  DATA_DIR: z.string().default('./data'),
  EVENT_STORE_URL: storeUrl.optional(),
  DATABASE_URL: databaseUrl.optional(),
  ROLES: listOf(role)
    .transform((roles) => (roles.length === 0 ? (['api', 'projector'] as const) : roles))
    .pipe(z.array(role)),
  MASTER_KEY: z.string().optional(),
  MASTER_KEY_FILE: z.string().optional(),
  LOG_SIGNING_KEY_FILE: z.string().optional(),
  PUBLIC_URL: origin.optional(),
  TRUSTED_PROXIES: listOf(cidr),
  ALLOWED_ORIGINS: listOf(origin),
  SMTP_URL: smtpUrl.optional(),
  MAIL_FROM: mailFrom.optional(),
  REGISTRATION: z.enum(['open', 'closed']).optional(),
  PASSWORD_POLICY: z.enum(['default', 'nist', 'pci']).default('default'),
  SCRYPT_LOG_N: whole(15, 8, 20),
  SCRYPT_R: whole(8, 1, 32),
  SCRYPT_P: whole(3, 1, 16),
  HASH_QUEUE: whole(256, 1, 100_000),
  SESSION_IDLE_SECONDS: whole(900, 1, 31_536_000),
  SESSION_ABSOLUTE_SECONDS: whole(43_200, 1, 31_536_000),
  SUDO_SECONDS: whole(900, 1, 86_400),
  SESSIONS_MAX: whole(100, 1, 1_000),
  ACTIVITY_SECONDS: whole(30, 1, 3_600),
  LOCK_AFTER_FAILURES: whole(10, 1, 1_000),
  LOCK_SECONDS: whole(1_800, 1, 31_536_000),
  CHALLENGE_SECONDS: whole(300, 1, 3_600),
  ENROLLMENT_SECONDS: whole(600, 1, 86_400),
  RESET_TOKEN_SECONDS: whole(3_600, 1, 604_800),
  NOT_ME_SECONDS: whole(604_800, 1, 31_536_000),
  RESET_MAILS_PER_HOUR: whole(3, 1, 100),
  LOGIN_PER_ADDRESS_PER_MINUTE: whole(300, 1, 1_000_000),
  CONSISTENCY_WAIT_MS: whole(2_000, 0, 60_000),
  IDEMPOTENCY_SECONDS: whole(86_400, 1, 2_592_000),
  START_WAIT_SECONDS: whole(5, 0, 3_600),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
})

export type Config = ReturnType<typeof readConfig>

/** Throws InvalidConfiguration, naming the variable. An empty variable counts as not set. */
export const readConfig = (variables: Readonly<Record<string, string | undefined>> = process.env) => {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path[0]?.toString()}: ${issue.message}`)
    throw new InvalidConfiguration(problems.join('; '))
  }
  const env = parsed.data
  const hash = { logN: env.SCRYPT_LOG_N, r: env.SCRYPT_R, p: env.SCRYPT_P }
  if (!isAffordable(hash)) {
    throw new InvalidConfiguration(
      'SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P: together they ask for more memory or work than is allowed',
    )
  }
  const production = env.NODE_ENV === 'production'
  if (production) refuseInProduction(env)
  const seconds = (value: number) => value * 1_000
  const publicUrl = env.PUBLIC_URL ?? `http://localhost:${env.PORT}`
  return {
    production,
    http: {
      port: env.PORT,
      host: env.HOST,
      publicUrl,
      trustedProxies: env.TRUSTED_PROXIES,
      allowedOrigins: env.ALLOWED_ORIGINS,
    },
    dataDir: env.DATA_DIR,
    eventStoreUrl: env.EVENT_STORE_URL,
    databaseUrl: env.DATABASE_URL,
    roles: new Set(env.ROLES),
    masterKey: env.MASTER_KEY,
    masterKeyFile: env.MASTER_KEY_FILE,
    logSigningKeyFile: env.LOG_SIGNING_KEY_FILE,
    registration: env.REGISTRATION ?? (production ? 'closed' : 'open'),
    passwordPolicy: env.PASSWORD_POLICY,
    hashing: { ...hash, queueLimit: env.HASH_QUEUE },
    session: {
      idleMs: seconds(env.SESSION_IDLE_SECONDS),
      /** How often an active session writes its last access: early enough that the idle limit stays meaningful. */
      activityMs: Math.min(seconds(env.ACTIVITY_SECONDS), seconds(env.SESSION_IDLE_SECONDS) / 10),
    },
    limits: {
      lockAfterFailures: env.LOCK_AFTER_FAILURES,
      lockMs: seconds(env.LOCK_SECONDS),
      sessionAbsoluteMs: seconds(env.SESSION_ABSOLUTE_SECONDS),
      sudoMs: seconds(env.SUDO_SECONDS),
      sessionsMax: env.SESSIONS_MAX,
      idempotencyMs: seconds(env.IDEMPOTENCY_SECONDS),
      challengeMs: seconds(env.CHALLENGE_SECONDS),
      enrollmentMs: seconds(env.ENROLLMENT_SECONDS),
      resetTokenMs: seconds(env.RESET_TOKEN_SECONDS),
      notMeMs: seconds(env.NOT_ME_SECONDS),
      resetMailsPerHour: env.RESET_MAILS_PER_HOUR,
    } satisfies Limits,
    loginPerAddressPerMinute: env.LOGIN_PER_ADDRESS_PER_MINUTE,
    mail: { smtp: env.SMTP_URL, from: env.MAIL_FROM ?? senderAt(publicUrl) } satisfies MailSettings,
    consistencyWaitMs: env.CONSISTENCY_WAIT_MS,
    startWaitMs: seconds(env.START_WAIT_SECONDS),
    logLevel: env.LOG_LEVEL,
  }
}

const refuseInProduction = (env: z.infer<typeof environment>): void => {
  if (env.MASTER_KEY === undefined && env.MASTER_KEY_FILE === undefined) {
    throw new InvalidConfiguration('MASTER_KEY or MASTER_KEY_FILE: required where NODE_ENV=production')
  }
  // Only who grows the log signs it; a process that serves requests should not even be able to read the key.
  if (env.ROLES.includes('projector') && env.LOG_SIGNING_KEY_FILE === undefined) {
    throw new InvalidConfiguration('LOG_SIGNING_KEY_FILE: required where NODE_ENV=production and ROLES has projector')
  }
  const tooWeak = [
    env.SCRYPT_LOG_N < 15 && 'SCRYPT_LOG_N: at least 15',
    env.SCRYPT_R < 8 && 'SCRYPT_R: at least 8',
    env.SCRYPT_P < 3 && env.SCRYPT_LOG_N < 17 && 'SCRYPT_P: at least 3, or 1 from SCRYPT_LOG_N=17 on',
  ].filter((problem) => problem !== false)
  if (tooWeak.length > 0) throw new InvalidConfiguration(`${tooWeak.join('; ')} where NODE_ENV=production`)
}
