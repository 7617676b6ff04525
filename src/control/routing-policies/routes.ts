/**
 * `/routing/policies`: how `auto` weighs quality, cost and time, and between which models. A policy is judged whole before it is stored;
 * `?dry_run=true` stores nothing. The built-in ones can be read, and replaced by one of the same name.
 */
import { createRoute, z } from '@hono/zod-openapi'
import { usdText } from '../../governance/usd.ts'
import { builtInCompiled, builtInNames, compilePolicy } from '../../routing/compile-policy.ts'
import { plainPolicy, policyLimits, type RoutingPolicyData } from '../../routing/policy-data.ts'
import { makePolicy, type Policy } from '../../routing/policy.ts'
import { readPolicy, writePolicy } from '../../routing/written-policy.ts'
import { once } from '../../store/edits.ts'
import { createRoutingPolicy, deleteRoutingPolicy, findRoutingPolicy, listRoutingPolicies, updateRoutingPolicy, type RoutingPolicy } from '../../store/routing-policies.ts'
import { may, mayAnywhere } from '../authorize.ts'
import type { Caller } from '../context.ts'
import { ControlError, errors } from '../errors.ts'
import { idempotent } from '../idempotent.ts'
import { conditional, editOf, found, router } from '../router.ts'
import { body, etag, expectedVersion, idempotencyKey, ifMatch, json, pageQuery } from '../schema.ts'
import { edit, type Services } from '../services.ts'
import { checkPolicy, checkPolicyName, knownModels } from './check.ts'
import { newRoutingPolicySchema, routingDryRunQuery, routingPolicyListSchema, routingPolicyPatchSchema, routingPolicySchema } from './schema.ts'

const tags = ['Routing']
const params = z.object({ name: z.string().max(256) })
const one = { 200: json(routingPolicySchema, 'The policy') }

const list = createRoute({ ...mayAnywhere('routing:read'), method: 'get', path: '/routing/policies', tags, summary: 'List routing policies', request: { query: pageQuery }, responses: { 200: json(routingPolicyListSchema, 'A page of policies'), ...errors(400, 401, 403) } })
const create = createRoute({
  ...may('routing:write'), method: 'post', path: '/routing/policies', tags, summary: 'Create a routing policy', request: { query: routingDryRunQuery, headers: idempotencyKey, body: body(newRoutingPolicySchema) },
  responses: { 200: json(routingPolicySchema, 'With dry_run: what it would be'), 201: json(routingPolicySchema, 'Created'), ...errors(400, 401, 403, 409, 422) },
})
const get = createRoute({ ...mayAnywhere('routing:read'), method: 'get', path: '/routing/policies/{name}', tags, summary: 'One routing policy', request: { params }, responses: { ...one, ...errors(401, 403, 404) } })
const patch = createRoute({
  ...may('routing:write'), method: 'patch', path: '/routing/policies/{name}', tags, summary: 'Change a routing policy; what is absent stays, what is null is as its base has it',
  request: { params, query: routingDryRunQuery, headers: ifMatch, body: body(routingPolicyPatchSchema) }, responses: { ...one, ...errors(400, 401, 403, 404, 409, 412, 422) },
})
const remove = createRoute({
  ...may('routing:write'), method: 'delete', path: '/routing/policies/{name}', tags, summary: 'Delete a routing policy that no key, team or project names', request: { params, headers: ifMatch },
  responses: { 204: { description: 'Deleted' }, ...errors(401, 403, 404, 409, 412) },
})

type View = z.infer<typeof routingPolicySchema>

const showEffective = ({ kind, cost, latency, tolerance, margin, minQuality, maxCostNano, maxLatencyMs, sticky, exploreShare, exploreSpend }: Policy): View['effective'] => ({
  kind, cost, latency, tolerance, margin, min_quality: minQuality, max_cost_usd: maxCostNano === 0 ? null : usdText(maxCostNano), max_latency_ms: maxLatencyMs === 0 ? null : maxLatencyMs,
  sticky, explore_share: exploreShare, explore_spend: exploreSpend,
})

type Shown = Pick<RoutingPolicy, 'data' | 'version' | 'managedBy'>

/** What this version can no longer use is shown with what its base has. */
function describe({ data, version, managedBy }: Shown): View {
  const compiled = compilePolicy({ ...data, candidates: null })
  const effective = Array.isArray(compiled) ? makePolicy(data.name, data.base, {}) : compiled.policy
  return { name: data.name, built_in: false, ...writePolicy(data), effective: showEffective(effective), version, managed_by: managedBy }
}

const showBuiltIn = (name: (typeof builtInNames)[number]): View =>
  ({ name, built_in: true, ...writePolicy(plainPolicy(name, name)), effective: showEffective(builtInCompiled.get(name)!.policy), version: 0, managed_by: 'api' })

const builtIn = (name: string): View | null => {
  const known = builtInNames.find((each) => each === name)
  return known === undefined ? null : showBuiltIn(known)
}

const resourceOf = ({ name }: { name: string }) => ({ kind: 'routing_policy', id: name, name })

const check = ({ publisher, catalog, vendors }: Services, org: string, data: RoutingPolicyData): void => checkPolicy(data, knownModels(publisher.rowsOf(org), catalog, vendors))

function checkNew(services: Services, org: string, data: RoutingPolicyData): void {
  const rows = services.publisher.rowsOf(org)
  checkPolicyName(data.name, rows)
  check(services, org, data)
  if (rows.routing.size >= policyLimits.policies) throw new ControlError('already_exists', `There are ${policyLimits.policies} routing policies already. Delete one that nobody needs.`)
}

async function findOrBuiltIn(services: Services, org: string, name: string): Promise<View> {
  const stored = await findRoutingPolicy(services.database, org, name)
  return found(stored === null ? builtIn(name) : describe(stored), 'routing policy', name)
}

/** One that is built in is no row: it is replaced by creating one. */
function editable(stored: RoutingPolicy | null, name: string): RoutingPolicy {
  if (stored === null && builtIn(name) !== null) throw new ControlError('not_found', `${name} is built in and is not changed itself: create a routing policy named ${name}, which takes its place.`)
  return found(stored, 'routing policy', name)
}

type Patch = z.output<typeof routingPolicyPatchSchema>

const patched = ({ data }: RoutingPolicy, { base, ...fields }: Patch): RoutingPolicyData => {
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  return readPolicy(data.name, { ...writePolicy(data), ...given, base: base ?? data.base })
}

async function change(services: Services, caller: Caller, name: string, input: Patch, ifVersion: number | null): Promise<RoutingPolicy> {
  const { org } = caller
  return editable(await conditional(() => edit(services, caller, async (write, record) => {
    const before = editable(await findRoutingPolicy(write, org, name), name)
    const data = patched(before, input)
    check(services, org, data)
    const after = await updateRoutingPolicy(write, org, data, editOf(ifVersion))
    if (after !== null) await record({ action: 'routing_policy.update', resource: resourceOf(before), before: describe(before), after: describe(after) })
    return after
  }), describe), name)
}

export const routingPolicies = (services: Services) => router()
  .openapi(list, async (c) => {
    const { limit, cursor = null } = c.req.valid('query')
    const { org } = c.var.caller
    const page = await listRoutingPolicies(services.database, org, { limit, cursor })
    const own = services.publisher.rowsOf(org).routing
    const first = cursor === null ? builtInNames.filter((name) => !own.has(name)).map(showBuiltIn) : []
    return c.json({ data: [...first, ...page.data.map(describe)], next_cursor: page.nextCursor }, 200)
  })
  .openapi(create, async (c) => {
    const { name, ...input } = c.req.valid('json')
    const { caller } = c.var
    const { org } = caller
    const data = readPolicy(name, input)
    checkNew(services, org, data)
    if (c.req.valid('query').dry_run === 'true') return c.json(describe({ data, version: 0, managedBy: 'api' }), 200)
    const repeat = idempotent(`${org} routing-policies`, c.req.valid('header')['idempotency-key'], { name, ...input })
    const { id } = await edit(services, caller, (write, record) => once(write, repeat, async () => {
      const made = await createRoutingPolicy(write, org, data)
      await record({ action: 'routing_policy.create', resource: resourceOf(made), after: describe(made) })
      return made.name
    }))
    const policy = found(await findRoutingPolicy(services.database, org, id), 'routing policy', id)
    c.header('etag', etag(policy))
    return c.json(describe(policy), 201)
  })
  .openapi(get, async (c) => {
    const view = await findOrBuiltIn(services, c.var.caller.org, c.req.valid('param').name)
    c.header('etag', etag(view))
    return c.json(view, 200)
  })
  .openapi(patch, async (c) => {
    const { name } = c.req.valid('param')
    const { caller } = c.var
    const input = c.req.valid('json')
    if (c.req.valid('query').dry_run === 'true') {
      const before = editable(await findRoutingPolicy(services.database, caller.org, name), name)
      const data = patched(before, input)
      check(services, caller.org, data)
      c.header('etag', etag(before))
      return c.json(describe({ ...before, data }), 200)
    }
    const policy = await change(services, caller, name, input, expectedVersion(c.req.valid('header')['if-match']))
    c.header('etag', etag(policy))
    return c.json(describe(policy), 200)
  })
  .openapi(remove, async (c) => {
    const { name } = c.req.valid('param')
    const { org } = c.var.caller
    const ifVersion = expectedVersion(c.req.valid('header')['if-match'])
    editable(await conditional(() => edit(services, c.var.caller, async (write, record) => {
      const deleted = await deleteRoutingPolicy(write, org, name, { ...editOf(ifVersion), isBuiltIn: builtIn(name) !== null })
      if (deleted !== null) await record({ action: 'routing_policy.delete', resource: resourceOf(deleted), before: describe(deleted) })
      return deleted
    }), describe), name)
    return c.body(null, 204)
  })
