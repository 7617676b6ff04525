/** `/routing/decisions`, `/routing/savings` and the preview of a policy: what the router decided, what that saved, and what another policy would have made of it. Whoever holds a right at a node sees what ran there. */
import { createRoute, z } from '@hono/zod-openapi'
import { compilePolicy } from '../../routing/compile-policy.ts'
import { Previewed } from '../../routing/preview.ts'
import { unpackDecision } from '../../routing/record.ts'
import { readPolicy } from '../../routing/written-policy.ts'
import { findDecision, listDecisions, type DecisionFilters } from '../../store/decisions.ts'
import { eachDecision } from '../../store/savings.ts'
import { may, mayAnywhere } from '../authorize.ts'
import type { Asked } from '../context.ts'
import { ControlError, errors } from '../errors.ts'
import { atRequest } from '../places.ts'
import { found, router } from '../router.ts'
import { checkPolicy, knownModels } from '../routing-policies/check.ts'
import { body, iso, json, toUs } from '../schema.ts'
import type { Services } from '../services.ts'
import { describeDecision, describeRow } from './describe.ts'
import { savingsOf } from './savings.ts'
import { decisionListSchema, decisionSchema, decisionsQuery, previewInput, previewQuery, previewSchema, savingsQuery, savingsSchema } from './schema.ts'

const tags = ['Routing']
const params = z.object({ id: z.string().max(64) })

const list = createRoute({ ...mayAnywhere('routing:read'), method: 'get', path: '/routing/decisions', tags, summary: 'Decisions of the router, newest first', request: { query: decisionsQuery }, responses: { 200: json(decisionListSchema, 'A page; it may be short and still have a cursor'), ...errors(400, 401, 403) } })
const get = createRoute({ ...may('routing:read', atRequest('routing:read')), method: 'get', path: '/routing/decisions/{id}', tags, summary: 'One decision, by the id of its request, with all that it was made from', request: { params }, responses: { 200: json(decisionSchema, 'The decision'), ...errors(401, 403, 404) } })
const savings = createRoute({ ...mayAnywhere('usage:read'), method: 'get', path: '/routing/savings', tags, summary: 'What was billed for routed requests, against the model of the best quality', request: { query: savingsQuery }, responses: { 200: json(savingsSchema, 'The report'), ...errors(400, 401, 403) } })
const preview = createRoute({
  ...mayAnywhere('routing:read'), method: 'post', path: '/routing/policies/preview', tags, summary: 'What a policy would have made of the decisions of a time; nothing is stored', request: { query: previewQuery, body: body(previewInput) },
  responses: { 200: json(previewSchema, 'What would be other'), ...errors(400, 401, 403, 422) },
})

const weekMs = 7 * 86_400_000

/** Epoch µs. */
function rangeOf({ from, to }: { from?: string | undefined; to?: string | undefined }, nowMs: number): { from: number; to: number } {
  const range = { to: to === undefined ? nowMs * 1000 : toUs(to), from: 0 }
  range.from = from === undefined ? range.to - weekMs * 1000 : toUs(from)
  if (range.from >= range.to) throw new ControlError('invalid_request', 'The range ends before it begins: from must be earlier than to.', { param: 'from' })
  return range
}

function filtersOf({ from, to, policy, model, session }: z.output<typeof decisionsQuery>): DecisionFilters {
  return {
    ...(from !== undefined && { from: toUs(from) }), ...(to !== undefined && { to: toUs(to) }), ...(policy !== undefined && { policy }), ...(model !== undefined && { chosen: model }), ...(session !== undefined && { session }),
  }
}

const limitsOf = (hasConditions: boolean): string[] => [
  'Only candidates whose predictions were recorded are compared: of each decision the best few under the policy that made it.', 'Costs and qualities are those that were predicted then; what another model would have answered is not known.',
  'Sessions are taken as they went: another choice at their start is not followed.', ...(hasConditions ? ['Conditions of candidates are taken to hold.'] : []),
]

async function previewOf(services: Services, c: Asked, input: z.output<typeof previewInput>, query: z.output<typeof previewQuery>): Promise<z.infer<typeof previewSchema>> {
  const { org } = c.var.caller
  const { name, ...fields } = input
  const data = readPolicy(name, fields)
  checkPolicy(data, knownModels(services.publisher.rowsOf(org), services.catalog, services.vendors))
  const compiled = compilePolicy(data)
  if (Array.isArray(compiled)) throw new Error(`a policy that was checked does not compile: ${compiled[0]?.error}`)
  const arms = compiled.candidates && new Set(compiled.candidates.map(({ model, effort }) => (effort === null ? model : `${model}@${effort}`)))
  const previewed = new Previewed(compiled.policy, arms)
  const range = rangeOf(query, services.clock.epochMs())
  const filters = { ...range, ...(query.policy !== undefined && { policy: query.policy }), within: services.rights.visible(c.var.caller, 'routing:read') }
  let unreadable = 0
  let isMore = false
  for await (const { decisions, more } of eachDecision(services.database, org, filters)) {
    isMore = more
    for (const decision of decisions) {
      const stored = unpackDecision(decision.body)
      if (stored === null) unreadable++
      else previewed.add(stored.record)
    }
  }
  const { result, unseen } = previewed
  const predicted = ({ costNano, quality }: { costNano: number; quality: number }) => ({ cost_nano: costNano, quality: result.compared === 0 ? 0 : quality / result.compared })
  return {
    range: { from: iso(range.from), to: iso(range.to) }, decisions: result.decisions + unreadable, more: isMore, compared: result.compared, changed: result.changed, tried: result.tried, undecided: result.undecided + unreadable,
    before: predicted(result.before), after: predicted(result.after), models: [...result.arms].map(([model, counts]) => ({ model, ...counts })).sort((a, b) => b.after - a.after || b.before - a.before || (a.model < b.model ? -1 : 1)),
    unseen, limits: limitsOf(compiled.candidates?.some(({ when }) => when !== null) === true),
  }
}

export const routingDecisions = (services: Services) => router()
  .openapi(list, async (c) => {
    const query = c.req.valid('query')
    const filters = { ...filtersOf(query), within: services.rights.visible(c.var.caller, 'routing:read') }
    const page = await listDecisions(services.database, c.var.caller.org, filters, { limit: query.limit, cursor: query.cursor ?? null })
    return c.json({ data: page.data.map(describeRow), next_cursor: page.nextCursor }, 200)
  })
  .openapi(get, async (c) => {
    const { id } = c.req.valid('param')
    const decision = found(await findDecision(services.database, c.var.caller.org, id), 'decision', id)
    const described = describeDecision(decision)
    if (described === null) throw new ControlError('not_found', `The decision ${id} was written by another version, which this one cannot read.`)
    return c.json(described, 200)
  })
  .openapi(savings, async (c) => {
    const { group, ...given } = c.req.valid('query')
    const { org } = c.var.caller
    const nowMs = services.clock.epochMs()
    const timeZone = services.publisher.rowsOf(org).settings?.timeZone ?? 'UTC'
    const range = rangeOf(given, nowMs)
    const report = await savingsOf(services.database, org, { ...range, within: services.rights.visible(c.var.caller, 'usage:read') }, group, timeZone)
    return c.json({ range: { from: iso(range.from), to: iso(range.to), time_zone: timeZone }, ...report, as_of: iso(nowMs * 1000) }, 200)
  })
  .openapi(preview, async (c) => c.json(await previewOf(services, c, c.req.valid('json'), c.req.valid('query')), 200))
