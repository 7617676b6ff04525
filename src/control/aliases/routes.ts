/** `/aliases`: create, change, delete; a change is checked against everything it points to. */
import { createRoute, z } from '@hono/zod-openapi'
import { createAlias, deleteAlias, findAlias, listAliases, updateAlias, type Alias } from '../../store/aliases.ts'
import { once } from '../../store/edits.ts'
import { may, mayAnywhere } from '../authorize.ts'
import { errors } from '../errors.ts'
import { idempotent } from '../idempotent.ts'
import { conditional, editOf, found, router } from '../router.ts'
import { body, etag, expectedVersion, idempotencyKey, ifMatch, json, pageQuery } from '../schema.ts'
import { edit, type Services } from '../services.ts'
import { checkNotPolicy } from '../routing-policies/check.ts'
import { checkAlias } from './check.ts'
import { aliasListSchema, aliasPatchSchema, aliasSchema, newAliasSchema } from './schema.ts'

const tags = ['Aliases']
const params = z.object({ name: z.string().max(256) })
const one = { 200: json(aliasSchema, 'The alias') }

const list = createRoute({ ...mayAnywhere('routing:read'), method: 'get', path: '/aliases', tags, summary: 'List aliases', request: { query: pageQuery }, responses: { 200: json(aliasListSchema, 'A page of aliases'), ...errors(400, 401) } })
const create = createRoute({
  ...may('routing:write'), method: 'post', path: '/aliases', tags, summary: 'Create an alias', request: { headers: idempotencyKey, body: body(newAliasSchema) },
  responses: { 201: json(aliasSchema, 'Created'), ...errors(400, 401, 403, 409, 422) },
})
const get = createRoute({ ...mayAnywhere('routing:read'), method: 'get', path: '/aliases/{name}', tags, summary: 'One alias', request: { params }, responses: { ...one, ...errors(401, 404) } })
const patch = createRoute({
  ...may('routing:write'), method: 'patch', path: '/aliases/{name}', tags, summary: 'Change an alias', request: { params, headers: ifMatch, body: body(aliasPatchSchema) },
  responses: { ...one, ...errors(400, 401, 403, 404, 409, 412, 422) },
})
const remove = createRoute({
  ...may('routing:write'), method: 'delete', path: '/aliases/{name}', tags, summary: 'Delete an alias', request: { params, headers: ifMatch },
  responses: { 204: { description: 'Deleted' }, ...errors(401, 403, 404, 409, 412) },
})

const describe = ({ name, strategy, targets, version, managedBy }: Alias): z.infer<typeof aliasSchema> => ({ name, strategy, targets, version, managed_by: managedBy })

const resourceOf = ({ name }: Alias) => ({ kind: 'alias', id: name, name })

const check = ({ publisher, catalog, vendors }: Services, org: string, alias: Parameters<typeof checkAlias>[0]): void => checkAlias(alias, { rows: publisher.rowsOf(org), catalog, vendors })

export const aliases = (services: Services) => router()
  .openapi(list, async (c) => {
    const { limit, cursor = null } = c.req.valid('query')
    const page = await listAliases(services.database, c.var.caller.org, { limit, cursor })
    return c.json({ data: page.data.map(describe), next_cursor: page.nextCursor }, 200)
  })
  .openapi(create, async (c) => {
    const input = c.req.valid('json')
    const { org } = c.var.caller
    checkNotPolicy(input.name, services.publisher.rowsOf(org).routing, 'name')
    check(services, org, input)
    const repeat = idempotent(`${org} aliases`, c.req.valid('header')['idempotency-key'], input)
    const { id } = await edit(services, c.var.caller, (write, record) => once(write, repeat, async () => {
      const made = await createAlias(write, { ...input, org })
      await record({ action: 'alias.create', resource: resourceOf(made), after: describe(made) })
      return made.name
    }))
    const alias = found(await findAlias(services.database, org, id), 'alias', id)
    c.header('etag', etag(alias))
    return c.json(describe(alias), 201)
  })
  .openapi(get, async (c) => {
    const { name } = c.req.valid('param')
    const alias = found(await findAlias(services.database, c.var.caller.org, name), 'alias', name)
    c.header('etag', etag(alias))
    return c.json(describe(alias), 200)
  })
  .openapi(patch, async (c) => {
    const { name } = c.req.valid('param')
    const { org } = c.var.caller
    const { strategy, targets } = c.req.valid('json')
    const ifVersion = expectedVersion(c.req.valid('header')['if-match'])
    const alias = found(await conditional(() => edit(services, c.var.caller, async (write, record) => {
      const current = found(await findAlias(write, org, name), 'alias', name)
      const next = { strategy: strategy ?? current.strategy, targets: targets ?? current.targets }
      check(services, org, { name, ...next })
      const changed = found(await updateAlias(write, org, name, next, editOf(ifVersion)), 'alias', name)
      await record({ action: 'alias.update', resource: resourceOf(current), before: describe(current), after: describe(changed) })
      return changed
    }), describe), 'alias', name)
    c.header('etag', etag(alias))
    return c.json(describe(alias), 200)
  })
  .openapi(remove, async (c) => {
    const { name } = c.req.valid('param')
    const ifVersion = expectedVersion(c.req.valid('header')['if-match'])
    found(await conditional(() => edit(services, c.var.caller, async (write, record) => {
      const deleted = await deleteAlias(write, c.var.caller.org, name, editOf(ifVersion))
      if (deleted !== null) await record({ action: 'alias.delete', resource: resourceOf(deleted), before: describe(deleted) })
      return deleted
    }), describe), 'alias', name)
    return c.body(null, 204)
  })
