/**
 * What a team or project sets for those below it: its default model, fallbacks, routing policy, aliases, and credentials of its own.
 * Those pay for what is below the node and for nothing else.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { AliasOfNode } from '../../governance/node-defaults.ts'
import { once } from '../../store/edits.ts'
import { newId } from '../../store/ids.ts'
import { findNode, updateNode, type Defaults, type Node } from '../../store/nodes.ts'
import { addCredential, findProvider, listProviders, removeCredential, type Credential, type Provider } from '../../store/providers.ts'
import { sealSecret, Secret } from '../../store/secrets.ts'
import { checkAlias } from '../aliases/check.ts'
import { may } from '../authorize.ts'
import type { Caller } from '../context.ts'
import { ControlError, errors } from '../errors.ts'
import { idempotent } from '../idempotent.ts'
import { checkNotPolicy, checkPolicyExists } from '../routing-policies/check.ts'
import { checkEntry } from '../providers/edit.ts'
import { conditional, editOf, found, router } from '../router.ts'
import { body, etag, expectedVersion, idempotencyKey, ifMatch, iso, json } from '../schema.ts'
import { edit, type Services } from '../services.ts'
import { describeDefaults } from './describe.ts'
import { atKind, params } from './routes.ts'
import { defaultsInput, defaultsSchema, newNodeCredentialSchema, nodeCredentialListSchema, nodeCredentialSchema } from './schema.ts'

type Kind = Node['kind']
const base = { team: '/teams/{id}', project: '/projects/{id}' } as const
const credentialParams = params.extend({ credential_id: z.string().max(64) })

function routesOf(kind: Kind) {
  const at = atKind(kind)
  const tags = [kind === 'team' ? 'Teams' : 'Projects']
  const path = `${base[kind]}/defaults` as const
  const credentials = `${base[kind]}/credentials` as const
  return {
    get: createRoute({ ...may('routing:read', at), method: 'get', path, tags, summary: 'What it sets for those below it', request: { params }, responses: { 200: json(defaultsSchema, 'Its defaults'), ...errors(401, 403, 404) } }),
    put: createRoute({
      ...may('routing:write', at), method: 'put', path, tags, summary: 'Set its default model, fallbacks, routing policy, aliases and the providers that are off, all at once', request: { params, headers: ifMatch, body: body(defaultsInput) },
      responses: { 200: json(defaultsSchema, 'Set'), ...errors(400, 401, 403, 404, 409, 412, 422) },
    }),
    list: createRoute({ ...may('providers:read', at), method: 'get', path: credentials, tags, summary: 'Credentials that it pays with itself', request: { params }, responses: { 200: json(nodeCredentialListSchema, 'Its credentials'), ...errors(401, 403, 404) } }),
    add: createRoute({
      ...may('providers:write', at), method: 'post', path: credentials, tags, summary: 'Bring a key of its own to a provider', request: { params, headers: idempotencyKey, body: body(newNodeCredentialSchema) },
      responses: { 201: json(nodeCredentialSchema, 'Added; it is used below the node, and nowhere else'), ...errors(400, 401, 403, 404, 409, 422) },
    }),
    drop: createRoute({
      ...may('providers:write', at), method: 'delete', path: `${credentials}/{credential_id}`, tags, summary: 'Destroy a credential of its own', request: { params: credentialParams },
      responses: { 204: { description: 'Destroyed' }, ...errors(401, 403, 404, 409) },
    }),
  }
}

type Input = z.output<typeof defaultsInput>

/** Aliases may lead to each other and to those of the organisation; nothing here lets anybody use a model, policies decide that. */
function checkAliases({ publisher, catalog, vendors }: Services, org: string, aliases: readonly AliasOfNode[]): void {
  const repeated = aliases.find(({ name }, index) => aliases.findIndex((each) => each.name === name) !== index)
  if (repeated !== undefined) throw new ControlError('invalid_request', `The alias ${repeated.name} stands twice: keep one of the two.`, { param: 'aliases' })
  const known = publisher.rowsOf(org)
  const rows = { ...known, aliases: new Map<string, { targets: readonly { model: string }[] }>([...known.aliases, ...aliases.map((alias) => [alias.name, alias] as const)]) }
  for (const alias of aliases) checkNotPolicy(alias.name, known.routing, 'aliases')
  for (const alias of aliases) checkAlias(alias, { rows, catalog, vendors })
}

async function ownCredentials({ database }: Pick<Services, 'database'>, org: string, node: string): Promise<{ provider: string; credential: Credential }[]> {
  const { data } = await listProviders(database, org, { limit: 200 })
  return data.flatMap(({ id, credentials }) => credentials.filter((credential) => credential.node === node).map((credential) => ({ provider: id, credential })))
}

async function setDefaults(services: Services, caller: Caller, { kind, id }: { kind: Kind; id: string }, input: Input, ifVersion: number | null): Promise<Node> {
  const { org } = caller
  const before = found(await findNode(services.database, org, id), kind, id)
  const defaults: Defaults = { model: input.model, fallbacks: input.fallbacks, policy: input.policy, aliases: input.aliases, providersOff: input.providers_off }
  if (JSON.stringify(input.providers_off) !== JSON.stringify(before.defaults?.providersOff ?? [])) {
    services.rights.ensure(caller, 'providers:write', id)
    for (const provider of input.providers_off) if (await findProvider(services.database, org, provider) === null) throw unknownProvider(provider, 'providers_off')
  }
  checkAliases(services, org, input.aliases)
  checkPolicyExists(input.policy, services.publisher.rowsOf(org).routing, 'policy')
  return found(await conditional(() => edit(services, caller, async (write, record) => {
    const after = await updateNode(write, org, id, { defaults }, editOf(ifVersion))
    if (after !== null) await record({ action: `${kind}.defaults`, resource: { kind, id, name: after.name }, before: before.defaults, after: after.defaults })
    return after
  }), (current: Node) => describeDefaults(current)), kind, id)
}

const unknownProvider = (id: string, param: string): ControlError => new ControlError('unknown_provider', `There is no provider ${id}. GET /api/v1/providers lists those that are on.`, { param })

const describe = (provider: string, { id, name, last4, status, createdAt }: Credential): z.infer<typeof nodeCredentialSchema> => ({ id, provider, name, last4, status, created_at: iso(createdAt) })

type NewCredential = z.output<typeof newNodeCredentialSchema>

async function bring(services: Services, caller: Caller, { kind, id }: { kind: Kind; id: string }, input: NewCredential, repeatKey: string | undefined): Promise<{ provider: string; credential: Credential }> {
  const { database, clock, random, kek, checks } = services
  const { org } = caller
  const provider = await findProvider(database, org, input.provider)
  if (provider === null) throw unknownProvider(input.provider, 'provider')
  const check = await checkEntry(services, provider, input.secret, { force: input.force, param: 'secret' })
  const made = await edit(services, caller, (write, record) => once(write, idempotent(`${org} credentials ${id}`, repeatKey, input), async () => {
    const credentialId = newId('cred', clock.epochMs(), random(16))
    const secret = new Secret(input.secret)
    const name = input.name ?? `key of ${services.rights.tree.get(org, id)?.name ?? id}`
    found(await addCredential(write, org, provider.id, { id: credentialId, name, last4: secret.last4, node: id, ciphertext: sealSecret(kek, secret, { org, id: credentialId, version: 1 }) }), 'provider', provider.id)
    await record({ action: 'credential.create', resource: { kind: 'credential', id: credentialId, name }, after: { provider: provider.id, node: id, name, last4: secret.last4 } })
    return credentialId
  }))
  if (check !== null && !made.repeated) checks.set(made.id, check)
  return found((await ownCredentials(services, org, id)).find(({ credential }) => credential.id === made.id) ?? null, 'credential', `${made.id} of this ${kind}`)
}

async function drop(services: Services, caller: Caller, { kind, id }: { kind: Kind; id: string }, credentialId: string): Promise<void> {
  const { org } = caller
  const { provider, credential } = found((await ownCredentials(services, org, id)).find((each) => each.credential.id === credentialId) ?? null, 'credential', `${credentialId} of this ${kind}`)
  found(await edit(services, caller, async (write, record) => {
    const after: Provider | null = await removeCredential(write, org, provider, credentialId)
    if (after !== null) await record({ action: 'credential.delete', resource: { kind: 'credential', id: credentialId, name: credential.name }, before: { provider, node: id, name: credential.name, last4: credential.last4 } })
    return after
  }), 'credential', credentialId)
}

export function nodeDefaults(services: Services, kind: Kind) {
  const routes = routesOf(kind)
  return router()
    .openapi(routes.get, async (c) => {
      const { id } = c.req.valid('param')
      const node = found(await findNode(services.database, c.var.caller.org, id), kind, id)
      c.header('etag', etag(node))
      return c.json(describeDefaults(node), 200)
    })
    .openapi(routes.put, async (c) => {
      const node = await setDefaults(services, c.var.caller, { kind, id: c.req.valid('param').id }, c.req.valid('json'), expectedVersion(c.req.valid('header')['if-match']))
      c.header('etag', etag(node))
      return c.json(describeDefaults(node), 200)
    })
    .openapi(routes.list, async (c) => c.json({ data: (await ownCredentials(services, c.var.caller.org, c.req.valid('param').id)).map(({ provider, credential }) => describe(provider, credential)) }, 200))
    .openapi(routes.add, async (c) => {
      const { provider, credential } = await bring(services, c.var.caller, { kind, id: c.req.valid('param').id }, c.req.valid('json'), c.req.valid('header')['idempotency-key'])
      return c.json(describe(provider, credential), 201)
    })
    .openapi(routes.drop, async (c) => {
      const { id, credential_id: credentialId } = c.req.valid('param')
      await drop(services, c.var.caller, { kind, id }, credentialId)
      return c.body(null, 204)
    })
}
