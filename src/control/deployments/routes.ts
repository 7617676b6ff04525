/** `/deployments`: create, delete, and state facts; model and price are not changed but replaced with the deployment, so that its price version stays true. */
import { createRoute, z } from '@hono/zod-openapi'
import { priceVector } from '../../config.ts'
import { declaredFacts, type DeclaredFacts } from '../../governance/model-class.ts'
import { createDeployment, deleteDeployment, findDeployment, listDeployments, updateDeployment, type Deployment } from '../../store/deployments.ts'
import { once } from '../../store/edits.ts'
import { may, mayAnywhere } from '../authorize.ts'
import { ControlError, errors } from '../errors.ts'
import { idempotent } from '../idempotent.ts'
import { conditional, editOf, found, router } from '../router.ts'
import { body, etag, expectedVersion, idempotencyKey, ifMatch, json } from '../schema.ts'
import { checkNotPolicy } from '../routing-policies/check.ts'
import { edit, without, type Health, type Services } from '../services.ts'
import { shownHealth, type healthSchema } from './health.ts'
import { deploymentListSchema, deploymentPatchSchema, deploymentQuery, deploymentSchema, newDeploymentSchema } from './schema.ts'

const tags = ['Deployments']
/** Ids hold slashes, so the rest of the path is the id. */
const params = z.object({ id: z.string().max(256) })

const list = createRoute({ ...mayAnywhere('routing:read'), method: 'get', path: '/deployments', tags, summary: 'List declared deployments', request: { query: deploymentQuery }, responses: { 200: json(deploymentListSchema, 'A page of deployments'), ...errors(400, 401) } })
const create = createRoute({
  ...may('routing:write'), method: 'post', path: '/deployments', tags, summary: 'Declare a deployment', request: { headers: idempotencyKey, body: body(newDeploymentSchema) },
  responses: { 201: json(deploymentSchema, 'Created'), ...errors(400, 401, 403, 409, 422) },
})
const patch = createRoute({
  ...may('routing:write'), method: 'patch', path: '/deployments/{id}', tags, summary: 'Change what is stated of a deployment for policies; what is absent stays (encode the slashes of its id)',
  request: { params, headers: ifMatch, body: body(deploymentPatchSchema) }, responses: { 200: json(deploymentSchema, 'Changed'), ...errors(400, 401, 403, 404, 409, 412) },
})
const remove = createRoute({
  ...may('routing:write'), method: 'delete', path: '/deployments/{id}', tags, summary: 'Delete a deployment (encode the slashes of its id)', request: { params, headers: ifMatch },
  responses: { 204: { description: 'Deleted' }, ...errors(401, 403, 404, 409, 412) },
})

const describe = ({ id, model, provider, upstreamModel, price, priceAs, facts, version, managedBy }: Deployment, health: Health): z.infer<typeof deploymentSchema> => ({
  id, model, provider, upstream_model: upstreamModel, price_as: priceAs, price_nano_per_million: price === null ? null : { ...price.base },
  region: facts?.region ?? null, retention_days: facts?.retentionDays ?? null, open_weights: facts?.openWeights ?? null, version, managed_by: managedBy, health: healthIn(health, id),
})

const resourceOf = ({ id }: Deployment) => ({ kind: 'deployment', id, name: id })
/** For the audit log. */
const kept = (deployment: Deployment): object => without(describe(deployment, []), 'health')

function healthIn(health: Health, id: string): z.infer<typeof healthSchema> | null {
  const known = health.find((each) => each.id === id)
  return known === undefined ? null : shownHealth(known)
}

function check({ publisher, catalog }: Services, org: string, { model, provider, price_as: priceAs }: z.output<typeof newDeploymentSchema>): void {
  checkNotPolicy(model, publisher.rowsOf(org).routing, 'model')
  if (!publisher.rowsOf(org).providers.has(provider)) throw new ControlError('unknown_provider', `There is no provider ${provider}. GET /api/v1/providers lists all.`, { param: 'provider' })
  if (priceAs === undefined || catalog.logical(priceAs).length > 0) return
  const nearest = catalog.nearest(priceAs, 3)
  throw new ControlError('unknown_target', `There is no model ${priceAs} in the catalogue whose price could apply.${nearest.length > 0 ? ` Nearest: ${nearest.join(', ')}.` : ' GET /api/v1/catalog/entries lists all.'}`, { param: 'price_as' })
}

const stated = <T>(patch: T | null | undefined, before: T | undefined): T | undefined => (patch === undefined ? before : patch ?? undefined)

const restated = (before: DeclaredFacts | null, { region, retention_days: retentionDays, open_weights: openWeights }: z.output<typeof deploymentPatchSchema>): DeclaredFacts | null =>
  declaredFacts({ region: stated(region, before?.region), retention_days: stated(retentionDays, before?.retentionDays), open_weights: stated(openWeights, before?.openWeights) })

export const deployments = (services: Services) => router()
  .openapi(list, async (c) => {
    const { limit, cursor = null, model } = c.req.valid('query')
    const page = await listDeployments(services.database, c.var.caller.org, { limit, cursor, model })
    return c.json({ data: page.data.map((each) => describe(each, services.health(c.var.caller.org))), next_cursor: page.nextCursor }, 200)
  })
  .openapi(create, async (c) => {
    const input = c.req.valid('json')
    const { org } = c.var.caller
    check(services, org, input)
    const { model, provider, upstream_model: upstreamModel, price_as: priceAs = null, price_usd_per_million: prices } = input
    const id = input.id ?? `${provider}/${upstreamModel}`
    const repeat = idempotent(`${org} deployments`, c.req.valid('header')['idempotency-key'], input)
    const made = { id, org, model, provider, upstreamModel, priceAs, price: prices === undefined ? null : priceVector(prices), facts: declaredFacts(input) }
    await edit(services, c.var.caller, (write, record) => once(write, repeat, async () => {
      const created = await createDeployment(write, made)
      await record({ action: 'deployment.create', resource: resourceOf(created), after: kept(created) })
      return created.id
    }))
    const deployment = found(await findDeployment(services.database, org, id), 'deployment', id)
    c.header('etag', etag(deployment))
    return c.json(describe(deployment, services.health(c.var.caller.org)), 201)
  })
  .openapi(patch, async (c) => {
    const { id } = c.req.valid('param')
    const { org } = c.var.caller
    const ifVersion = expectedVersion(c.req.valid('header')['if-match'])
    const deployment = found(await conditional(() => edit(services, c.var.caller, async (write, record) => {
      const before = await findDeployment(write, org, id)
      const after = before && await updateDeployment(write, org, id, { facts: restated(before.facts, c.req.valid('json')) }, editOf(ifVersion))
      if (before !== null && after !== null) await record({ action: 'deployment.update', resource: resourceOf(after), before: kept(before), after: kept(after) })
      return after
    }), (now: Deployment) => describe(now, services.health(org))), 'deployment', id)
    c.header('etag', etag(deployment))
    return c.json(describe(deployment, services.health(org)), 200)
  })
  .openapi(remove, async (c) => {
    const { id } = c.req.valid('param')
    const ifVersion = expectedVersion(c.req.valid('header')['if-match'])
    found(await conditional(() => edit(services, c.var.caller, async (write, record) => {
      const deleted = await deleteDeployment(write, c.var.caller.org, id, editOf(ifVersion))
      if (deleted !== null) await record({ action: 'deployment.delete', resource: resourceOf(deleted), before: kept(deleted) })
      return deleted
    }), (now: Deployment) => describe(now, services.health(c.var.caller.org))), 'deployment', id)
    return c.body(null, 204)
  })
