/** Whether a configuration file has declared anything of an organisation's governance: without, a start need not read thousands of rows to find nothing. */
import type { Read } from './database.ts'

const tables = ['node', 'service_account', 'role', 'membership', 'budget', 'rate_limit', 'model_policy', 'alert_channel', 'oidc_provider'] as const

export async function isGovernedByFile({ kysely }: Read, org: string): Promise<boolean> {
  for (const table of tables) {
    const row = await kysely.selectFrom(table as 'role').select('id').where('org_id', '=', org).where('managed_by', '=', 'file').where('deleted_at', 'is', null).limit(1).executeTakeFirst()
    if (row !== undefined) return true
  }
  const user = await kysely.selectFrom('user_account').select('id').where('org_id', '=', org).where('managed_by', '=', 'file').where('deleted_at', 'is', null).limit(1).executeTakeFirst()
  const key = await kysely.selectFrom('api_key').select('id').where('org_id', '=', org).where('managed_by', '=', 'file').where('status', '<>', 'revoked').limit(1).executeTakeFirst()
  const policy = await kysely.selectFrom('routing_policy').select('name').where('org_id', '=', org).where('managed_by', '=', 'file').where('deleted_at', 'is', null).limit(1).executeTakeFirst()
  return user !== undefined || key !== undefined || policy !== undefined
}
