/** Opens the installation that the environment describes: the same settings, database and organisation as the server's. */
import { environment, errorText, loadConfig, type Config, type Environment } from '../config.ts'
import { vendors } from '../providers/index.ts'
import { openDatabase, transaction, type Database } from '../store/database.ts'
import { bindMasterKey } from '../store/installation.ts'
import { loadMasterKey, type MasterKey } from '../store/master-key.ts'
import { ensureOrganisation, type Organisation } from '../store/users.ts'
import { CommandError, type Io } from './io.ts'

export interface Installation {
  settings: Environment
  database: Database
  masterKey: MasterKey
  organisation: Organisation
}

export function readSettings(io: Io): Environment {
  const read = environment(io.variables)
  if (!read.ok) throw new CommandError(read.errors.map((error) => errorText(error, null)).join('\n'))
  for (const warning of read.warnings) io.error(`${warning}\n`)
  return read.environment
}

export function readConfig(settings: Environment, io: Io): Config {
  const loaded = loadConfig(settings.configFile, io.variables, [...vendors.keys()])
  if (!loaded.ok) throw new CommandError(loaded.errors.map((error) => errorText(error, loaded.path)).join('\n'))
  return loaded.config
}

/** Opens the database (upgrading its schema if needed), runs `work`, and closes it whatever happens. */
export async function withInstallation<Result>(io: Io, work: (installation: Installation) => Promise<Result>): Promise<Result> {
  const settings = readSettings(io)
  const masterKey = loadMasterKey({ value: settings.masterKey ?? undefined, databaseUrl: settings.databaseUrl, dataDir: settings.dataDir })
  const database = await openDatabase({ databaseUrl: settings.databaseUrl, dataDir: settings.dataDir })
  try {
    const organisation = await transaction(database, io.epochMs() * 1000, async (write) => {
      await bindMasterKey(write, masterKey)
      return ensureOrganisation(write, io.random(16))
    })
    return await work({ settings, database, masterKey, organisation })
  } finally {
    await database.close()
  }
}
