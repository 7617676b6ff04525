/** Records on their way to the store worker: as one text, which costs the request path half of what copying the objects does. Content goes beside it. */
import type { Decision } from '../store/decisions.ts'
import type { RequestRecord } from '../store/records.ts'

export interface RecordBatch {
  /** JSON of the records, without content. */
  text: string
  /** By record; null where no record has any. */
  contents: RequestRecord['content'][] | null
}

export function packRecords(records: readonly RequestRecord[]): RecordBatch {
  if (records.every(({ content }) => content === null)) return { text: JSON.stringify(records), contents: null }
  return { text: JSON.stringify(records.map((record) => ({ ...record, content: null }))), contents: records.map(({ content }) => content) }
}

export function unpackRecords({ text, contents }: RecordBatch): RequestRecord[] {
  const records = JSON.parse(text) as RequestRecord[]
  contents?.forEach((content, index) => { records[index]!.content = content })
  return records
}

/** Of the router: what is beside the bodies as JSON; they are JSON already. */
export interface DecisionBatch { heads: string; bodies: string[] }

export const packDecisions = (decisions: readonly Decision[]): DecisionBatch => ({
  heads: JSON.stringify(decisions.map(({ id, org, at, policy, chosen, session }) => [id, org, at, policy, chosen, session])), bodies: decisions.map(({ body }) => body),
})

export const unpackDecisions = ({ heads, bodies }: DecisionBatch): Decision[] =>
  (JSON.parse(heads) as [string, string, number, string, string, string | null][]).map(([id, org, at, policy, chosen, session], index) => ({ id, org, at, policy, chosen, session, body: bodies[index]! }))
