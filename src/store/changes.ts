/** What changed after a revision: how the control worker sees edits of other processes (the CLI, another node) within one poll. */
import type { Read } from './database.ts'
import { aliasFromRow, type Alias } from './aliases.ts'
import { deploymentFromRow, type Deployment } from './deployments.ts'
import { currentRevision } from './edits.ts'
import { keyFromRow, type ApiKey } from './keys.ts'
import { providersFromRows, type Provider } from './providers.ts'
import { allSettings, type Settings } from './settings.ts'

export interface Changes {
  /** Pass it to the next call. */
  revision: number
  /** More than `limit` rows of a kind changed: call again at once. */
  more: boolean
  keys: ApiKey[]
  /** Deleted rows of these three are included, with `deleted`. */
  providers: Provider[]
  aliases: Alias[]
  deployments: Deployment[]
  settings: Settings[]
}

const changesLimit = 5_000

/** From revision 0 it lists everything. With nothing new it costs one read of one row. */
export async function changesSince(read: Read, revision: number, limit: number = changesLimit): Promise<Changes> {
  const target = await currentRevision(read)
  if (target <= revision) return { revision, more: false, keys: [], providers: [], aliases: [], deployments: [], settings: [] }
  const { kysely } = read
  const keys = await kysely.selectFrom('api_key').selectAll().where('revision', '>', revision).where('revision', '<=', target).orderBy('revision').limit(limit).execute()
  const providers = await kysely.selectFrom('provider').selectAll().where('revision', '>', revision).where('revision', '<=', target).orderBy('revision').limit(limit).execute()
  const aliases = await kysely.selectFrom('alias').selectAll().where('revision', '>', revision).where('revision', '<=', target).orderBy('revision').limit(limit).execute()
  const deployments = await kysely.selectFrom('deployment').selectAll().where('revision', '>', revision).where('revision', '<=', target).orderBy('revision').limit(limit).execute()
  // A list that was cut short holds everything up to its last row only, and so does the answer.
  const reached = Math.min(target, ...[keys, providers, aliases, deployments].map((rows) => (rows.length === limit ? rows[limit - 1]!.revision : target)))
  const within = (row: { revision: number }): boolean => row.revision <= reached
  return {
    revision: reached,
    more: reached < target,
    keys: keys.filter(within).map(keyFromRow),
    providers: await providersFromRows(read, providers.filter(within)),
    aliases: aliases.filter(within).map(aliasFromRow),
    deployments: deployments.filter(within).map(deploymentFromRow),
    settings: (await allSettings(read)).filter((settings) => settings.revision > revision && settings.revision <= reached),
  }
}
