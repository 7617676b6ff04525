/** Binds a database to its master key, so that a lost or changed key is one clear error at start and not a thousand odd ones later. */
import type { Write } from './database.ts'
import type { MasterKey } from './master-key.ts'

/** Remembers the key's id on the first call and throws when it is another one later. */
export async function bindMasterKey({ kysely, at }: Write, masterKey: MasterKey): Promise<void> {
  const { id } = masterKey.kek()
  await kysely.insertInto('installation').values({ id: 1, kek_id: id, created_at: at }).onConflict((conflict) => conflict.column('id').doNothing()).execute()
  const row = await kysely.selectFrom('installation').select('kek_id').where('id', '=', 1).executeTakeFirstOrThrow()
  if (Buffer.from(row.kek_id).equals(id)) return
  throw new Error(masterKey.source === 'environment'
    ? 'MEGAROUTER_MASTER_KEY is not the key that this database was set up with: keys and provider secrets could not be read. Start with the original key.'
    : 'master.key in the data directory is not the key that this database was set up with. Restore the original file, or set MEGAROUTER_MASTER_KEY to the original key.')
}
