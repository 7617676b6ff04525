/**
 * The world of gate G1: two organisations, a branch of teams in the first, things at one team of it, and principals that hold each role
 * at each place, with every kind of credential. Requests go to the application itself, so that tens of thousands of them take seconds.
 */
import { createApp } from '../../src/control/app.ts'
import type { Services } from '../../src/control/services.ts'
import { createKey as newKeyText, hashKey, keyHint } from '../../src/governance/key-format.ts'
import type { Permission } from '../../src/governance/permissions.ts'
import { allPermissions } from '../../src/governance/permissions.ts'
import { builtInRoles } from '../../src/governance/roles.ts'
import { plainPolicy } from '../../src/routing/policy-data.ts'
import { createAlias } from '../../src/store/aliases.ts'
import { createChannel } from '../../src/store/alerts.ts'
import { createBudget, createIncrease } from '../../src/store/budgets-defined.ts'
import { ContentStore } from '../../src/store/content.ts'
import { transaction, type Write } from '../../src/store/database.ts'
import { createDeployment } from '../../src/store/deployments.ts'
import { createKey } from '../../src/store/keys.ts'
import { createLimit } from '../../src/store/limits-defined.ts'
import { createMembership } from '../../src/store/memberships.ts'
import { createNode } from '../../src/store/nodes.ts'
import { createOidcProvider } from '../../src/store/oidc-providers.ts'
import { createOrganisation } from '../../src/store/organisations.ts'
import { createPolicy } from '../../src/store/policies.ts'
import { addCredential, createProvider } from '../../src/store/providers.ts'
import { createRole } from '../../src/store/roles.ts'
import { RecordStore } from '../../src/store/save.ts'
import { sealSecret, Secret } from '../../src/store/secrets.ts'
import { createRoutingPolicy } from '../../src/store/routing-policies.ts'
import { createServiceAccount } from '../../src/store/service-accounts.ts'
import { createUser } from '../../src/store/users.ts'
import { secretContext } from '../../src/control/identity/oidc-providers.ts'
import { record } from '../store/fixtures.ts'
import { adminToken, origin, startRig, type Rig } from './rig.ts'

export const places = ['organisation', 'ancestor', 'parent', 'own', 'child', 'sibling', 'other branch', 'tenant'] as const
export type Place = (typeof places)[number]
export const carriers = ['session', 'token', 'token with one scope', 'service account'] as const
export type Carrier = (typeof carriers)[number]

/** A custom role that reaches all three kinds of places. */
export const customPermissions: readonly Permission[] = ['keys:read', 'usage:read', 'settings:write']
export const oneScope: Permission = 'keys:read'
export const roles = [...builtInRoles.map(({ id }) => id), 'custom', 'none'] as const

export interface Who { role: string; place: Place; headers: Readonly<Record<Carrier, Record<string, string>>> }

export interface World {
  rig: Rig
  org: string
  other: string
  who: Who[]
  /** Ids of the things at the team, by the beginning of the path of their routes. */
  ids: Record<string, string>
  /** Texts that no answer may hold. */
  canaries: string[]
  document: { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, Schema> } }
  /** `denied`: the policy of the route refused. */
  call(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<{ status: number; text: string; denied: boolean }>
  stop(): Promise<void>
}
export interface Schema { $ref?: string; type?: string | string[]; properties?: Record<string, Schema>; items?: Schema; additionalProperties?: boolean | Schema; anyOf?: Schema[]; oneOf?: Schema[]; allOf?: Schema[]; required?: string[] }
interface Operation { requestBody?: { content: Record<string, { schema: Schema }> }; parameters?: { name: string; in: string }[] }

const bytes = (fill: number): Buffer => Buffer.alloc(32, fill)
const canary = (name: string): string => `canary-${name}-0123456789abcdef`

async function makeThings(write: Write, org: string, { kek }: Services): Promise<void> {
  const text = { description: '', weight: 1, defaults: null }
  const team = (id: string, parent: string | null) => createNode(write, { id, org, parent, kind: 'team', name: id, ...text })
  for (const [id, parent] of [['team_top', null], ['team_parent', 'team_top'], ['team_target', 'team_parent'], ['team_sibling', 'team_parent'], ['team_branch', null]] as const) await team(id, parent)
  for (const id of ['proj_child', 'proj_target']) await createNode(write, { id, org, parent: 'team_target', kind: 'project', name: id, ...text })
  const { prefix, last4 } = keyHint(newKeyText())
  await createKey(write, { id: 'key_target', org, name: 'key', prefix, last4, hash: bytes(1), pepperVersion: 1, node: 'team_target', team: 'team_target' })
  await createServiceAccount(write, { id: 'sa_target', org, node: 'team_target', name: 'target', description: '', status: 'active' })
  await createUser(write, { id: 'usr_target', org, email: 'target@example.com', name: 'target', role: 'member', passwordHash: canary('password') })
  await createRole(write, { id: 'role_custom', org, name: 'Custom', description: '', permissions: [...customPermissions] })
  await createMembership(write, { id: 'mem_target', org, principalKind: 'service_account', principal: 'sa_target', node: 'team_target', role: 'viewer', source: 'local', sourceRef: null, grantedBy: 'test', expiresAt: null })
  const subject = { org, subjectKind: 'team' as const, subject: 'team_target', name: 'target', enabled: true }
  await createBudget(write, { id: 'bud_target', ...subject, limitNano: 5_000_000_000, period: 'month', timeZone: null, mode: 'strict', thresholds: [] })
  await createIncrease(write, { id: 'inc_target', org, budget: 'bud_target', amountNano: 1, fromMs: 1, untilMs: 2, reason: 'r', requestedBy: 'nobody', requestedAt: 1, requesterKind: 'user', requesterName: 'n', decision: null, revoked: null })
  await createLimit(write, { id: 'lim_target', ...subject, models: null, rpm: 1, tpm: null, concurrency: null, spendNano: null })
  await createPolicy(write, { id: 'pol_target', ...subject, rules: [] })
  await createChannel(write, { id: 'alc_target', org, kind: 'webhook', name: 'hook', target: { url: 'https://hooks.example.com/x' }, secret: sealSecret(kek, new Secret(`whsec_${Buffer.from(canary('channel')).toString('base64')}`), { org, id: 'alc_target', version: 1 }), events: [], enabled: false })
  await createProvider(write, { id: 'vendor-target', org, vendor: 'openai-compatible', name: 'Own', baseUrl: 'https://models.example.com/v1', enabled: false })
  await addCredential(write, org, 'vendor-target', { id: 'cred_target', name: 'k', last4: 'cdef', ciphertext: sealSecret(kek, new Secret(canary('provider')), { org, id: 'cred_target', version: 1 }) })
  await createAlias(write, { name: 'alias-target', org, strategy: 'ordered', targets: [{ model: 'vendor-target/m', weight: 1 }] })
  await createRoutingPolicy(write, org, plainPolicy('policy-target'))
  await createDeployment(write, { id: 'deployment-target', org, model: 'm', provider: 'vendor-target', upstreamModel: 'm', price: null, priceAs: null })
  await createOidcProvider(write, {
    id: 'oidc-target', org, name: 'Id', issuer: 'https://id.example.com', clientId: 'c', clientSecret: sealSecret(kek, new Secret(canary('oidc')), secretContext({ org, id: 'oidc-target' })), enabled: true,
    settings: { scopes: [], groupsClaim: 'groups', userinfo: false, rules: [], domains: [], createUsers: false, linkVerifiedEmail: false, trustEmail: false },
  })
}

async function makePrincipals(write: Write, org: string, other: string, random: () => string): Promise<{ role: string; place: Place; user: string; account: string }[]> {
  const at: Record<Place, string> = { organisation: org, ancestor: 'team_top', parent: 'team_parent', own: 'team_target', child: 'proj_child', sibling: 'team_sibling', 'other branch': 'team_branch', tenant: other }
  const made: { role: string; place: Place; user: string; account: string }[] = []
  for (const role of roles) for (const place of places) {
    const home = place === 'tenant' ? other : org
    const name = `${role}-${place.replace(' ', '-')}`
    const user = `usr_${name}`
    const account = `sa_${name}`
    await createUser(write, { id: user, org: home, email: `${name}@example.com`, name, role: 'member', passwordHash: canary('password') })
    await createServiceAccount(write, { id: account, org: home, node: null, name, description: '', status: 'active' })
    made.push({ role, place, user, account })
    if (role === 'none') continue
    for (const [principalKind, principal] of [['user', user], ['service_account', account]] as const) {
      const held = role !== 'custom' ? role : place === 'tenant' ? 'role_other' : 'role_custom'
      await createMembership(write, { id: `mem_${random()}`, org: home, principalKind, principal, node: at[place], role: held, source: 'local', sourceRef: null, grantedBy: 'test', expiresAt: null })
    }
  }
  return made
}

export async function startWorld(): Promise<World> {
  const rig = await startRig()
  const { services } = rig.control
  const { database, clock, rights, identity, publisher } = services
  const org = rights.operator
  const other = 'org_other'
  let serial = 0
  const made = await transaction(database, clock.epochMs() * 1000, async (write) => {
    await createOrganisation(write, { id: other, name: 'Other', timeZone: 'UTC' })
    await createRole(write, { id: 'role_other', org: other, name: 'Custom', description: '', permissions: [...customPermissions] })
    await makeThings(write, org, services)
    return makePrincipals(write, org, other, () => String(++serial))
  })
  await publisher.refresh()
  const request = record({ org, team: 'team_target', project: null, key: 'key_target', at: clock.epochMs() * 1000 })
  await new RecordStore(database, services.contents as ContentStore, (error) => { throw error }).save([request])
  const canaries = [Buffer.from(canary('channel')).toString('base64'), ...['provider', 'oidc', 'password'].map(canary)]
  const who = await Promise.all(made.map(async ({ role, place, user, account }): Promise<Who> => {
    const home = place === 'tenant' ? other : org
    const { caller, cookie } = await identity.reopen({ id: user }, { address: '127.0.0.1', https: false }, 'req_test')
    const token = async (principalKind: 'user' | 'service_account', principal: string, scopes: Permission[]) =>
      ({ authorization: `Bearer ${(await identity.tokens.create({ org: home, principalKind, principal, name: 't', scopes, node: null, expiresAtMs: null }, () => undefined, caller.acting)).text}` })
    return {
      role, place, headers: {
        session: { cookie: cookie.split(';')[0]!, origin, 'x-megarouter-csrf': caller.csrf },
        token: await token('user', user, allPermissions), 'token with one scope': await token('user', user, [oneScope]), 'service account': await token('service_account', account, allPermissions),
      },
    }
  }))
  await publisher.refresh()
  canaries.push(...who.flatMap(({ headers }) => [headers.token.authorization!.slice(15, -4)]), hashKey(services.pepper, 'x').toString('hex'))
  // There is no data plane to ask; it would be waited for a second each time.
  Object.assign(services.question, { effective: async () => null, explain: async () => null, held: async () => null, routing: async () => ({ changed: 0, before: null, after: null, arms: [], requiresApproval: false }), emptyCache: async () => ({ answers: 0, bytes: 0 }) })
  let denied = false
  services.denied = async ({ event }) => {
    if (event.resource.kind === 'route') denied = true
  }
  const app = createApp({ services, console: rig.directory, log: { error: (details, message) => rig.logged.push(`${message} ${JSON.stringify(details)}`) } })
  return {
    rig, org, other, who, canaries, document: app.document as World['document'],
    ids: {
      teams: 'team_target', projects: 'proj_target', keys: 'key_target', 'service-accounts': 'sa_target', memberships: 'mem_target', roles: 'role_custom', budgets: 'bud_target', 'budget-increases': 'inc_target', limits: 'lim_target',
      policies: 'pol_target', 'alert-channels': 'alc_target', alerts: 'ald_target', 'oidc-providers': 'oidc-target', providers: 'vendor-target', aliases: 'alias-target', routing: 'policy-target', 'routing/decisions': request.id, deployments: 'deployment-target', requests: request.id,
      users: 'usr_target', organisations: other, profile: 'tok_target', session: 'oidc-target',
    },
    async call(method, path, headers, body) {
      denied = false
      const response = await app.handler(new Request(`http://localhost:8080${path}`, {
        method, headers: { host: 'localhost:8080', ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }),
      }), { client: { address: '127.0.0.1', https: false } })
      // A live stream has no end; its head is the answer.
      const isStream = (response.headers.get('content-type') ?? '').startsWith('text/event-stream')
      if (isStream) await response.body?.cancel()
      return { status: response.status, text: isStream ? '' : await response.text(), denied }
    },
    stop: () => rig.stop(),
  }
}

export { adminToken }
