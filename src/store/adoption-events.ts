/** The way of new arms, step by step: appended, never changed, kept. Saving the same steps again changes nothing. */
import type { Database, Read } from './database.ts'
import { BadCursorError, boundedLimit, decodeCursor, pageOf, type Page, type PageRequest } from './edits.ts'

export interface AdoptionEvent {
  /** `ade_…`, by the time of its birth. */
  id: string
  org: string
  /** Epoch µs. */
  at: number
  arm: string
  from: string
  to: string
  reason: string
  /** A person's id, or `router`. */
  actor: string
}

/** Rows of one statement. */
const stepRows = 500

/** All or none. */
export async function insertAdoptionEvents({ kysely }: Database, events: readonly AdoptionEvent[]): Promise<void> {
  const rows = events.map(({ id, org, at, arm, from, to, reason, actor }) => ({ id, org_id: org, at: Math.round(at), arm, from_stage: from, to_stage: to, reason: reason.replaceAll('\0', ''), actor }))
  await kysely.transaction().execute(async (transaction) => {
    for (let from = 0; from < rows.length; from += stepRows) await transaction.insertInto('adoption_event').values(rows.slice(from, from + stepRows)).onConflict((conflict) => conflict.column('id').doNothing()).execute()
  })
}

/** Newest first. */
export async function listAdoptionEvents({ kysely }: Read, org: string, { arm }: { arm?: string }, page: PageRequest): Promise<Page<AdoptionEvent>> {
  const limit = boundedLimit(page.limit)
  let query = kysely.selectFrom('adoption_event').selectAll().where('org_id', '=', org).orderBy('at', 'desc').orderBy('id', 'desc').limit(limit + 1)
  if (arm !== undefined) query = query.where('arm', '=', arm)
  if (page.cursor) {
    const [, at, id] = /^(\d{1,16})\.([\w-]{1,64})$/.exec(decodeCursor(page.cursor)) ?? []
    if (at === undefined || id === undefined) throw new BadCursorError()
    query = query.where((e) => e.or([e('at', '<', Number(at)), e.and([e('at', '=', Number(at)), e('id', '<', id)])]))
  }
  const events = (await query.execute()).map(({ id, org_id: of, at, arm: which, from_stage: from, to_stage: to, reason, actor }): AdoptionEvent => ({ id, org: of, at, arm: which, from, to, reason, actor }))
  return pageOf(events, limit, (event) => `${event.at}.${event.id}`)
}
