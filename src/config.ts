/**
 * Everything an operator can set, in one place: the environment and `megarouter.yaml`, validated and brought into the shapes
 * that the rest of the program uses. Reading the file is the only I/O; every mistake comes back as a value with its place.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { budgetOf, rateLimitOf } from './config/amounts.ts'
import { decimalText } from './config/atoms.ts'
import { noGovernance, type DeclaredOrganisation, type Governance, type Place } from './config/declared.ts'
import { aliasOf, allWeightsZero, readGovernance } from './config/governance.ts'
import { bareNames, notPolicy } from './config/routing.ts'
import { parseFile, type ConfigError, type Source, type Variables } from './config/parse.ts'
import type { File, FilePrice, FileSettings } from './config/schema.ts'
import type { Environment } from './config/environment.ts'
import { nanoPrice } from './catalog/decimal.ts'
import type { OperatorOverride } from './catalog/operator.ts'
import { nearestNames } from './catalog/nearest.ts'
import { pieceClasses, type Prices, type PriceVector } from './catalog/price.ts'
import type { AliasData, Budget, DeploymentData, OrganisationSettings, RateLimit, SettingsData } from './gateway/snapshot.ts'
import { declaredFacts } from './governance/model-class.ts'
import { plainPath } from './governance/name-path.ts'
import { isAuto } from './routing/policy-data.ts'

export { environment, keySettings, type Environment, type EnvironmentResult } from './config/environment.ts'
export { budgetOf, rateLimitOf } from './config/amounts.ts'
export { isTimeZone, timeZoneAdvice } from './config/atoms.ts'
export { jsonSchema } from './config/schema.ts'
export type { ConfigError, Variables } from './config/parse.ts'

export interface ProviderConfig {
  id: string
  /** A vendor's id, or null for an OpenAI-compatible server of the operator's own (then `baseUrl` is set). */
  vendor: string | null
  baseUrl: string | null
  /** Null: the vendor's. */
  name: string | null
  /** `secret` null: what is stored stays. `at`: the path of the node that alone may use it. */
  credentials: { name: string | null; secret: string | null; at: string | null }[]
  enabled: boolean
}

/** What is stored of conversations, for how long, and how much of it. Null: not set in the file. */
interface Kept { store: boolean | null; retentionDays: number | null; quotaMb: number | null }

export interface ConfigSettings {
  /** Null or absent: not set in the file. */
  organisation: string | null
  timeZone: string | null
  unknownPrice: OrganisationSettings['unknownPrice'] | null
  newModels: OrganisationSettings['newModels'] | null
  /** Of all keys together. Null is declared as such, and takes away what there is. */
  budget?: Budget | null
  rateLimit?: RateLimit | null
  deadlines: Partial<SettingsData['deadlines']>
  requestBodyBytes: number | null
  retention: { requestsDays: number | null; usageDays: number | null; decisionsDays: number | null }
  content: Kept
  responses: Kept
  cache: { ttlS: number | null }
}

export interface Config {
  server: { host: string | null; port: number | null; adminPort: number | null; trustedProxies: string[] | null; tlsCert: string | null; tlsKey: string | null }
  providers: ProviderConfig[]
  aliases: AliasData[]
  deployments: DeploymentData[]
  catalog: { url: string | null; everyHours: number; overrides: OperatorOverride[] }
  settings: ConfigSettings
  /** Of the organisation that the file is applied to. */
  governance: Governance
  organisations: DeclaredOrganisation[]
  /** What the database does not take, with its place. */
  locate(place: Place, message: string): ConfigError
}

export interface ServerSettings { host: string; port: number; adminPort: number | null; trustedProxies: string[]; tls: { cert: string; key: string } | null }

export type ConfigResult = { ok: true; config: Config } | { ok: false; errors: ConfigError[] }
export type LoadResult = { ok: true; config: Config; path: string | null } | { ok: false; errors: ConfigError[]; path: string | null }
export interface Files { readFileSync(path: string, encoding: 'utf8'): string }

export const defaultConfigFile = 'megarouter.yaml'
/** Between looks at the feed of the catalogue. */
const defaultHours = 24

/**
 * The file at `path`; without a path `./megarouter.yaml` if it exists, and an empty configuration otherwise.
 * `vendors` are the ids of the vendor declarations: with them, names of providers are checked too.
 */
export function loadConfig(path: string | null, variables: Variables, vendors: readonly string[] = [], files: Files = { readFileSync }): LoadResult {
  let text: string
  try {
    text = files.readFileSync(path ?? defaultConfigFile, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    if (path === null && code === 'ENOENT') return { ok: true, config: emptyConfig(), path: null }
    const what = code === 'ENOENT' ? 'there is no such file: create it, or unset MEGAROUTER_CONFIG' : `the file cannot be read (${code})`
    return { ok: false, path: path ?? defaultConfigFile, errors: [{ path: '', line: null, column: null, message: what }] }
  }
  return { ...parseConfig(text, variables, vendors), path: path ?? defaultConfigFile }
}

export function parseConfig(text: string, variables: Variables, vendors: readonly string[] = []): ConfigResult {
  const { file, source } = parseFile(text, variables)
  if (file === null) return { ok: false, errors: source.sorted() }
  checkReferences(file, source, vendors)
  const around = { vendors: vendors.length === 0 ? null : [...vendors, ...Object.keys(file.providers ?? {})], aliases: Object.keys(file.aliases ?? {}) }
  const { organisations = {}, ...own } = file
  const governance = readGovernance(source, [], own, around)
  const others = Object.entries(organisations).map(([slug, sections]) => ({
    ...readGovernance(source, ['organisations', slug], sections, around), slug, settings: settingsOf(sections.settings ?? {}, sections.routing),
  }))
  checkCredentials(file, source, new Set(governance.nodes.map((node) => node.own.path)))
  const locate: Config['locate'] = (place, message) => source.locate(place, message)
  return source.errors.length > 0 ? { ok: false, errors: source.sorted() } : { ok: true, config: { ...normalise(file), governance, organisations: others, locate } }
}

/** Of a file that says nothing. */
export const emptyConfig = (): Config =>
  ({ ...normalise({}), governance: noGovernance(), organisations: [], locate: (place, message) => ({ path: place.join('.'), line: null, column: null, message }) })

/** Where to listen: the environment wins over the file, the file over the defaults. */
export function serverSettings(variables: Environment, config: Config): ServerSettings {
  const { server } = config
  const cert = variables.tlsCert ?? server.tlsCert
  const key = variables.tlsKey ?? server.tlsKey
  return {
    host: variables.host ?? server.host ?? '127.0.0.1',
    port: variables.port ?? server.port ?? 8080,
    adminPort: variables.adminPort ?? server.adminPort,
    trustedProxies: variables.trustedProxies ?? server.trustedProxies ?? [],
    tls: cert === null || key === null ? null : { cert, key },
  }
}

/** One line for a terminal or a log: `megarouter.yaml:3:5 providers.groq: unknown key …`. */
export function errorText(error: ConfigError, file: string | null): string {
  const place = error.line === null ? file ?? '' : `${file ?? 'megarouter.yaml'}:${error.line}:${error.column ?? 1}`
  return [place, error.path === '' ? '' : `${error.path}:`, error.message].filter((part) => part !== '').join(' ')
}

function checkReferences(file: File, source: Source, vendors: readonly string[]): void {
  for (const [id, provider] of Object.entries(file.providers ?? {})) {
    const name = provider?.vendor ?? id
    if (vendors.length === 0 || vendors.includes(name) || (provider?.vendor === undefined && provider?.base_url !== undefined)) continue
    const guesses = nearestNames(name, vendors, 3)
    const advice = guesses.length > 0 ? `did you mean ${guesses.join(' or ')}?` : 'see the list of vendors in the documentation'
    const what = `there is no vendor "${name}": ${advice} A server of your own needs base_url${provider?.vendor === undefined ? '' : ' and no vendor'}`
    if (provider?.vendor === undefined) source.report(['providers'], what, id)
    else source.report(['providers', id, 'vendor'], what)
  }
  const known = [...vendors, ...Object.keys(file.providers ?? {})]
  const ids = new Set<string>()
  for (const [index, row] of (file.deployments ?? []).entries()) {
    const id = deploymentId(row)
    if (ids.has(id)) source.report(['deployments', index], `a deployment "${id}" is declared above: give one of them an id of its own`)
    ids.add(id)
    if (vendors.length === 0 || known.includes(row.provider)) continue
    const guesses = nearestNames(row.provider, known, 3)
    source.report(['deployments', index, 'provider'], `there is no provider "${row.provider}"${guesses.length > 0 ? `: did you mean ${guesses.join(' or ')}?` : ': declare it under providers'}`)
  }
  const policies = bareNames(file)
  for (const [index, { model }] of (file.deployments ?? []).entries()) {
    const clash = notPolicy(model, policies)
    if (clash !== null) source.report(['deployments', index, 'model'], clash)
  }
  for (const [name, alias] of Object.entries(file.aliases ?? {})) {
    const clash = notPolicy(name, policies)
    if (clash !== null) source.report(['aliases'], clash, name)
    for (const [index, target] of alias.targets.entries()) {
      const model = typeof target === 'string' ? target : target.model
      if (isAuto(model)) source.report(['aliases', name, 'targets', index], `an alias cannot lead to ${model}: a routing policy chooses by itself. Let clients ask for ${model}, or name models here`)
    }
    if (allWeightsZero(alias)) source.report(['aliases', name, 'targets'], 'all weights are 0: give at least one target a weight')
  }
}

/** A name tells credentials apart; it is made for those that have none. */
function checkCredentials(file: File, source: Source, nodes: ReadonlySet<string>): void {
  for (const [id, provider] of Object.entries(file.providers ?? {})) {
    const names = new Set<string>()
    for (const [index, entry] of (provider?.credentials ?? []).entries()) {
      if (typeof entry === 'string') continue
      const place = ['providers', id, 'credentials', index]
      if (names.has(entry.name)) source.report([...place, 'name'], `a credential ${entry.name} is declared above: choose another name`)
      names.add(entry.name)
      if (entry.at !== undefined && !nodes.has(plainPath(entry.at))) source.report([...place, 'at'], `there is no team or project ${JSON.stringify(plainPath(entry.at))} in this file: declare it under teams or projects`)
    }
  }
}

const deploymentId = (row: NonNullable<File['deployments']>[number]): string => row.id ?? `${row.provider}/${row.upstream_model}`

function normalise(file: File): Omit<Config, 'governance' | 'organisations' | 'locate'> {
  const { server = {}, settings = {}, catalog = {} } = file
  return {
    server: {
      host: server.host ?? null, port: server.port ?? null, adminPort: server.admin_port ?? null,
      trustedProxies: server.trusted_proxies ?? null, tlsCert: server.tls_cert ?? null, tlsKey: server.tls_key ?? null,
    },
    providers: Object.entries(file.providers ?? {}).map(([id, row]) => ({
      id,
      vendor: row?.vendor ?? (row?.base_url === undefined ? id : null),
      baseUrl: row?.base_url?.replace(/\/+$/, '') ?? null,
      name: row?.name ?? null,
      credentials: (row?.credentials ?? []).map((entry) => (typeof entry === 'string' ? { name: null, secret: entry, at: null } : { name: entry.name, secret: entry.secret || null, at: entry.at === undefined ? null : plainPath(entry.at) })),
      enabled: row?.enabled ?? true,
    })),
    aliases: Object.entries(file.aliases ?? {}).map(([name, row]) => aliasOf(name, row)),
    deployments: (file.deployments ?? []).map((row) => ({
      id: deploymentId(row), model: row.model, provider: row.provider, upstreamModel: row.upstream_model,
      price: row.price === undefined ? null : priceVector(row.price), priceAs: row.price_as ?? null, facts: declaredFacts(row),
    })),
    catalog: {
      url: catalog.url ?? null, everyHours: catalog.every_hours ?? defaultHours,
      overrides: (catalog.overrides ?? []).map((row) => ({
        vendor: row.vendor, model: row.model, price: row.price === undefined ? null : priceVector(row.price), discountPercent: row.discount_percent === undefined ? null : decimalText(row.discount_percent),
        contextTokens: row.context_tokens ?? null, outputTokens: row.output_tokens ?? null,
      })),
    },
    settings: settingsOf(settings, file.routing),
  }
}

const settingsOf = (settings: FileSettings, routing: File['routing']): ConfigSettings => ({
  organisation: settings.organisation ?? null,
  timeZone: settings.time_zone ?? null,
  unknownPrice: settings.unknown_price ?? null,
  newModels: routing?.new_models ?? null,
  ...(settings.budget !== undefined && { budget: settings.budget && budgetOf(settings.budget) }),
  ...(settings.rate_limit !== undefined && { rateLimit: settings.rate_limit && rateLimitOf(settings.rate_limit) }),
  deadlines: deadlines(settings.deadlines ?? {}),
  requestBodyBytes: settings.limits?.request_body_bytes ?? null,
  retention: { requestsDays: settings.retention?.requests_days ?? null, usageDays: settings.retention?.usage_days ?? null, decisionsDays: settings.retention?.decisions_days ?? null },
  content: kept(settings.content),
  responses: kept(settings.responses),
  cache: { ttlS: settings.cache?.ttl_s ?? null },
})

const kept = (stored: FileSettings['content'] = {}): Kept => ({ store: stored.store ?? null, retentionDays: stored.retention_days ?? null, quotaMb: stored.quota_mb ?? null })

function deadlines(row: NonNullable<FileSettings['deadlines']>): Partial<SettingsData['deadlines']> {
  const pairs = {
    connectMs: row.connect_ms, firstTokenMs: row.first_token_ms, idleMs: row.idle_ms, totalMs: row.total_ms,
    commitAfterMs: row.commit_after_ms, keepAliveMs: row.keep_alive_ms, clientStallMs: row.client_stall_ms, holdTokens: row.hold_tokens, holdMs: row.hold_ms,
  }
  return Object.fromEntries(Object.entries(pairs).filter(([, value]) => value !== undefined))
}

/** A price that knows none of them has the version that it had before there were any. */
const withoutFreePieces = (key: string, value: unknown): unknown => (value === 0 && pieceClasses.some((name) => name === key) ? undefined : value)

/** The version is derived from the prices, so that equal prices have equal versions on every node. */
export function priceVector(row: FilePrice): PriceVector {
  const nano = (value: string | number): number => nanoPrice(decimalText(value)).nano
  const input = nano(row.input)
  const output = nano(row.output)
  const given = (value: string | number | undefined, parent: number): number => (value === undefined ? parent : nano(value))
  const base: Prices = {
    input, output,
    cacheRead: given(row.cache_read, input), cacheWrite5m: given(row.cache_write_5m, input), cacheWrite1h: given(row.cache_write_1h, input),
    reasoning: given(row.reasoning, output), audioIn: given(row.audio_in, input), audioOut: given(row.audio_out, output),
    imageIn: given(row.image_in, input), imageOut: given(row.image_out, output),
    toolCalls: given(row.tool_calls, 0), requests: given(row.requests, 0),
    images: given(row.images, 0), audioMs: given(row.audio_ms, 0), characters: given(row.characters, 0), searches: given(row.searches, 0),
  }
  const version = createHash('sha256').update(JSON.stringify(base, withoutFreePieces)).digest('hex').slice(0, 12)
  return { version: `file-${version}`, base, tiers: [] }
}
