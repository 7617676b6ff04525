/**
 * Many rows by few statements, in a form that costs little more than the database's own work: a query builder would spend more
 * time on 64 × 45 values than the database. Rejects with the driver's error.
 */
import { CompiledQuery } from 'kysely'
import type { Read } from './database.ts'

/** With 41 columns well below the 32,766 parameters of SQLite and the 65,535 of PostgreSQL. */
const rowsPerStatement = 64

/** `values`: row after row, by `columns`. Returns how many rows were written. */
export async function insertRows({ kind, kysely }: Read, table: string, columns: readonly string[], values: readonly unknown[], conflict: string): Promise<number> {
  const width = columns.length
  let written = 0
  for (let start = 0; start < values.length; start += rowsPerStatement * width) {
    const chunk = values.slice(start, start + rowsPerStatement * width)
    const text = `insert into ${table} (${columns.join(',')}) values ${tuples(kind, width, chunk.length / width)} ${conflict}`
    const { numAffectedRows } = await kysely.executeQuery(CompiledQuery.raw(text, chunk))
    written += Number(numAffectedRows ?? 0n)
  }
  return written
}

const made = new Map<string, string>()

function tuples(kind: Read['kind'], width: number, rows: number): string {
  const name = `${kind} ${width} ${rows}`
  let text = made.get(name)
  if (text === undefined) {
    let parameter = 0
    const placeholder = kind === 'sqlite' ? () => '?' : () => `$${++parameter}`
    text = Array.from({ length: rows }, () => `(${Array.from({ length: width }, placeholder).join(',')})`).join(',')
    made.set(name, text)
  }
  return text
}
