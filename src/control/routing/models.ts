/** `/routing/models` and `/routing/events`: what the router knows of each model, what an operator decides of new ones, and the record of their way. Answered by the data plane, which alone knows. */
import { createRoute, z } from '@hono/zod-openapi'
import type { ArmView } from '../../gateway/routing-desk.ts'
import { audited, recordRead } from '../../store/audit.ts'
import { listAdoptionEvents } from '../../store/adoption-events.ts'
import { BadCursorError, decodeCursor, encodeCursor } from '../../store/edits.ts'
import { forgetArms, listArms } from '../../store/routing-arms.ts'
import { may, mayAnywhere } from '../authorize.ts'
import type { Caller } from '../context.ts'
import { ControlError, errors } from '../errors.ts'
import { silent } from '../explain/routes.ts'
import { router } from '../router.ts'
import { body, iso, json, pageQuery } from '../schema.ts'
import type { Services } from '../services.ts'
import { describeModel } from './describe.ts'
import { eventListSchema, eventsQuery, exportSchema, modelListSchema, modelSchema, resetInput, resetSchema } from './schema.ts'

const tags = ['Routing']
const params = z.object({ model: z.string().max(280).openapi({ description: 'Its id, escaped: `openai%2Fgpt-5.1@high`.' }) })
const one = { 200: json(modelSchema, 'The model as it is now') }

const list = createRoute({ ...mayAnywhere('routing:read'), method: 'get', path: '/routing/models', tags, summary: 'What the router knows of each model', request: { query: pageQuery }, responses: { 200: json(modelListSchema, 'A page, by id'), ...errors(400, 401, 403, 503) } })
const write = createRoute({ ...may('routing:read'), method: 'get', path: '/routing/models/export', tags, summary: 'All that was learned, to be kept or looked through', responses: { 200: json(exportSchema, 'The states'), ...errors(401, 403) } })
const reset = createRoute({ ...may('routing:write'), method: 'post', path: '/routing/models/reset', tags, summary: 'Forget what was learned, of one model or of all; how far each may go stays', request: { body: body(resetInput) }, responses: { 200: json(resetSchema, 'How many forgot'), ...errors(400, 401, 403, 404, 503) } })
const approve = createRoute({ ...may('routing:write'), method: 'post', path: '/routing/models/{model}/approve', tags, summary: 'Let a new or rejected model be tried', request: { params }, responses: { ...one, ...errors(401, 403, 404, 503) } })
const reject = createRoute({ ...may('routing:write'), method: 'post', path: '/routing/models/{model}/reject', tags, summary: 'Take a model out of routing; who names it still gets it', request: { params }, responses: { ...one, ...errors(401, 403, 404, 503) } })
const events = createRoute({ ...mayAnywhere('routing:read'), method: 'get', path: '/routing/events', tags, summary: 'The way of new models, newest first', request: { query: eventsQuery }, responses: { 200: json(eventListSchema, 'A page of steps'), ...errors(400, 401, 403) } })

function answered<Answer>(answer: Answer | null): Answer {
  if (answer === null) throw silent()
  return answer
}

const unknownModel = (model: string): ControlError => new ControlError('not_found', `The router knows no model ${model}. GET /api/v1/routing/models lists those that it chooses among.`)

const kept = ({ stage, approved, outcomes }: ArmView) => ({ stage, approved, outcomes })

/** It is done where the models live; then it is on record. The step itself is also an event of the model, with who did it. */
async function judge(services: Services, { org, acting }: Caller, model: string, what: 'approve' | 'reject'): Promise<ArmView> {
  const { changed, before, after } = answered(await services.question.routing({ what, org, arm: model, actor: acting.actor.id ?? acting.actor.name }))
  if (after === null) throw unknownModel(model)
  if (changed > 0) await recordRead(services.database, services.clock.epochMs() * 1000, acting, { action: `routing_model.${what}`, resource: { kind: 'routing_model', id: model, name: model }, ...(before !== null && { before: kept(before) }), after: kept(after) })
  return after
}

function afterCursor(arms: readonly ArmView[], cursor: string | undefined): readonly ArmView[] {
  if (cursor === undefined) return arms
  const [, last] = /^m\.(.+)$/.exec(decodeCursor(cursor)) ?? []
  if (last === undefined) throw new BadCursorError()
  return arms.filter(({ facts: { id } }) => id > last)
}

export const routingModels = (services: Services) => router()
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const { arms, requiresApproval } = answered(await services.question.routing({ what: 'arms', org: c.var.caller.org }))
    const left = afterCursor(arms.toSorted((a, b) => (a.facts.id < b.facts.id ? -1 : 1)), cursor)
    const page = left.slice(0, limit)
    return c.json({ data: page.map(describeModel), next_cursor: left.length > limit ? encodeCursor(`m.${page.at(-1)!.facts.id}`) : null, requires_approval: requiresApproval }, 200)
  })
  .openapi(write, async (c) => {
    const arms = await listArms(services.database, c.var.caller.org)
    return c.json({ exported_at: iso(services.clock.epochMs() * 1000), models: arms.map(({ arm: model, stage, approved, state }) => ({ model, stage, approved, state: state === '' ? null : JSON.parse(state) as Record<string, unknown> })) }, 200)
  })
  .openapi(reset, async (c) => {
    const { model = null } = c.req.valid('json')
    const { org, acting } = c.var.caller
    const { changed } = answered(await services.question.routing({ what: 'reset', org, arm: model }))
    if (model !== null && changed === 0) throw unknownModel(model)
    await audited(services.database, services.clock.epochMs() * 1000, acting, async (own, record) => {
      await forgetArms(own, org, model)
      await record({ action: 'routing_model.reset', resource: { kind: 'routing_model', id: model, name: model }, after: { reset: changed } })
    })
    return c.json({ reset: changed }, 200)
  })
  .openapi(approve, async (c) => c.json(describeModel(await judge(services, c.var.caller, c.req.valid('param').model, 'approve')), 200))
  .openapi(reject, async (c) => c.json(describeModel(await judge(services, c.var.caller, c.req.valid('param').model, 'reject')), 200))
  .openapi(events, async (c) => {
    const { model, limit, cursor = null } = c.req.valid('query')
    const page = await listAdoptionEvents(services.database, c.var.caller.org, model === undefined ? {} : { arm: model }, { limit, cursor })
    return c.json({ data: page.data.map(({ id, at, arm, from, to, reason, actor }) => ({ id, at: iso(at), model: arm, from, to, reason, actor })), next_cursor: page.nextCursor }, 200)
  })
