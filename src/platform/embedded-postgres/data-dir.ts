import { accessSync, constants, mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, EmbeddedPostgresError } from './error.ts'

/** The parts of DATA_DIR that belong to the embedded database, as absolute paths without symbolic links. */
export interface DataDir {
  readonly root: string
  /** PostgreSQL's own data folder. */
  readonly cluster: string
  /** The folder of the socket, or a link to one where this path is too long for a socket. */
  readonly run: string
  /** What the server has to say. */
  readonly log: string
}

/** Makes DATA_DIR where it is missing, for its owner only, and checks that it can be used. Throws EmbeddedPostgresError. */
export function prepareDataDir(path: string): DataDir {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const root = realpathSync(path)
    accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK)
    return {
      root,
      cluster: join(root, 'postgres'),
      run: join(root, 'run'),
      log: join(root, 'postgres.log'),
    }
  } catch (error) {
    throw explainFileError(error, path)
  }
}

/** Turns an error of the file system below DATA_DIR into a sentence for the operator; any other comes back as it is. */
export function explainFileError(error: unknown, dataDir: string): unknown {
  const say = (problem: string) => new EmbeddedPostgresError(problem, { cause: error })
  switch (codeOf(error)) {
    case 'EEXIST':
    case 'ENOTDIR':
      return say(`DATA_DIR ${dataDir} is not a folder, or is below a file: set DATA_DIR to a folder`)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return say(
        `DATA_DIR ${dataDir} cannot be written by this user${pathOf(error)}: give write access, or set DATA_DIR to ` +
          'another folder or DATABASE_URL to a PostgreSQL of your own',
      )
    case 'ENOSPC':
    case 'EDQUOT':
      return noRoom(dataDir, error)
    default:
      return error
  }
}

export function noRoom(dataDir: string, cause?: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `there is no room left for the database in DATA_DIR ${dataDir}: make room and start again`,
    {
      cause,
    },
  )
}

function pathOf(error: unknown): string {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? ` (at ${error.path})` : ''
}
