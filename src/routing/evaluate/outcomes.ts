/**
 * Outcomes of several models on the same prompts, one JSON object a line: what `route eval` reads and what the artefact is trained
 * on. A line that does not fit is refused with its number and what is wrong; nothing is skipped.
 */

export interface OutcomeRow {
  set: string
  /** What the file says it is about; the true-task baseline and training use it, the router never sees it. */
  task: string
  id: string
  prompt: string
  /** By model: quality from 0 to 1, cost in dollars, characters of output. A model may lack. */
  q: Readonly<Record<string, number>>
  usd: Readonly<Record<string, number>>
  outch: Readonly<Record<string, number>>
}

export class OutcomesError extends Error {
  override name = 'OutcomesError'
}

export const mostRows = 200_000

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function figures(value: unknown, name: string, line: number, most: number): Record<string, number> {
  if (value === undefined) return {}
  if (!isObject(value)) throw new OutcomesError(`Line ${line}: “${name}” must be an object of model names and numbers.`)
  for (const [model, number] of Object.entries(value)) {
    if (typeof number !== 'number' || !(number >= 0 && number <= most)) throw new OutcomesError(`Line ${line}: “${name}” of ${model} is ${JSON.stringify(number)}; it must be a number from 0${most === Infinity ? ' on' : ` to ${most}`}.`)
  }
  return value as Record<string, number>
}

export function readOutcomes(text: string): OutcomeRow[] {
  const rows: OutcomeRow[] = []
  let line = 0
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    const content = text.slice(start, end).trim()
    start = end + 1
    line++
    if (content === '') continue
    if (rows.length === mostRows) throw new OutcomesError(`The file has more than ${mostRows} rows. Take a random part of it.`)
    rows.push(readRow(content, line))
  }
  if (rows.length === 0) throw new OutcomesError('The file has no rows. Each line is {"prompt": "…", "q": {"model": 0..1}, "usd": {"model": dollars}}.')
  return rows
}

function readRow(content: string, line: number): OutcomeRow {
  let row: unknown
  try {
    row = JSON.parse(content)
  } catch (error) {
    throw new OutcomesError(`Line ${line} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!isObject(row)) throw new OutcomesError(`Line ${line} must be an object.`)
  if (typeof row['prompt'] !== 'string') throw new OutcomesError(`Line ${line}: “prompt” must be a string.`)
  const q = figures(row['q'], 'q', line, 1)
  if (Object.keys(q).length === 0) throw new OutcomesError(`Line ${line}: “q” must hold the quality of at least one model, from 0 to 1.`)
  const text = (name: string, otherwise: string): string => {
    const value = row[name]
    if (value !== undefined && typeof value !== 'string') throw new OutcomesError(`Line ${line}: “${name}” must be a string.`)
    return value ?? otherwise
  }
  return { set: text('set', 'all'), task: text('task', ''), id: text('id', String(line)), prompt: row['prompt'], q, usd: figures(row['usd'], 'usd', line, Infinity), outch: figures(row['outch'], 'outch', line, Infinity) }
}

/** FNV-1a over UTF-16 code units. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** Rows that the shipped artefact may be trained on: two fifths, by their prompt, so that a repeated prompt falls into one part. */
export const isBuildPart = (prompt: string): boolean => hashOf(prompt.toLowerCase()) % 5 < 2
