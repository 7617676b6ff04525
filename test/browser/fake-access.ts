/** Invented answers about the tree, access and the record of changes, for the page tests: consistent with the keys and models of fake-data.ts. */
import { allPermissions, permissions, reachOf } from '../../src/governance/permissions.ts'
import { builtInRoles } from '../../src/governance/roles.ts'
import { nano, now } from './fake-data.ts'

const list = <T>(data: T[]) => ({ data, next_cursor: null })
const at = (minutes: number): string => new Date(now - minutes * 60_000).toISOString()

const session = {
  user: { kind: 'user', id: 'usr_1', name: 'Mara Lindqvist', email: 'mara@larkfield.example' }, organisation: { id: 'org_1', name: 'Larkfield', time_zone: 'Europe/Berlin', operates_installation: true }, csrf: 'fake',
  roles: [{ role: 'owner', name: 'Owner', node: 'org_1', node_name: 'Larkfield' }], permissions: allPermissions, permissions_below: [] }
/** Sees keys only. */
export const keysOnly = { roles: [{ role: 'role_1', name: 'On call', node: 'team_1', node_name: 'Support' }], permissions: [], permissions_below: ['keys:read', 'members:read'] }

/** Each after the one above it. */
export const branches = [
  { id: 'team_1', kind: 'team', name: 'Support', parent_id: null, keys: 2, parts: 1 },
  { id: 'team_2', kind: 'team', name: 'Engineering with a very long name for a team', parent_id: null, keys: 4, parts: 0 },
  { id: 'proj_1', kind: 'project', name: 'agent-assist', parent_id: 'team_1', keys: 1, parts: 0 },
].map((node) => ({ ...node, managed_by: 'api', version: 1 }))
/** Where a key belongs and how it is treated. */
export const placedKey = (index: number) => ({
  node: index === 2 ? { id: 'proj_1', kind: 'project', name: 'agent-assist' } : index === 3 ? { id: 'team_1', kind: 'team', name: 'Support' } : { id: 'org_1', kind: 'organisation', name: 'Larkfield' },
  user: index === 5 ? { id: 'usr_1', name: 'Mara Lindqvist' } : null,
  service_account: null,
  priority: index === 1 ? 'batch' : 'standard',
  tags: index === 1 ? ['ci'] : [],
  ip_allow: index === 2 ? ['10.0.0.0/8'] : null,
  routing_policy: index === 2 ? 'agents' : null,
  previous_until: index === 2 ? '2026-11-20T13:00:00Z' : null,
})

const organisation = { kind: 'org', id: 'org_1', name: 'Larkfield' }
const support = { kind: 'team', id: 'team_1', name: 'Support' }
export const policyRows = [
  { id: 'pol_1', name: 'EU residency', subject: organisation, rules: [{ effect: 'allow', class: { regions: ['eu'] } }], managed_by: 'file' },
  { id: 'pol_2', name: 'Price ceiling', subject: support, rules: [{ effect: 'deny', models: ['*-preview'], when: 'request.hour < 8', note: 'Previews are for the day.' }, { effect: 'allow', class: { max_output_usd_per_million: 15, capabilities: ['tools'] } }], managed_by: 'api' },
].map((policy) => ({ ...policy, enabled: true, created_at: at(90_000), version: 2 }))
const roleRows = [
  ...builtInRoles.map(({ id, name, text, permissions: held, wholeOrganisation }) => ({ id, name, text, permissions: [...held], built_in: true, whole_organisation: wholeOrganisation, version: null, managed_by: null })),
  { id: 'role_1', name: 'On call', text: 'Switches keys off at night.', permissions: ['keys:read', 'keys:write'], built_in: false, whole_organisation: false, version: 1, managed_by: 'api' },
]
const memberRows = [
  { id: 'mem_1', principal: { kind: 'user', id: 'usr_1', name: 'Mara Lindqvist' }, node: { id: 'org_1', name: 'Larkfield', kind: 'organisation' }, role: { id: 'owner', name: 'Owner' } },
  { id: 'mem_2', principal: { kind: 'user', id: 'usr_2', name: 'Jonas Brandt' }, node: support, role: { id: 'role_1', name: 'On call' } },
].map((member) => ({ ...member, source: 'local', source_ref: null, granted_by: 'usr_1', expires_at: null, created_at: at(90_000), version: 1 }))

const event = (seq: number, action: string, name: string, sides: { before?: unknown; after?: unknown }, denied: string | null = null) => ({
  seq, at: at((40 - seq) * 7), actor: { kind: 'user', id: 'usr_2', name: 'Jonas Brandt' }, address: '10.4.17.9', request_id: `req_${seq}`, action, resource: { kind: action.split('.')[0], id: `x_${seq}`, name },
  outcome: denied === null ? 'allowed' : 'denied', reason: denied, before: sides.before ?? null, after: sides.after ?? null, count: 1, prev_hash: 'a'.repeat(64), hash: 'b'.repeat(64),
})
const eventRows = [
  event(39, 'key.update', 'ci-review', { before: { name: 'ci-review', version: 2, budget: { limitNano: nano(10_000) }, tags: [] }, after: { name: 'ci-review', version: 3, budget: { limitNano: nano(11_500) }, tags: ['ci'] } }),
  event(38, 'role.update', 'On call', {}, 'Jonas Brandt may not change roles of Larkfield: roles:write is missing.'),
  event(37, 'team.create', 'Support', { after: { name: 'Support', kind: 'team' } }),
]

export const effective = {
  key: { id: 'key_03', name: 'agent-assist-prod', status: 'active', priority: 'standard', tags: [], expires_at: null, models: null, ip_allow: null }, stopped: null, more: 0,
  path: [{ ...organisation, always: true }, { ...support, always: true }],
  policies: policyRows.map(({ id, name, subject, rules }) => ({ id, name, source: { ...subject, always: true }, rules })),
  limits: [{ id: 'lim_1', name: 'Support', source: { ...support, always: true }, models: null, limits: { rpm: 600, tpm: null, concurrency: null, spend_nano_per_minute: null }, used: { running: 1, requests: 212, tokens: 0, spend_nano: 0 } }],
  budgets: [
    {
      id: 'bud_1', name: 'Support', source: { ...support, always: true }, limit_nano: nano(6_000), base_nano: nano(6_000), changes_at: null, period: 'month', time_zone: 'Europe/Berlin', mode: 'strict', thresholds: [],
      state: { spent_nano: nano(3_054.01), held_nano: 0, free_nano: nano(2_945.99), resets_at: '2026-11-30T23:00:00Z', downgraded_to: null, blocked: false },
    },
  ],
  defaults: { model: null, fallbacks: null, policy: null, aliases: [], providers_off: [] }, share: { id: 'team_1', weight: 1 },
}
const refusal = 'Organisation Larkfield does not allow deepseek-v3.2: none of its rules allows it (region is cn). Allowed instead: mistral-medium-3. Whoever manages the organisation can change that.'
export const denied = {
  allowed: false, code: 'policy_denied', message: refusal, models: ['mistral-medium-3', 'gpt-5-mini'], warnings: [], downgrade: null,
  candidates: [
    {
      deployment: 'deepseek/deepseek-v3.2', provider: 'deepseek', model: 'deepseek-v3.2', allowed: false, code: 'policy_denied', message: refusal, hold_nano: null, input_nano: null,
      policies: [{ node: organisation, allowed: false, rule: null, reason: 'none of its rules allows it' }, { node: support, allowed: true, rule: 2, reason: 'its rule 2 allows it' }],
    },
  ],
}
export const allowed = { ...denied, allowed: true, code: null, message: null, candidates: denied.candidates.map((one) => ({ ...one, allowed: true, code: null, message: null, hold_nano: nano(0.00123), policies: one.policies.map((verdict) => ({ ...verdict, allowed: true })) })) }

export const accessRoutes: Record<string, (query: URLSearchParams) => unknown> = {
  '/session': () => session,
  '/tree': () => ({ organisation: { id: 'org_1', name: 'Larkfield' }, nodes: branches, truncated: false }),
  '/policies': () => list(policyRows),
  '/policies/pol_2': () => ({ ...policyRows[1], version: 3, effect: { loses: ['openai/gpt-5.1'], gains: ['mistral/mistral-medium-3'], keys: [{ id: 'key_03', name: 'agent-assist-prod', loses: 1, gains: 1 }], keys_total: 1, depends_on_request: true } }),
  '/roles': () => ({ data: roleRows }),
  '/permissions': () => ({ data: allPermissions.map((permission) => ({ permission, text: permissions[permission].text, reach: reachOf(permission) })) }),
  '/memberships': (query) => list(memberRows.filter(({ role }) => !query.get('role') || role.id === query.get('role'))),
  '/service-accounts': () => list([]),
  '/audit': (query) => list(eventRows.filter(({ outcome }) => !query.get('outcome') || outcome === query.get('outcome'))),
  '/audit/verify': () => ({ consistent: true, events: 39, seq: 39, head: 'b'.repeat(64), sealed_through: 0, findings: [] }),
  '/keys/key_03/effective': () => effective,
  '/explain': () => denied,
}
