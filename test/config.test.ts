import { describe, expect, it } from 'vitest'
import { InvalidConfiguration, readConfig } from '../src/config.ts'

const PRODUCTION = {
  NODE_ENV: 'production',
  MASTER_KEY: 'whatever it is: the vault judges it',
  LOG_SIGNING_KEY_FILE: '/run/secrets/log_signing_key',
}

const refusalOf = (variables: Readonly<Record<string, string>>): string => {
  try {
    readConfig(variables)
  } catch (error) {
    if (error instanceof InvalidConfiguration) return error.message
    throw error
  }
  throw new Error('it was accepted')
}

describe('without any variable', () => {
  it('everything has the default that the contract names', () => {
    expect(readConfig({})).toStrictEqual({
      production: false,
      http: {
        port: 3000,
        host: '127.0.0.1',
        publicUrl: 'http://localhost:3000',
        trustedProxies: [],
        allowedOrigins: [],
      },
      dataDir: './data',
      eventStoreUrl: undefined,
      databaseUrl: undefined,
      roles: new Set(['api', 'projector']),
      masterKey: undefined,
      masterKeyFile: undefined,
      logSigningKeyFile: undefined,
      registration: 'open',
      passwordPolicy: 'default',
      hashing: { logN: 15, r: 8, p: 3, queueLimit: 256 },
      session: { idleMs: 900_000, activityMs: 30_000 },
      limits: {
        lockAfterFailures: 10,
        lockMs: 1_800_000,
        sessionAbsoluteMs: 43_200_000,
        sudoMs: 900_000,
        sessionsMax: 100,
        idempotencyMs: 86_400_000,
        challengeMs: 300_000,
        enrollmentMs: 600_000,
        resetTokenMs: 3_600_000,
        notMeMs: 604_800_000,
        resetMailsPerHour: 3,
      },
      loginPerAddressPerMinute: 300,
      mail: { smtp: undefined, from: { name: 'Strongroom', address: 'no-reply@localhost' } },
      consistencyWaitMs: 2_000,
      startWaitMs: 5_000,
      logLevel: 'info',
    })
  })

  it('an empty variable counts as none', () => {
    const names = ['PORT', 'ROLES', 'PUBLIC_URL', 'MASTER_KEY', 'TRUSTED_PROXIES', 'DATABASE_URL', 'LOG_LEVEL']
    expect(readConfig(Object.fromEntries(names.map((name) => [name, ''])))).toStrictEqual(readConfig({}))
  })

  it('variables of other programs do not matter', () => {
    expect(readConfig({ PATH: '/bin', port: '1' })).toStrictEqual(readConfig({}))
  })
})

describe('a variable', () => {
  it.each([
    ['PORT', '0', { http: { port: 0 } }],
    ['PORT', '65535', { http: { port: 65_535 } }],
    ['HOST', '0.0.0.0', { http: { host: '0.0.0.0' } }],
    ['DATA_DIR', '/var/lib/strongroom', { dataDir: '/var/lib/strongroom' }],
    ['EVENT_STORE_URL', 'postgres://db/events', { eventStoreUrl: 'postgres://db/events' }],
    ['DATABASE_URL', 'postgresql://db/strongroom', { databaseUrl: 'postgresql://db/strongroom' }],
    ['ROLES', 'api', { roles: new Set(['api']) }],
    ['ROLES', 'projector, api', { roles: new Set(['api', 'projector']) }],
    ['MASTER_KEY', 'key', { masterKey: 'key' }],
    ['MASTER_KEY_FILE', '/run/secrets/key', { masterKeyFile: '/run/secrets/key' }],
    ['LOG_SIGNING_KEY_FILE', '/run/secrets/key', { logSigningKeyFile: '/run/secrets/key' }],
    ['PUBLIC_URL', 'https://id.example.com/', { http: { publicUrl: 'https://id.example.com' } }],
    ['TRUSTED_PROXIES', '10.0.0.0/8, fd00::/8', { http: { trustedProxies: ['10.0.0.0/8', 'fd00::/8'] } }],
    [
      'ALLOWED_ORIGINS',
      'https://a.example.com https://b.example.com:8443',
      { http: { allowedOrigins: ['https://a.example.com', 'https://b.example.com:8443'] } },
    ],
    ['REGISTRATION', 'closed', { registration: 'closed' }],
    ['PASSWORD_POLICY', 'nist', { passwordPolicy: 'nist' }],
    ['SCRYPT_LOG_N', '10', { hashing: { logN: 10 } }],
    ['SCRYPT_R', '16', { hashing: { r: 16 } }],
    ['SCRYPT_P', '1', { hashing: { p: 1 } }],
    ['HASH_QUEUE', '5', { hashing: { queueLimit: 5 } }],
    ['SESSION_IDLE_SECONDS', '60', { session: { idleMs: 60_000 } }],
    ['SESSION_ABSOLUTE_SECONDS', '60', { limits: { sessionAbsoluteMs: 60_000 } }],
    ['SUDO_SECONDS', '5', { limits: { sudoMs: 5_000 } }],
    ['SESSIONS_MAX', '2', { limits: { sessionsMax: 2 } }],
    ['ACTIVITY_SECONDS', '7', { session: { activityMs: 7_000 } }],
    ['LOCK_AFTER_FAILURES', '3', { limits: { lockAfterFailures: 3 } }],
    ['LOCK_SECONDS', '1', { limits: { lockMs: 1_000 } }],
    ['CHALLENGE_SECONDS', '1', { limits: { challengeMs: 1_000 } }],
    ['ENROLLMENT_SECONDS', '1', { limits: { enrollmentMs: 1_000 } }],
    ['RESET_TOKEN_SECONDS', '1', { limits: { resetTokenMs: 1_000 } }],
    ['NOT_ME_SECONDS', '1', { limits: { notMeMs: 1_000 } }],
    ['RESET_MAILS_PER_HOUR', '1', { limits: { resetMailsPerHour: 1 } }],
    ['LOGIN_PER_ADDRESS_PER_MINUTE', '5', { loginPerAddressPerMinute: 5 }],
    [
      'SMTP_URL',
      'smtp://mail.example.com',
      { mail: { smtp: { host: 'mail.example.com', port: 25, implicitTls: false, credentials: undefined } } },
    ],
    [
      'SMTP_URL',
      'smtps://a%40b:p%2Fw@[::1]:1465/',
      { mail: { smtp: { host: '::1', port: 1465, implicitTls: true, credentials: { user: 'a@b', password: 'p/w' } } } },
    ],
    ['MAIL_FROM', 'security@example.com', { mail: { from: { name: null, address: 'security@example.com' } } }],
    ['MAIL_FROM', 'Bank, Ltd. <s@example.com>', { mail: { from: { name: 'Bank, Ltd.', address: 's@example.com' } } }],
    ['CONSISTENCY_WAIT_MS', '0', { consistencyWaitMs: 0 }],
    ['IDEMPOTENCY_SECONDS', '60', { limits: { idempotencyMs: 60_000 } }],
    ['START_WAIT_SECONDS', '0', { startWaitMs: 0 }],
    ['LOG_LEVEL', 'debug', { logLevel: 'debug' }],
  ])('%s=%s is taken', (name, value, expected) => {
    expect(readConfig({ [name]: value })).toMatchObject(expected)
  })

  it.each([
    ['PORT', ['-1', '65536', '80a', '3.5', '0x50', ' 80', '1e3', '٣']],
    ['ROLES', ['admin', 'api,writer']],
    ['EVENT_STORE_URL', ['mysql://db', 'db:5432', 'postgres://']],
    ['DATABASE_URL', ['esdb://db', 'sqlite.db']],
    [
      'PUBLIC_URL',
      ['nonsense', 'ftp://example.com', 'https://example.com/path', 'https://user@example.com', '//example.com'],
    ],
    ['ALLOWED_ORIGINS', ['*', 'https://a.example.com,null', 'https://a.example.com/path', 'a.example.com']],
    ['TRUSTED_PROXIES', ['loopback', '10.0.0.1', '10.0.0.0/33', 'true', '1', '0.0.0.0/0', '::/0']],
    // Any other word would silently mean the lenient defaults.
    ['NODE_ENV', ['prod', 'Production', 'staging']],
    ['REGISTRATION', ['yes', 'true']],
    ['PASSWORD_POLICY', ['none']],
    ['SCRYPT_LOG_N', ['7', '21', 'fifteen']],
    ['SCRYPT_R', ['0', '33']],
    ['SCRYPT_P', ['0', '17']],
    ['HASH_QUEUE', ['0', '100001']],
    ['SESSION_IDLE_SECONDS', ['0', '31536001', '15m']],
    ['SESSION_ABSOLUTE_SECONDS', ['0', '31536001']],
    ['SUDO_SECONDS', ['0', '86401']],
    ['SESSIONS_MAX', ['0', '1001']],
    ['ACTIVITY_SECONDS', ['0', '3601']],
    ['LOCK_AFTER_FAILURES', ['0', '1001']],
    ['LOCK_SECONDS', ['0', '31536001']],
    ['CHALLENGE_SECONDS', ['0', '3601']],
    ['ENROLLMENT_SECONDS', ['0', '86401']],
    ['RESET_TOKEN_SECONDS', ['0', '604801']],
    ['NOT_ME_SECONDS', ['0', '31536001']],
    ['RESET_MAILS_PER_HOUR', ['0', '101']],
    ['LOGIN_PER_ADDRESS_PER_MINUTE', ['0', '1000001']],
    // A query would reach nodemailer's options: no check of certificates, whole mails in the log.
    ['SMTP_URL', ['mail.example.com', 'http://mail', 'smtp://', 'smtp://h?logger=true', 'smtp://h/x', 'smtp://%zz@h']],
    ['MAIL_FROM', ['nobody', 'a@b, c@d', 'A\r\nBcc: x <a@b.c>', '"A" <a@b.c', 'A <a@b.c\r\nBcc: x@y.z>', '<a b@c.d>']],
    ['CONSISTENCY_WAIT_MS', ['-1', '60001']],
    ['IDEMPOTENCY_SECONDS', ['0', '2592001']],
    ['START_WAIT_SECONDS', ['-1', '3601']],
    ['LOG_LEVEL', ['loud', 'INFO']],
  ])('%s names itself where its value cannot be used', (name, values) => {
    for (const value of values) expect(refusalOf({ [name]: value })).toMatch(new RegExp(`^${name}: .+`))
  })

  it('is named beside the others that are wrong', () => {
    const message = refusalOf({ PORT: 'x', LOG_LEVEL: 'loud', SESSIONS_MAX: '5' })
    expect(message).toContain('PORT: must be a whole number')
    expect(message).toContain('LOG_LEVEL: ')
    expect(message).not.toContain('SESSIONS_MAX')
  })

  it('is not repeated in the refusal where it may hold a password', () => {
    expect(refusalOf({ DATABASE_URL: 'mysql://root:hunter2@db' })).not.toContain('hunter2')
    expect(refusalOf({ EVENT_STORE_URL: 'mysql://root:hunter2@db' })).not.toContain('hunter2')
    expect(refusalOf({ SMTP_URL: 'smtp://root:hunter2@mail?pool=true' })).not.toContain('hunter2')
    expect(refusalOf({ PUBLIC_URL: 'https://root:hunter2@example.com' })).not.toContain('hunter2')
  })
})

describe('what follows from variables', () => {
  it('the last access of a session is written at least ten times per idle limit', () => {
    expect(readConfig({ SESSION_IDLE_SECONDS: '60' }).session.activityMs).toBe(6_000)
    expect(readConfig({ SESSION_IDLE_SECONDS: '5' }).session.activityMs).toBe(500)
  })

  it('a hash that asks for more than a sign-in may cost is refused, though each number by itself is fine', () => {
    expect(refusalOf({ SCRYPT_LOG_N: '20' })).toMatch(/^SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P: /)
    expect(readConfig({ SCRYPT_LOG_N: '20', SCRYPT_R: '2', SCRYPT_P: '1' }).hashing.logN).toBe(20)
  })

  it('the public address follows the port', () => {
    expect(readConfig({ PORT: '8080' }).http.publicUrl).toBe('http://localhost:8080')
  })

  it('mail comes from the public host, and from localhost where that is a number', () => {
    const senderOf = (url: string) => readConfig({ PUBLIC_URL: url }).mail.from.address
    expect(senderOf('https://id.example.com:8443')).toBe('no-reply@id.example.com')
    expect(senderOf('http://127.0.0.1:3000')).toBe('no-reply@localhost')
    expect(senderOf('http://[::1]:3000')).toBe('no-reply@localhost')
  })

  it('the event store may be EventStoreDB, one node or a cluster', () => {
    for (const url of ['esdb://db:2113?tls=false', 'esdb+discover://a,b,c']) {
      expect(readConfig({ EVENT_STORE_URL: url }).eventStoreUrl).toBe(url)
    }
  })
})

describe('in production', () => {
  it('starts with a key, and with registration closed', () => {
    expect(readConfig(PRODUCTION)).toMatchObject({ production: true, registration: 'closed' })
    expect(readConfig({ ...PRODUCTION, REGISTRATION: 'open' }).registration).toBe('open')
    const { MASTER_KEY: _, ...rest } = PRODUCTION
    expect(readConfig({ ...rest, MASTER_KEY_FILE: '/run/secrets/key' }).production).toBe(true)
  })

  it('makes no key for the log by itself either, and needs none where it does not grow the log', () => {
    const { LOG_SIGNING_KEY_FILE: _, ...rest } = PRODUCTION
    expect(refusalOf(rest)).toBe('LOG_SIGNING_KEY_FILE: required where NODE_ENV=production and ROLES has projector')
    expect(readConfig({ ...rest, ROLES: 'api' }).production).toBe(true)
  })

  it('makes no master key by itself: one lost with its container would take all data along', () => {
    expect(refusalOf({ NODE_ENV: 'production' })).toBe(
      'MASTER_KEY or MASTER_KEY_FILE: required where NODE_ENV=production',
    )
    expect(refusalOf({ NODE_ENV: 'production', MASTER_KEY: '' })).toContain('required where NODE_ENV=production')
  })

  it.each([
    [{ SCRYPT_LOG_N: '14' }, 'SCRYPT_LOG_N: at least 15 where NODE_ENV=production'],
    [{ SCRYPT_R: '7' }, 'SCRYPT_R: at least 8 where NODE_ENV=production'],
    [{ SCRYPT_P: '2' }, 'SCRYPT_P: at least 3, or 1 from SCRYPT_LOG_N=17 on where NODE_ENV=production'],
    [{ SCRYPT_P: '2', SCRYPT_LOG_N: '16' }, 'SCRYPT_P: at least 3'],
    [{ SCRYPT_P: '2', SCRYPT_LOG_N: '14' }, 'SCRYPT_LOG_N: at least 15; SCRYPT_P: at least 3'],
  ])('refuses password hashes weaker than recommended: %j', (variables, message) => {
    expect(refusalOf({ ...PRODUCTION, ...variables })).toContain(message)
  })

  it.each([[{ SCRYPT_LOG_N: '17', SCRYPT_P: '1' }], [{ SCRYPT_LOG_N: '15', SCRYPT_P: '3' }], [{ SCRYPT_LOG_N: '16' }]])(
    'takes password hashes as strong as recommended: %j',
    (variables) => {
      expect(readConfig({ ...PRODUCTION, ...variables }).production).toBe(true)
    },
  )

  it('takes what a developer may do elsewhere for no reason to be lenient', () => {
    expect(readConfig({ NODE_ENV: 'test', SCRYPT_LOG_N: '10', SCRYPT_P: '1' }).production).toBe(false)
  })
})
