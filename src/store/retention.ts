/**
 * Removes what is older than its organisation's settings say, in small steps so that writing goes on in between.
 * What remains after an interrupted run is removed by the next one.
 */
import { sql } from 'kysely'
import type { ContentStore } from './content.ts'
import type { Database } from './database.ts'
import { findDimensions } from './dimensions.ts'
import { deleteArms } from './routing-arms.ts'
import { allSettings } from './settings.ts'
import type { ResponseStore } from './stored-responses.ts'

export interface Removed {
  usage: number
  requests: number
  repeatMarks: number
  contentDays: number
  responses: number
  decisions: number
  outcomes: number
}

/** Rows per statement: some ten milliseconds of the write lock. */
const stepRows = 5_000
const dayUs = 86_400_000_000
/** An Idempotency-Key is remembered this long. */
const repeatUs = 24 * 3_600_000_000
const bytesPerMb = 1024 * 1024

type Timed = 'usage' | 'request_log'

export async function applyRetention(database: Database, content: ContentStore, responses: ResponseStore, nowUs: number, stopped: () => boolean = () => false): Promise<Removed> {
  const removed: Removed = { usage: 0, requests: 0, repeatMarks: 0, contentDays: 0, responses: 0, decisions: 0, outcomes: 0 }
  const policies = await allSettings(database)
  const orgs = await findDimensions(database, 'org', policies.map(({ org }) => org))
  for (const settings of policies) {
    const { org, retention, content: policy } = settings
    const id = orgs.get(org)
    if (id !== undefined) {
      removed.requests += await removeBefore(database, 'request_log', id, nowUs - retention.requestsDays * dayUs, stopped)
      removed.usage += await removeBefore(database, 'usage', id, nowUs - retention.usageDays * dayUs, stopped)
    }
    removed.contentDays += await content.prune(org, { retentionDays: policy.retentionDays, quotaBytes: policy.quotaMb * bytesPerMb }, nowUs)
    removed.responses += await responses.prune(settings, nowUs, stopped)
    removed.decisions += await removeNamed(database, 'decision', 'request_id', org, nowUs - retention.decisionsDays * dayUs, stopped)
    removed.outcomes += await removeNamed(database, 'outcome', 'id', org, nowUs - retention.usageDays * dayUs, stopped)
    // What was learned helps nobody any more.
    if (settings.deleted) await deleteArms(database, org, null)
  }
  // Requests that no key identified belong to nobody; the strictest policy applies.
  if (policies.length > 0) {
    const shortest = (days: number[]): number => nowUs - Math.min(...days) * dayUs
    removed.requests += await removeBefore(database, 'request_log', null, shortest(policies.map(({ retention }) => retention.requestsDays)), stopped)
    removed.usage += await removeBefore(database, 'usage', null, shortest(policies.map(({ retention }) => retention.usageDays)), stopped)
  }
  removed.repeatMarks = await removeMarks(database, nowUs - repeatUs, stopped)
  return removed
}

const removeBefore = ({ kysely }: Database, table: Timed, org: number | null, before: number, stopped: () => boolean): Promise<number> => inSteps(stopped, () => {
  const ofOrg = org === null ? sql`org is null` : sql`org = ${org}`
  return sql`delete from ${sql.table(table)} where request_id in
    (select request_id from ${sql.table(table)} where ${ofOrg} and at < ${before} order by at limit ${sql.lit(stepRows)})`.execute(kysely)
})

/** Of tables that know organisations by their ids. */
const removeNamed = ({ kysely }: Database, table: 'decision' | 'outcome', key: 'request_id' | 'id', org: string, before: number, stopped: () => boolean): Promise<number> => inSteps(stopped, () =>
  sql`delete from ${sql.table(table)} where ${sql.ref(key)} in (select ${sql.ref(key)} from ${sql.table(table)} where org_id = ${org} and at < ${before} order by at limit ${sql.lit(stepRows)})`.execute(kysely))

const removeMarks = ({ kysely }: Database, before: number, stopped: () => boolean): Promise<number> => inSteps(stopped, () =>
  sql`delete from repeat_mark where key_digest in (select key_digest from repeat_mark where at < ${before} order by at limit ${sql.lit(stepRows)})`.execute(kysely))

async function inSteps(stopped: () => boolean, step: () => Promise<{ numAffectedRows?: bigint }>): Promise<number> {
  let total = 0
  while (!stopped()) {
    const { numAffectedRows } = await step()
    const count = Number(numAffectedRows ?? 0n)
    total += count
    // Lets the writer and other processes have their turn.
    await new Promise((resolve) => setImmediate(resolve))
    if (count < stepRows) break
  }
  return total
}
