/**
 * The name under which this node's journal is applied to the ledger. It lies with the journal: a journal that is lost takes its name
 * with it, so that a new one, which counts its LSNs from 1 again, is never taken for the old.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const file = 'node-id'

/** Null where there is no journal, or none that was ever followed. */
export const readNodeId = (journal: string): string | null => (existsSync(join(journal, file)) ? readFileSync(join(journal, file), 'utf8').trim() : null)

/** The node's id, made at the first call; null while the folder does not exist. */
export function nodeIdOf(journal: string, random: (bytes: number) => Buffer): string | null {
  if (!existsSync(journal)) return null
  const known = readNodeId(journal)
  if (known !== null) return known
  const id = `node_${random(8).toString('hex')}`
  const temporary = join(journal, `${file}.new`)
  writeFileSync(temporary, `${id}\n`, { mode: 0o600, flush: true })
  renameSync(temporary, join(journal, file))
  // The name of the file must survive the machine as surely as what is applied under it.
  const folder = openSync(journal, 'r')
  fsyncSync(folder)
  closeSync(folder)
  return id
}
