/** A connection string that cannot be used. The message is one sentence, and repeats nothing that could be a password. */
export class InvalidConnectionString extends Error {
  override readonly name = 'InvalidConnectionString'
  constructor(problem: string) {
    super(`the connection string of EventStoreDB ${problem}`)
  }
}

/** The options the client knows, as it spells them. */
const OPTIONS = [
  'tls',
  'tlsCAFile',
  'tlsVerifyCert',
  'userCertFile',
  'userKeyFile',
  'connectionName',
  'nodePreference',
  'maxDiscoverAttempts',
  'discoveryInterval',
  'gossipTimeout',
  'defaultDeadline',
  'keepAliveInterval',
  'keepAliveTimeout',
  'throwOnAppendFailure',
]

/**
 * Refuses what the client would only warn of: its warnings print the whole string, password included, to standard error.
 * Throws InvalidConnectionString.
 */
export function checkConnectionString(connectionString: string): void {
  const [, query = ''] = connectionString.split('?', 2)
  for (const pair of query.split('&').filter((part) => part !== '')) {
    const [key = '', value = ''] = pair.split('=', 2)
    const option = OPTIONS.find((known) => flat(known) === flat(key))
    // An unknown key is not repeated: it might be half a password with an & in it.
    if (option === undefined)
      throw new InvalidConnectionString(`has an unknown option; it may have ${OPTIONS.join(', ')}`)
    if (option === 'tlsVerifyCert' && value === 'false') {
      throw new InvalidConnectionString(
        'has tlsVerifyCert=false, which the client does not know; use tlsCAFile instead',
      )
    }
    if (option === 'throwOnAppendFailure' && value === 'false') {
      throw new InvalidConnectionString('has throwOnAppendFailure=false, which would hide the revision of a conflict')
    }
  }
}

/** What the client's own parser says, without the piece of the string that it quotes. */
export function connectionStringProblem(error: unknown): InvalidConnectionString {
  const expected = error instanceof Error && 'expected' in error ? String(error.expected) : undefined
  if (expected !== undefined) return new InvalidConnectionString(`cannot be read: expected ${expected}`)
  return new InvalidConnectionString(`cannot be used: ${error instanceof Error ? error.message : String(error)}`)
}

/**
 * The string as the client has to be given it. Of `esdb+discover://a,b,c` it asks the first node alone, and finds no
 * cluster once that one is away; of `esdb://a,b,c` it asks whichever answers.
 */
export function askingEveryNode(connectionString: string): string {
  const { hosts } = partsOf(connectionString)
  return hosts.length > 1 ? connectionString.replace(/^esdb\+discover:/, 'esdb:') : connectionString
}

/** The nodes of a cluster as connection strings of their own; none where the string names a single server. */
export function nodesOf(connectionString: string): readonly string[] {
  const { discover, user, hosts, rest } = partsOf(connectionString)
  return discover || hosts.length > 1 ? hosts.map((host) => `esdb://${user}${host}${rest}`) : []
}

function partsOf(connectionString: string) {
  const parts = /^esdb(\+discover)?:\/\/([^?]*@)?([^/?]*)(.*)$/.exec(connectionString)
  const [, discover, user = '', hosts = '', rest = ''] = parts ?? []
  return { discover: discover !== undefined, user, hosts: hosts.split(',').filter((host) => host !== ''), rest }
}

function flat(option: string): string {
  return option.trim().toLowerCase().replace(/[_-]/g, '')
}
