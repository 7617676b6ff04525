/**
 * The shape of everything an operator can configure: `megarouter.yaml` and the environment, declared once with zod.
 * The JSON Schema for editors is generated from here. Nothing here performs I/O.
 */
import { z } from 'zod'
import { isRegion, mostRetentionDays, regionAdvice } from '../governance/model-class.ts'
import { limits } from '../limits.ts'
import { addressRange, baseUrl, budgetSchema, dollars, flag, identifier, isHttpUrl, isTimeZone, milliseconds, modelName, pattern, port, rateLimitSchema, secret, text, timeZoneAdvice, whole } from './atoms.ts'
import { aliasSchema, governanceSections } from './governance-schema.ts'

const serverSchema = z.strictObject({
  host: text.optional().describe('Address to listen on. HOST wins over it. Default 127.0.0.1.'),
  port: port.optional().describe('Port of the API and the console. PORT wins over it. Default 8080.'),
  admin_port: port.optional().describe('Port of its own for the admin API and the console.'),
  trusted_proxies: z.array(addressRange).max(64).optional().describe('Proxies whose X-Forwarded-For is believed.'),
  tls_cert: text.optional().describe('Path of the PEM certificate chain.'),
  tls_key: text.optional().describe('Path of the PEM private key.'),
}).refine((server) => (server.tls_cert === undefined) === (server.tls_key === undefined), 'needs tls_cert and tls_key together')

const credentialSchema = z.strictObject({
  name: text,
  secret: z.string().trim().max(16_384).optional().describe('Best as ${VARIABLE}. Left out or empty: a credential that exists keeps its own.'),
  at: text.max(1_100).optional().describe('Path of the team or project that alone may use it.'),
})

const providerSchema = z.strictObject({
  vendor: identifier.optional().describe('Vendor whose declaration applies. Default: the provider’s own name.'),
  base_url: baseUrl.optional().describe('Overrides the vendor’s address; required for an OpenAI-compatible server of your own.'),
  name: text.optional().describe('What people read. Default: the vendor’s.'),
  credentials: z.array(z.union([secret, credentialSchema], 'must be text or {name, secret}')).max(64).optional()
    .describe('API keys, best as ${VARIABLE}. Several share the load.'),
  enabled: flag.optional().describe('False keeps the declaration but sends nothing there. Default true.'),
})

const optionalDollars = dollars.optional()
const priceSchema = z.strictObject({
  input: dollars,
  output: dollars,
  cache_read: optionalDollars, cache_write_5m: optionalDollars, cache_write_1h: optionalDollars, reasoning: optionalDollars,
  audio_in: optionalDollars, audio_out: optionalDollars, image_in: optionalDollars, image_out: optionalDollars,
  tool_calls: optionalDollars, requests: optionalDollars, images: optionalDollars, audio_ms: optionalDollars, characters: optionalDollars, searches: optionalDollars,
}).describe('US dollars per million units. A class left out takes the price of its parent (cache and media in: input; reasoning and media out: output). Pieces have none: images made, milliseconds of audio heard, characters spoken, searches.')

const deploymentSchema = z.strictObject({
  id: text.optional().describe('Stable name; default <provider>/<upstream_model>.'),
  model: modelName.describe('The name clients use.'),
  provider: identifier,
  upstream_model: modelName.describe('The name the provider’s API takes.'),
  price_as: modelName.optional().describe('A known model whose price and facts apply.'),
  price: priceSchema.optional(),
  region: text.refine(isRegion, regionAdvice).optional().describe('Where it is processed, if the catalogue does not say: a country code, eu, global, or the vendor’s own name. Policies judge by it.'),
  retention_days: whole(0, mostRetentionDays).optional().describe('How long requests are kept there, by your contract; 0: not at all. Policies judge by it.'),
  open_weights: flag.optional().describe('Whether the weights of the model are open. Policies judge by it.'),
}).refine((row) => row.price === undefined || row.price_as === undefined, 'has both price and price_as: keep one')

const stored = z.strictObject({ store: flag.optional(), retention_days: whole(1, 3650).optional(), quota_mb: whole(1, 10_000_000).optional() })

const settingsSchema = z.strictObject({
  organisation: text.optional(),
  time_zone: z.string().refine(isTimeZone, timeZoneAdvice).optional(),
  unknown_price: z.enum(['allow', 'block', 'conservative']).optional().describe('A model whose price is not known: block refuses it to keys with a hard budget (the default), conservative prices it as the dearest model there is, allow lets it pass and flags it as unpriced.'),
  budget: z.union([z.null(), budgetSchema], 'must be a mapping (name: value) or null').optional().describe('What all keys together may spend, besides their own budgets. null: no limit.'),
  rate_limit: z.union([z.null(), rateLimitSchema], 'must be a mapping (name: value) or null').optional().describe('What all keys together may do, besides their own limits. null: no limit.'),
  deadlines: z.strictObject({
    connect_ms: milliseconds(1), first_token_ms: milliseconds(1), idle_ms: milliseconds(1), total_ms: milliseconds(1),
    commit_after_ms: milliseconds(0), keep_alive_ms: milliseconds(100), client_stall_ms: milliseconds(100),
    hold_tokens: whole(0, 10_000).optional().describe('Hold a stream back until so many tokens have come, so that an early failure can be mended by another attempt.'),
    hold_ms: milliseconds(0).describe('The same by time after the first token; whichever comes first.'),
  }).optional(),
  limits: z.strictObject({ request_body_bytes: whole(1024, limits.inFlightBodyBytes).optional() }).optional(),
  content: stored.optional(),
  responses: stored.optional()
    .describe('Request and response text. Off unless store is true.'),
  cache: z.strictObject({ ttl_s: whole(0, limits.cacheTtlS).optional().describe('How many seconds whole answers are kept for requests that ask for the cache. 0: not at all (the default).') }).optional(),
  retention: z.strictObject({ requests_days: whole(1, 3650).optional(), usage_days: whole(1, 36_500).optional(), decisions_days: whole(1, 3650).optional() }).optional(),
})

/** The rest of the settings belongs to the process, and so to the organisation that operates it. */
const organisationSettings = settingsSchema.omit({ deadlines: true, limits: true })

const percent = dollars.refine((value) => Number(value) >= 0 && Number(value) <= 100, 'must be from 0 to 100')

const catalogSchema = z.strictObject({
  url: z.string().refine(isHttpUrl, 'must be an http:// or https:// address without credentials, query or fragment').optional().describe('A feed of models and prices that is looked at from time to time. Without it nothing is asked.'),
  every_hours: whole(1, 24 * 90).optional().describe('Hours between looks. Default 24.'),
  overrides: z.array(z.strictObject({
    vendor: pattern.describe('A vendor’s id, as in megarouter catalog list; * stands for any text.'),
    model: pattern.describe('The vendor’s id of a model; * stands for any text.'),
    price: priceSchema.optional(),
    discount_percent: percent.optional().describe('Off every price of the catalogue, for example 12.5.'),
    context_tokens: whole(1, 100_000_000).optional(),
    output_tokens: whole(1, 100_000_000).optional(),
  }).refine((row) => row.price === undefined || row.discount_percent === undefined, 'has both price and discount_percent: keep one')
    .refine((row) => Object.keys(row).length > 2, 'changes nothing: give it price, discount_percent, context_tokens or output_tokens')).max(1_000).optional()
    .describe('Prices and limits of your own. They win over the catalogue; of several that match, the last one holds.'),
})

export const fileSchema = z.strictObject({
  server: serverSchema.optional(),
  providers: z.record(identifier, z.union([z.null(), providerSchema], 'must be a mapping (name: value) or empty')).optional().describe('By name; a vendor’s name alone switches it on.'),
  aliases: z.record(modelName, aliasSchema).optional().describe('Names of yours for one or several models.'),
  deployments: z.array(deploymentSchema).max(10_000).optional().describe('Models at a provider that the catalogue does not list, or prices of your own. Those of one model name share the load.'),
  catalog: catalogSchema.optional().describe('Models and their prices: where they are updated from, and what you pay instead.'),
  settings: settingsSchema.optional(),
  ...governanceSections,
  organisations: z.record(identifier, z.strictObject({ settings: organisationSettings.optional(), ...governanceSections })).optional()
    .describe('Further organisations of this installation, by their slug, each with sections of its own.'),
})
export type File = z.infer<typeof fileSchema>
export type FilePrice = z.infer<typeof priceSchema>
export type FileSettings = z.infer<typeof settingsSchema>

const csv = z.string().transform((value) => value.split(',').map((part) => part.trim()).filter((part) => part !== ''))
const variable = { port: whole(0, 65_535), text: z.string().max(4096) }

const onOrOff = z.preprocess((value) => ({ 1: true, true: true, on: true, 0: false, false: false, off: false })[String(value)] ?? value, z.boolean('must be on or off'))

export const environmentSchema = z.object({
  HOST: variable.text.optional(),
  PORT: variable.port.optional(),
  MEGAROUTER_ADMIN_PORT: variable.port.optional(),
  MEGAROUTER_TRUSTED_PROXIES: csv.pipe(z.array(addressRange)).optional(),
  TLS_CERT: variable.text.optional(),
  TLS_KEY: variable.text.optional(),
  MEGAROUTER_DATA_DIR: variable.text.default('./data'),
  MEGAROUTER_CONFIG: variable.text.optional(),
  DATABASE_URL: z.string().refine(
    (value) => ['postgres:', 'postgresql:'].includes(URL.parse(value)?.protocol ?? ''),
    'must be a postgres:// address; leave it out for the embedded database').optional(),
  MEGAROUTER_MASTER_KEY: z.string().min(32, 'must have at least 32 characters; make one with: openssl rand -hex 32').optional(),
  MEGAROUTER_PREVIOUS_MASTER_KEYS: z.string().min(32, 'must hold keys of at least 32 characters, separated by commas').optional(),
  MEGAROUTER_ADMIN_TOKEN: z.string().min(24, 'must have at least 24 characters; make one with: openssl rand -hex 32').optional(),
  // Of the command line, for a gateway elsewhere.
  MEGAROUTER_URL: variable.text.optional(),
  MEGAROUTER_TOKEN: variable.text.optional(),
  MEGAROUTER_PUBLIC_URL: z.string().refine(isHttpUrl, 'must be the https:// address at which people open the console').optional(),
  MEGAROUTER_OIDC_ISSUERS: csv.optional(),
  MEGAROUTER_SIMULATED: onOrOff.optional(),
  MEGAROUTER_MODEL_LISTS: onOrOff.optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.string().refine(isHttpUrl, 'must be an http:// or https:// address').optional(),
})

/** The JSON Schema of `megarouter.yaml` for editors. Whole numbers and booleans may also be `${VARIABLES}`. */
export function jsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(fileSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema: node }) => {
      if (node.type !== 'integer' && node.type !== 'boolean') return
      const own = { ...node }
      for (const name of Object.keys(node)) delete (node as Record<string, unknown>)[name]
      const { description, ...rest } = own
      node.anyOf = [rest, { type: 'string', pattern: '^\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}$' }]
      if (description !== undefined) node.description = description
    },
  })
  return { ...schema, title: 'megarouter.yaml' }
}
