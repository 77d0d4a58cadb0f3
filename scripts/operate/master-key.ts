import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../src/config.ts'
import { NoInstallation } from './vault-database.ts'

/** A server makes one where there is none. In a script that would only mean that the folder is the wrong one. */
export const mustHaveMasterKey = ({
  masterKey,
  masterKeyFile,
  dataDir,
}: Pick<Config, 'masterKey' | 'masterKeyFile' | 'dataDir'>): void => {
  if (masterKey !== undefined || masterKeyFile !== undefined || existsSync(join(dataDir, 'master.key'))) return
  throw new NoInstallation(
    `there is no master key in ${dataDir}: set DATA_DIR, MASTER_KEY or MASTER_KEY_FILE as the server has it`,
  )
}
