/** What was learned of arms, so that a restart goes on from there: one row for each arm of an organisation, the newest state alone. A state that is too large is refused. */
import type { Database, Read } from './database.ts'
import type { RoutingTables } from './routing-tables.ts'

export interface StoredArm {
  org: string
  arm: string
  stage: RoutingTables['routing_arm']['stage']
  approved: boolean
  /** JSON of an `ArmState`. */
  state: string
}

const stateBytes = 64 * 1024
/** Rows of one statement. */
const stepRows = 100

/** All or none; of several states of one arm the last one counts. */
export async function saveArms({ kysely }: Database, arms: readonly StoredArm[], at: number): Promise<void> {
  for (const { org, arm, state } of arms) if (Buffer.byteLength(state) > stateBytes) throw new RangeError(`the state of ${arm} of ${org} has more than ${stateBytes} bytes`)
  const newest = new Map(arms.map((each) => [JSON.stringify([each.org, each.arm]), each]))
  const rows = [...newest.values()].map(({ org, arm, stage, approved, state }) => ({ org_id: org, arm, stage, approved: approved ? 1 : 0, state, updated_at: at }))
  await kysely.transaction().execute(async (transaction) => {
    for (let from = 0; from < rows.length; from += stepRows) {
      await transaction.insertInto('routing_arm').values(rows.slice(from, from + stepRows)).onConflict((conflict) => conflict.columns(['org_id', 'arm']).doUpdateSet((e) => ({
        stage: e.ref('excluded.stage'), approved: e.ref('excluded.approved'), state: e.ref('excluded.state'), updated_at: e.ref('excluded.updated_at'),
      }))).execute()
    }
  })
}

/** Of all organisations, or of one. */
export async function listArms({ kysely }: Read, org?: string): Promise<StoredArm[]> {
  let query = kysely.selectFrom('routing_arm').selectAll().orderBy('org_id').orderBy('arm')
  if (org !== undefined) query = query.where('org_id', '=', org)
  return (await query.execute()).map(({ org_id: of, arm, stage, approved, state }) => ({ org: of, arm, stage, approved: approved === 1, state }))
}

/** What was learned of one arm, or of all, is no more; how far each may go stays. */
export async function forgetArms({ kysely }: Read, org: string, arm: string | null): Promise<void> {
  let query = kysely.updateTable('routing_arm').set({ state: '' }).where('org_id', '=', org)
  if (arm !== null) query = query.where('arm', '=', arm)
  await query.execute()
}

/** Drops one arm of an organisation, or all; how many there were. */
export async function deleteArms({ kysely }: Read, org: string, arm: string | null): Promise<number> {
  let query = kysely.deleteFrom('routing_arm').where('org_id', '=', org)
  if (arm !== null) query = query.where('arm', '=', arm)
  return Number((await query.executeTakeFirst()).numDeletedRows)
}
