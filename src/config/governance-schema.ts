/**
 * The part of `megarouter.yaml` that governs an organisation: teams, people, roles, keys, budgets, limits, policies, alerts, log-in.
 * Entities refer to each other by name; what a name means is checked afterwards, in governance.ts. Pure.
 */
import { z } from 'zod'
import { alertKinds } from '../alerts/alerts.ts'
import { capabilityNames } from '../governance/model-class.ts'
import { periodProblem } from '../governance/periods.ts'
import { priorities } from '../governance/priority.ts'
import { isUsd, usdToNano } from '../governance/usd.ts'
import { efforts, policyLimits } from '../routing/policy-data.ts'
import { addressRange, budgetSchema, flag, identifier, isTimeZone, modelName, pattern, rateLimitSchema, text, timeZoneAdvice, usd, whole } from './atoms.ts'

const name = z.string().trim().min(1, 'must not be empty').max(128, 'must have at most 128 characters').regex(/^[^\p{Cc}]*$/u, 'must not contain control characters').refine((value) => value !== '__proto__', 'is not allowed')
const description = z.string().trim().max(1_000, 'must have at most 1000 characters').optional()
/** Empty: what the database has stays. */
const kept = z.string().trim().max(16_384, 'must have at most 16384 characters')
/** Microseconds of later years are no exact numbers. */
const instant = z.iso.datetime({ offset: true, error: 'must be a time such as 2027-01-31T12:00:00Z' })
  .refine((value) => Date.parse(value) >= 0 && Date.parse(value) < Date.UTC(2200, 0), 'must be a time from 1970 to 2199')
const place = text.max(1_100).describe('Path of a team or project, such as Research/Search. Left out: the organisation itself. A / in a name is written \\/.')
const email = z.string().trim().max(254).regex(/^[^\s@<>()[\],;:"\\]+@[^\s@<>()[\],;:"\\]+$/, 'must be an e-mail address')
const was = text.max(1_300).optional().describe('Its path or name before: it is moved or renamed instead of made anew. Without effect once that is done.')
const emptyOr = <Schema extends z.ZodType>(schema: Schema) => z.union([z.null(), schema], 'must be a mapping (name: value) or empty')

const targets = z.array(z.union([modelName, z.strictObject({ model: modelName, weight: whole(0, 1_000_000) })], 'must be a model’s name or {model, weight}')).min(1, 'needs at least one target').max(32)
export const aliasSchema = z.strictObject({
  strategy: z.enum(['ordered', 'weighted']).optional()
    .describe('ordered: the first healthy target; weighted: drawn by weight, the others are fallbacks. Default ordered.'),
  targets,
})

const defaultsSchema = z.strictObject({
  model: modelName.optional().describe('What a request without a model, or for "default", gets.'),
  fallbacks: z.array(modelName).max(8).optional().describe('Models that are tried after that of a request that names none itself.'),
  policy: identifier.optional().describe('The routing policy of requests for auto.'),
  aliases: z.record(modelName, aliasSchema).optional().describe('Aliases that hold below this node.'),
  providers_off: z.array(identifier).max(256).optional().describe('Providers that nobody below may use but with credentials of a node further down.'),
})

const node = {
  was, description,
  weight: whole(1, 1_000_000).optional().describe('Share of a vendor’s own quota among its siblings. Default 1.'),
  defaults: defaultsSchema.optional(),
}
const projectSchema = z.strictObject(node)
export type FileProject = z.infer<typeof projectSchema>
export interface FileTeam extends FileProject { teams?: Record<string, FileTeam | null> | undefined; projects?: Record<string, FileProject | null> | undefined }
const teamSchema: z.ZodType<FileTeam> = z.strictObject({
  ...node,
  get teams(): z.ZodType<FileTeam['teams']> { return z.record(name, emptyOr(teamSchema)).optional() },
  projects: z.record(name, emptyOr(projectSchema)).optional(),
})

const roleAt = z.union([name, z.strictObject({ role: name, at: place.optional(), expires_at: instant.optional() })], 'must be a role’s name or {role, at}')
const roles = z.array(roleAt).max(1_000).optional().describe('Roles, each for the whole organisation or at a node: owner, {role: developer, at: Research/Search}.')
const userSchema = z.strictObject({
  name: name.optional().describe('Shown until the person changes it; left out, what the person chose.'),
  roles,
  disabled: flag.optional().describe('True: no log-in, no tokens.'),
})
const serviceAccountSchema = z.strictObject({ was, at: place.optional(), description, roles, disabled: flag.optional() })
const customRoleSchema = z.strictObject({ was, description, permissions: z.array(z.string()).min(1, 'needs at least one permission').max(200) })

const keySchema = z.strictObject({
  name, at: place.optional(), was,
  key: kept.optional().describe('Its text, best as ${VARIABLE}; megarouter keys generate makes one. Left out or empty: a key that exists keeps its own.'),
  overlap_hours: whole(0, 168).optional().describe('When the text changes, the one before works so long. Default 0.'),
  user: email.optional().describe('Whose key it is.'),
  service_account: name.optional(),
  models: z.array(pattern).max(1_000).optional().describe('Names and patterns with *. Left out: every model.'),
  budget: budgetSchema.optional(),
  rate_limit: rateLimitSchema.optional(),
  expires_at: instant.optional(),
  priority: z.enum(priorities).optional().describe('Default standard.'),
  tags: z.array(text).max(64).optional(),
  ip_allow: z.array(addressRange).max(256).optional().describe('Addresses and networks that may use it. Left out: any.'),
  routing_policy: identifier.optional().describe('Of its requests for auto. Left out: as its team or project has it.'),
  disabled: flag.optional(),
})

const subjectFields = {
  team: place, project: place, key: text.max(1_300).describe('Path of a key: that of its node, and its name.'), user: email, service_account: name,
  model: modelName, vendor: text, tag: text, end_user: text,
}
const subjectSchema = z.union([z.literal('organisation'), z.strictObject(z.object(subjectFields).partial().shape).refine((each) => Object.keys(each).length === 1, 'names exactly one subject')],
  `must be "organisation", or one of ${Object.keys(subjectFields).join(', ')} with its name`)

const period = z.string().superRefine((rule, context) => {
  const problem = periodProblem(rule)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
}).describe('hour, day, week, month, year, total; rolling/PT24H or rolling/P7D; R/2026-01-31/P1M: from a day on, in steps of a length.')
const thresholdSchema = z.strictObject({
  share: z.preprocess((value) => (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value), z.number()).describe('Of the limit: 0.8 is 80 %.'),
  actions: z.array(z.union([z.enum(['warn', 'block']), z.strictObject({ downgrade: modelName })], 'must be warn, block or {downgrade: alias}')).min(1, 'needs at least one action').max(3),
})
const enabled = flag.optional().describe('Default true.')
const definedBudgetSchema = z.strictObject({
  name, subject: subjectSchema, limit_usd: usd, period,
  time_zone: z.string().refine(isTimeZone, timeZoneAdvice).optional().describe('Default: the organisation’s.'),
  mode: z.enum(['strict', 'standard', 'soft']).optional().describe('Default standard.'),
  thresholds: z.array(thresholdSchema).max(20).optional(),
  enabled,
})
const definedLimitSchema = z.strictObject({ name, subject: subjectSchema, models: pattern.optional().describe('Pattern of models. Left out: all.'), ...rateLimitSchema.shape, enabled })

const ruleSchema = z.strictObject({
  effect: z.enum(['allow', 'deny']),
  models: z.array(pattern).optional(),
  vendors: z.array(text).optional(),
  class: z.strictObject({
    max_input_usd_per_million: z.number().optional(), max_output_usd_per_million: z.number().optional(), regions: z.array(text).optional(),
    capabilities: z.array(z.enum(capabilityNames)).optional(), open_weights: flag.optional(), retention: text.optional().describe('none, or at most so long: 30 days.'),
  }).optional(),
  when: z.string().optional().describe('A condition in CEL.'),
  note: z.string().optional().describe('What a refused developer is told.'),
})
const policySchema = z.strictObject({ name, subject: subjectSchema, rules: z.array(ruleSchema).max(1_000), enabled })

const channel = { events: z.array(z.enum(alertKinds)).max(alertKinds.length).optional().describe('Kinds of alerts. Left out: all.'), enabled }
const channelSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('webhook'), url: text.max(2_000), secret: kept.optional().describe('whsec_ and base64, best as ${VARIABLE}. Left out or empty: a channel that exists keeps its own.'), ...channel }),
  z.strictObject({ kind: z.literal('slack'), url: kept.optional().describe('The address is the secret, best as ${VARIABLE}.'), ...channel }),
  z.strictObject({
    kind: z.literal('smtp'), host: text, port: whole(1, 65_535), tls: z.enum(['implicit', 'starttls', 'none']), user: text.optional(), password: kept.optional(),
    from: text, to: z.array(text).min(1).max(20), ca: z.string().max(65_536).optional().describe('PEM of a certificate authority of your own.'), ...channel,
  }),
], 'needs a kind: webhook, slack or smtp')

const oidcProviderSchema = z.strictObject({
  name: name.optional().describe('On the button. Default: its id.'),
  issuer: text.max(2_000), client_id: text,
  client_secret: kept.optional().describe('Best as ${VARIABLE}. Empty: a provider that exists keeps its own. Left out: a public client.'),
  scopes: z.array(text).max(32).optional().describe('Beyond openid. Default profile and email.'),
  groups_claim: text.optional().describe('Default groups.'),
  userinfo: flag.optional(),
  rules: z.array(z.strictObject({ group: text, role: name, at: place.optional() })).max(1_000).optional(),
  domains: z.array(text).max(256).optional(),
  create_users: flag.optional(), link_verified_email: flag.optional(), trust_email: flag.optional(), enabled,
})

/** Interpolated values arrive as text. Which numbers fit, the policy itself says. */
const number = z.preprocess((value) => (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value), z.number()).optional()
const candidateSchema = z.union([modelName, z.strictObject({
  model: modelName, effort: z.enum(efforts).optional().describe('Of reasoning. Left out: as the request or the model has it.'), when: z.string().optional().describe('A condition in CEL on principal and request. Left out: always.'),
})], 'must be a model’s name or {model, effort, when}')
const routingPolicySchema = z.strictObject({
  name: identifier, base: z.enum(['balanced', 'cheap', 'best', 'fast']).optional().describe('The built-in policy that decides what this one leaves out. Default balanced.'),
  candidates: z.array(candidateSchema).max(policyLimits.candidates).optional().describe('Models that it chooses between. Left out: every model that the key may use.'),
  cost: number.describe('Quality (0 to 1) that one would give for saving the usual cost of the best model. 0 to 10.'), latency: number.describe('The same for saving its usual time. 0 to 10.'),
  tolerance: number.describe('With the base cheap: how far below the surest model is good enough. 0 to 0.5.'), margin: number.describe('By how much another model must be better before a session changes to it. 0 to 0.5.'),
  min_quality: number.describe('Models that are expected to do worse are left out. 0 to 1.'),
  max_cost_usd: usd.refine((value) => !isUsd(value) || usdToNano(value) > 0, 'must be above 0; leave it out for no ceiling').optional().describe('What a request may be expected to cost at most, in US dollars.'),
  max_latency_ms: whole(1, 3_600_000).optional(),
  sticky: flag.optional().describe('Whether a session keeps its model.'),
  explore_share: number.describe('Highest share of requests that may try a model that is not sure to be the best. 0 to 0.05.'), explore_spend: number.describe('The same of the spend. 0 to 0.1.'),
  hedge: z.strictObject({ max_spend: number.unwrap() }).optional().describe('A second attempt elsewhere when the first is late; max_spend is the share of the spend that such attempts may cost. Left out: none.'),
  cache: z.strictObject({ ttl_seconds: whole(1, policyLimits.cacheTtlS) }).optional().describe('Whole answers are kept so long, and given to the same request again. Left out: not kept.'),
})
const routingSchema = z.strictObject({
  policies: z.array(routingPolicySchema).max(policyLimits.policies).optional().describe('How auto weighs quality, cost and time. Called as auto:<name>, or by keys, teams and projects.'),
  new_models: z.enum(['automatic', 'approval']).optional().describe('Whether auto may come to use models that it has not used yet by itself, or waits until somebody approves them. Default automatic.'),
})

/** Sections that every organisation can have. */
export const governanceSections = {
  roles: z.record(name, customRoleSchema).optional().describe('Roles of your own, by name.'),
  teams: z.record(name, emptyOr(teamSchema)).optional().describe('Teams, by name; they nest.'),
  projects: z.record(name, emptyOr(projectSchema)).optional().describe('Projects directly below the organisation, by name.'),
  users: z.record(email, emptyOr(userSchema)).optional().describe('People, by e-mail address. No passwords: they come in by an invitation or an OpenID provider.'),
  service_accounts: z.record(name, emptyOr(serviceAccountSchema)).optional().describe('Programs, by name.'),
  keys: z.array(keySchema).max(100_000).optional().describe('Keys for models. A name is used once at a node.'),
  budgets: z.array(definedBudgetSchema).max(100_000).optional().describe('Budgets of any subject. A name is used once for a subject.'),
  limits: z.array(definedLimitSchema).max(100_000).optional().describe('Rate limits of any subject.'),
  policies: z.array(policySchema).max(100_000).optional().describe('Which models may be used: rules at the organisation, a team, a project or a key.'),
  routing: routingSchema.optional().describe('Intelligent routing: what requests for auto go by.'),
  alert_channels: z.record(name, channelSchema).optional().describe('Where alerts go, by name.'),
  oidc_providers: z.record(identifier, oidcProviderSchema).optional().describe('Ways to log in by OpenID Connect; the id is part of the redirect URI.'),
}
export const governanceSchema = z.strictObject(governanceSections)
export type FileGovernance = z.infer<typeof governanceSchema>
export type FileDefaults = z.infer<typeof defaultsSchema>
export type FileAlias = z.infer<typeof aliasSchema>
export type FileSubject = z.infer<typeof subjectSchema>
export type FileChannel = z.infer<typeof channelSchema>
export type FileRoleAt = z.infer<typeof roleAt>
