/** A governed organisation as people and programs make it by hand, without a file: with something of every kind, and every field of it. */
import { storedForm, createKey as newKeyText } from '../../src/governance/key-format.ts'
import type { Config } from '../../src/config.ts'
import { parseConfig } from '../../src/config.ts'
import { exportConfig } from '../../src/control/config/export.ts'
import { plan, reconcileAll, undone } from '../../src/control/config/plan.ts'
import { secretContext } from '../../src/control/identity/oidc-providers.ts'
import { actingByFile, type Reconciled, type Reconciling } from '../../src/control/reconcile.ts'
import { vendors } from '../../src/providers/index.ts'
import { plainPolicy } from '../../src/routing/policy-data.ts'
import { createAlias } from '../../src/store/aliases.ts'
import { createChannel } from '../../src/store/alerts.ts'
import { audited } from '../../src/store/audit.ts'
import { createBudget } from '../../src/store/budgets-defined.ts'
import { setCatalogOverrides } from '../../src/store/catalog.ts'
import { transaction, type Database, type Write } from '../../src/store/database.ts'
import { createDeployment } from '../../src/store/deployments.ts'
import { createKey, updateKey } from '../../src/store/keys.ts'
import { createLimit } from '../../src/store/limits-defined.ts'
import { createMembership } from '../../src/store/memberships.ts'
import { createNode } from '../../src/store/nodes.ts'
import { updateUser } from '../../src/store/people.ts'
import { createOidcProvider } from '../../src/store/oidc-providers.ts'
import { createPolicy } from '../../src/store/policies.ts'
import { addCredential, createProvider } from '../../src/store/providers.ts'
import { createRoutingPolicy } from '../../src/store/routing-policies.ts'
import { createRole } from '../../src/store/roles.ts'
import { sealSecret, Secret } from '../../src/store/secrets.ts'
import { createServiceAccount, updateServiceAccount } from '../../src/store/service-accounts.ts'
import { updateSettings } from '../../src/store/settings.ts'
import { createUser, ensureOrganisation } from '../../src/store/users.ts'

export const at = 1_780_000_000_000_000
const kek = { id: Buffer.from('kek1'), key: Buffer.alloc(32, 7) }
const pepper = { version: 1, key: Buffer.alloc(32, 9) }

/** Different bytes at each call, the same in each run. */
export function randomBytes(seed: number): (bytes: number) => Uint8Array {
  let state = seed
  return (bytes) => Uint8Array.from({ length: bytes }, () => (state = Math.imul(state, 1_664_525) + 1_013_904_223 >>> 0) >>> 24)
}

export interface Instance {
  database: Database
  org: string
  reconciling: Omit<Reconciling, 'permit' | 'record'>
  parse(text: string, variables?: Record<string, string>): Config
  /** RefusedError where the database doesn't take it. */
  apply(text: string, variables?: Record<string, string>): Promise<Reconciled>
  differences(text: string, variables?: Record<string, string>): Promise<Reconciled>
  exported(): Promise<string>
}

export async function instance(database: Database, seed: number): Promise<Instance> {
  const random = randomBytes(seed)
  const org = (await transaction(database, at, (write) => ensureOrganisation(write, random(16)))).id
  const reconciling = { org, vendors, variables: {}, kek, pepper, random, simulated: 'off' as const, operates: true }
  const parse: Instance['parse'] = (text, variables = {}) => {
    const parsed = parseConfig(text, variables, [...vendors.keys()])
    if (!parsed.ok) throw new Error(parsed.errors.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`).join('\n'))
    return parsed.config
  }
  return {
    database, org, reconciling, parse,
    async apply(text, variables) {
      const config = parse(text, variables)
      return audited(database, at + 1, actingByFile(org, config), (write, record) => reconcileAll(write, config, { ...reconciling, permit: null, record }))
    },
    differences: (text, variables) => plan(database, at + 1, parse(text, variables), reconciling),
    exported: () => undone(database, at, (read) => exportConfig(read, { org, vendors, operates: true, running: null })),
  }
}

const webhookSecret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`

/** Values for the variables that the export of `fill` names, and what they must be the values of. */
export const secretsOf = (texts: readonly string[]): Record<string, string> => ({
  CREDENTIAL_GROQ_PRODUCTION: 'gsk-production-secret', CREDENTIAL_GROQ_RESEARCH_AI_ML_OWN: 'gsk-of-the-team-alone', CREDENTIAL_GROQ_RESEARCH_AI_ML_OWN_2: 'gsk-of-the-team-alone',
  KEY_RESEARCH_AI_ML_RANKING_CI: texts[0]!, KEY_EVERYWHERE: texts[1]!, KEY_RESEARCH_PAUSED: texts[2]!,
  ALERT_OPS_SECRET: webhookSecret, ALERT_CHAT_URL: 'https://hooks.example.org/services/T0/B0/x', ALERT_MAIL_PASSWORD: 'mail-password-1', OIDC_ACME_SECRET: 'client-secret-of-acme',
})

export async function fill({ database, org, reconciling: { random } }: Instance): Promise<string[]> {
  const texts = [newKeyText(random), newKeyText(random), newKeyText(random)]
  await transaction(database, at, async (write) => {
    await ofInstallation(write, org)
    await peopleAndTree(write, org)
    await keys(write, org, texts)
    await rules(write, org)
  })
  return texts
}

async function ofInstallation(write: Write, org: string): Promise<void> {
  await updateSettings(write, org, {
    organisation: 'Größe & Söhne ${x}', timeZone: 'Asia/Kathmandu', unknownPrice: 'conservative', content: { store: true, retentionDays: 7, quotaMb: 9 }, retention: { requestsDays: 8, usageDays: 99, decisionsDays: 3 }, newModels: 'approval',
    budget: { limitNano: 1_000_000_000_001, period: 'month', mode: 'strict' }, rateLimit: { rpm: 5, tpm: null, concurrency: 6, spendNano: 250_000_000 },
  })
  await createProvider(write, { id: 'groq', org, vendor: 'groq', name: 'Our Groq', baseUrl: null })
  await createProvider(write, { id: 'cluster', org, vendor: 'openai-compatible', name: 'cluster', baseUrl: 'http://10.1.2.3:8000/v1', enabled: false })
  await createProvider(write, { id: 'openai', org, vendor: 'openai', name: 'OpenAI', baseUrl: 'https://eu.api.openai.com/v1' })
  await createAlias(write, { name: 'fast', org, strategy: 'weighted', targets: [{ model: 'gpt-4.1-mini', weight: 90 }, { model: 'house-model', weight: 1 }] })
  await createAlias(write, { name: 'cheap', org, strategy: 'ordered', targets: [{ model: 'house-model', weight: 1 }] })
  const base = { input: 100_000_000, output: 400_000_000, cacheRead: 10_000_000, cacheWrite5m: 100_000_000, cacheWrite1h: 100_000_000, reasoning: 400_000_000, audioIn: 100_000_000, audioOut: 400_000_001, imageIn: 100_000_000, imageOut: 400_000_000, toolCalls: 5, requests: 0, images: 0, audioMs: 0, characters: 0, searches: 0 }
  const { priceVector } = await import('../../src/config.ts')
  const price = priceVector({ input: '0.10', output: '0.40', cache_read: '0.01', audio_out: '0.400000001', tool_calls: '0.000000005' })
  if (JSON.stringify(price.base) !== JSON.stringify(base)) throw new Error('the price is not the one that was meant')
  await createDeployment(write, { id: 'cluster/llama', org, model: 'house-model', provider: 'cluster', upstreamModel: 'llama', price })
  await createDeployment(write, { id: 'eu', org, model: 'gpt-4.1-eu', provider: 'openai', upstreamModel: 'gpt-4.1', priceAs: 'gpt-4.1', facts: { region: 'eu', retentionDays: 0, openWeights: false } })
  await createRoutingPolicy(write, org, {
    name: 'agents', base: 'cheap', candidates: [{ model: 'gpt-4.1', effort: null, when: null }, { model: 'o4-mini', effort: 'high', when: '"${x}" in request.tags\n&& request.input_tokens > 10' }, { model: 'house-model', effort: 'none', when: null }, { model: 'groq/anything', effort: null, when: 'true' }],
    cost: 0, latency: 0.5, tolerance: 0.2, margin: 0, minQuality: 0.7, maxCostNano: 12_345_678, maxLatencyMs: 30_000, sticky: false, exploreShare: 0, exploreSpend: 0.1, hedge: { maxSpend: 0.06 }, cache: { ttlS: 3600 },
  })
  await createRoutingPolicy(write, org, plainPolicy('balanced', 'best'))
  await createRoutingPolicy(write, org, plainPolicy('team.own'))
  await setCatalogOverrides(write, [
    { vendor: 'openai', model: 'gpt-5*', price: null, discountPercent: '12.5', contextTokens: null, outputTokens: null }, { vendor: '*', model: 'x', price, discountPercent: null, contextTokens: 1000, outputTokens: 10 },
  ])
}

async function peopleAndTree(write: Write, org: string): Promise<void> {
  const node = (id: string, parent: string | null, kind: 'team' | 'project', name: string, more: object = {}) => createNode(write, { id, org, parent, kind, name, description: '', weight: 1, defaults: null, ...more })
  await node('team_r', null, 'team', 'Research', { description: 'What: #1 "is" next\nand then', weight: 3 })
  await node('team_a', 'team_r', 'team', 'AI/ML', { defaults: { model: 'fast', fallbacks: [], policy: 'team.own', aliases: [{ name: 'best', strategy: 'ordered', targets: [{ model: 'gpt-5.1', weight: 1 }] }], providersOff: ['openai'] } })
  await node('proj_r', 'team_a', 'project', 'Ranking')
  await node('team_n', null, 'team', 'null')
  await node('proj_s', null, 'project', 'Sandbox')
  const seal = (id: string, text: string) => ({ id, last4: new Secret(text).last4, ciphertext: sealSecret(kek, new Secret(text), { org, id, version: 1 }) })
  await addCredential(write, org, 'groq', { name: 'production', ...seal('cred_1', 'gsk-production-secret') })
  await addCredential(write, org, 'groq', { name: 'own', node: 'team_a', ...seal('cred_2', 'gsk-of-the-team-alone') })
  await createRole(write, { id: 'role_k', org, name: 'Key keeper', description: 'Keeps keys.', permissions: ['keys:read', 'keys:write'] })
  for (const [id, email, name] of [['usr_a', 'ada@example.org', 'Ada'], ['usr_b', 'ben@example.org', 'Ben'], ['usr_c', 'cy@example.org', 'cy@example.org']] as const) {
    await createUser(write, { id, org, email, name, role: 'member', passwordHash: id === 'usr_a' ? 'hash' : null, status: id === 'usr_a' ? 'active' : 'invited' })
  }
  await updateUser(write, org, 'usr_b', { status: 'disabled' })
  await createServiceAccount(write, { id: 'sa_c', org, node: 'proj_r', name: 'ci', description: 'Builds', status: 'active' })
  await createServiceAccount(write, { id: 'sa_o', org, node: null, name: 'old', description: '', status: 'active' })
  await updateServiceAccount(write, org, 'sa_o', { status: 'disabled' })
  let count = 0
  const member = (principalKind: 'user' | 'service_account', principal: string, place: string, role: string, more: object = {}) =>
    createMembership(write, { id: `mem_${++count}`, org, principalKind, principal, node: place, role, source: 'local', sourceRef: null, grantedBy: 'usr_a', expiresAt: null, ...more })
  await member('user', 'usr_a', org, 'owner')
  await member('user', 'usr_a', 'team_a', 'role_k', { expiresAt: Date.UTC(2030, 0, 31, 12) * 1000 })
  await member('user', 'usr_b', 'team_r', 'team_lead')
  await member('service_account', 'sa_c', 'proj_r', 'developer')
  await member('user', 'usr_c', 'team_r', 'viewer', { source: 'oidc', sourceRef: 'group' })
}

async function keys(write: Write, org: string, texts: readonly string[]): Promise<void> {
  const make = (id: string, text: string, more: object) => createKey(write, { id, org, name: 'ci', ...storedForm(pepper, text), ...more })
  await make('key_a', texts[0]!, {
    node: 'proj_r', team: 'team_a', project: 'proj_r', user: 'usr_a', models: ['gpt-*', 'fast'], budget: { limitNano: 25_500_000_000, period: 'day', mode: 'soft' },
    rateLimit: { rpm: 60, tpm: 90_000, concurrency: null, spendNano: 1 }, expiresAt: Date.UTC(2031, 5, 1) * 1000, priority: 2, tags: ['env:prod', '${y}'], ipAllow: ['10.0.0.0/8'], routingPolicy: 'agents',
  })
  await make('key_b', texts[1]!, { name: 'everywhere', routingPolicy: 'fast' })
  await make('key_c', texts[2]!, { name: 'paused', node: 'team_r', team: 'team_r', models: [], priority: 0, serviceAccount: 'sa_c' })
  await updateKey(write, org, 'key_c', { status: 'disabled' })
}

async function rules(write: Write, org: string): Promise<void> {
  const subjects = [['org', org], ['team', 'team_a'], ['project', 'proj_s'], ['key', 'key_a'], ['user', 'usr_b'], ['service_account', 'sa_c'], ['model', 'gpt-5.1'], ['vendor', 'groq'], ['tag', 'env:prod'], ['end_user', 'c: 17']] as const
  const periods = ['hour', 'day', 'week', 'month', 'year', 'total', 'rolling/PT24H', 'rolling/P7D', 'R/2026-01-31/P1M', 'month'] as const
  for (const [index, [subjectKind, subject]] of subjects.entries()) {
    await createBudget(write, {
      id: `bud_${index}`, org, subjectKind, subject, name: `Budget ${index}`, limitNano: 1_000_000_007 * (index + 1), period: periods[index]!, timeZone: index % 2 === 0 ? null : 'Europe/Berlin', mode: (['strict', 'standard', 'soft'] as const)[index % 3]!,
      thresholds: index === 1 ? [{ share: 0.5, actions: [{ kind: 'warn' }] }, { share: 0.8, actions: [{ kind: 'downgrade', alias: 'cheap' }, { kind: 'warn' }] }, { share: 1, actions: [{ kind: 'block' }] }] : [], enabled: index !== 3,
    })
    await createLimit(write, { id: `lim_${index}`, org, subjectKind, subject, name: 'Pace', models: index === 2 ? 'gpt-*' : null, rpm: index + 1, tpm: index === 4 ? 1000 : null, concurrency: null, spendNano: index === 5 ? 500_000_000 : null, enabled: index !== 6 })
  }
  await createPolicy(write, {
    id: 'pol_1', org, subjectKind: 'org', subject: org, name: 'House rules', enabled: true,
    rules: [{ effect: 'deny', models: ['*-preview'], note: 'Not yet.' }, { effect: 'allow', vendors: ['groq'], class: { maxInputUsdPerMillion: 3, maxOutputUsdPerMillion: 9.5, regions: ['eu'], capabilities: ['tools'], openWeights: true, retention: '30 days' }, when: '"a: b" in request.tags' }],
  })
  await createPolicy(write, { id: 'pol_2', org, subjectKind: 'key', subject: 'key_b', name: 'Nothing', enabled: false, rules: [] })
  const seal = (id: string, text: string) => sealSecret(kek, new Secret(text), { org, id, version: 1 })
  await createChannel(write, { id: 'alc_1', org, kind: 'webhook', name: 'ops', target: { url: 'https://ops.example.org/hook' }, secret: seal('alc_1', webhookSecret), events: ['budget.reached'], enabled: true })
  await createChannel(write, { id: 'alc_2', org, kind: 'slack', name: 'chat', target: { host: 'hooks.example.org' }, secret: seal('alc_2', 'https://hooks.example.org/services/T0/B0/x'), events: [], enabled: false })
  await createChannel(write, { id: 'alc_3', org, kind: 'smtp', name: 'mail', target: { host: 'mail.example.org', port: 587, tls: 'starttls', from: 'a@example.org', to: ['b@example.org'], user: 'u', ca: null }, secret: seal('alc_3', 'mail-password-1'), events: [], enabled: true })
  const settings = { scopes: [], groupsClaim: 'realm.roles', userinfo: true, rules: [{ group: '*', role: 'viewer', node: org }, { group: 'ml', role: 'role_k', node: 'team_a' }], domains: ['example.org'], createUsers: true, linkVerifiedEmail: true, trustEmail: true }
  const clientSecret = sealSecret(kek, new Secret('client-secret-of-acme'), secretContext({ org, id: 'acme' }))
  await createOidcProvider(write, { id: 'acme', org, name: 'Acme', issuer: 'https://id.example.org/realm', clientId: 'c', clientSecret, settings, enabled: true })
  await createOidcProvider(write, { id: 'open', org, name: 'open', issuer: 'https://open.example.org', clientId: 'd', clientSecret: null, settings: { ...settings, rules: [], scopes: ['email'], createUsers: false }, enabled: false })
}
