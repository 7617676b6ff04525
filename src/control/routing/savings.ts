/**
 * The report of savings: what was billed for each routed request, against what the model of the best quality would have cost. Where that
 * model answered itself the two are the same; elsewhere its cost is a forecast, and the report says of how much.
 */
import type { z } from '@hono/zod-openapi'
import { unpackDecision } from '../../routing/record.ts'
import type { Read } from '../../store/database.ts'
import type { DecisionFilters } from '../../store/decisions.ts'
import { billedOf, eachDecision, type Billed } from '../../store/savings.ts'
import type { savingsQuery, savingsSchema } from './schema.ts'

type Report = z.infer<typeof savingsSchema>
type Sums = Report['totals']
type Group = z.infer<typeof savingsQuery>['group']

const nothing = (): Sums => ({ decisions: 0, counted: 0, billed_nano: 0, predicted_nano: 0, baseline_nano: 0, baseline_forecast_nano: 0, saved_nano: 0 })

export async function savingsOf(read: Read, org: string, filters: DecisionFilters, group: Group, timeZone: string): Promise<Pick<Report, 'totals' | 'groups' | 'more'>> {
  const totals = nothing()
  const groups = new Map<string, Sums>()
  const days = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  let isMore = false
  for await (const { decisions, more } of eachDecision(read, org, filters)) {
    isMore = more
    const billed = await billedOf(read, decisions.map(({ id }) => id))
    for (const decision of decisions) {
      const stored = unpackDecision(decision.body)
      const names = group === 'none' ? [] : [group === 'policy' ? decision.policy : group === 'model' ? stored?.served ?? decision.chosen : days.format(decision.at / 1000)]
      for (const sums of [totals, ...names.map((name) => groups.get(name) ?? groups.set(name, nothing()).get(name)!)]) add(sums, stored, billed.get(decision.id))
    }
  }
  return { totals, groups: [...groups].map(([name, sums]) => ({ group: name, ...sums })).sort((a, b) => (group === 'day' ? (a.group < b.group ? -1 : 1) : b.saved_nano - a.saved_nano || (a.group < b.group ? -1 : 1))), more: isMore }
}

type Stored = ReturnType<typeof unpackDecision>

/** A request that nobody answered saved nothing, whatever its answer would have cost. */
function add(sums: Sums, stored: Stored, billed: Billed | undefined): void {
  sums.decisions++
  if (stored === null || stored.served === null || billed?.isWhole !== true) return
  const { record: { baseline, candidates }, served } = stored
  const isBaseline = served === baseline.arm
  const would = isBaseline ? billed.costNano : baseline.costNano
  sums.counted++
  sums.billed_nano += billed.costNano
  sums.predicted_nano += candidates.find(({ arm }) => arm === served)?.costNano ?? billed.costNano
  sums.baseline_nano += would
  if (!isBaseline) sums.baseline_forecast_nano += would
  sums.saved_nano += would - billed.costNano
}
