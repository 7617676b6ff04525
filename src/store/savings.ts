/** What decisions have saved: what was billed for their requests against what the model of the best quality was expected to cost. Decisions are read page by page, and no more than a bound of them. */
import type { Read } from './database.ts'
import { listDecisions, type Decision, type DecisionFilters } from './decisions.ts'
import { decodeId, encodeId } from './ids.ts'
import { requestOutcomes, usageFlags } from './records.ts'

/** Decisions that a question about many looks at: the newest ones. */
export const mostDecisions = 20_000
const pageSize = 200
/** Where a filter matches little, pages are short. */
const mostPages = 2 * (mostDecisions / pageSize)

/** Of a request. `isWhole`: it was answered, by a vendor and not from a cache, and all that it cost is known. */
export interface Billed { costNano: number; isWhole: boolean }

/** Newest first, page by page; the last page says whether there are more than the bound. */
export async function* eachDecision(read: Read, org: string, filters: DecisionFilters, most: number = mostDecisions): AsyncGenerator<{ decisions: Decision[]; more: boolean }> {
  let left = most
  let pages = 0
  for (let cursor: string | null = null; ;) {
    const { data, nextCursor } = await listDecisions(read, org, filters, { limit: Math.min(pageSize, left), cursor })
    left -= data.length
    const ends = left === 0 || ++pages === mostPages
    yield { decisions: data, more: nextCursor !== null && ends }
    if (nextCursor === null || ends) return
    cursor = nextCursor
  }
}

/** By request, all of its attempts together. A request whose usage is not written yet is absent. */
export async function billedOf({ kysely }: Read, requests: readonly string[]): Promise<Map<string, Billed>> {
  if (requests.length === 0) return new Map()
  const ids = requests.flatMap((id) => decodeId('req', id) ?? [])
  const rows = await kysely.selectFrom('usage').select(['request_id', 'final', 'outcome', 'cache', 'flags', 'cost_nano']).where('request_id', 'in', ids).execute()
  const found = new Map<string, Billed>()
  for (const { request_id: bytes, final, outcome, cache, flags, cost_nano: cost } of rows) {
    const id = encodeId('req', bytes)
    const billed = found.get(id) ?? { costNano: 0, isWhole: true }
    found.set(id, billed)
    billed.costNano += Number(cost ?? 0)
    if (((flags ?? 0) & unknown) !== 0 || (final === 1 && (requestOutcomes[outcome ?? 0] !== 'success' || cache === hit))) billed.isWhole = false
  }
  return found
}

const unknown = usageFlags.unpriced | usageFlags.uncertain
/** Of `usage.cache`. */
const hit = 2
