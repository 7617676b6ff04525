/** What is asked: required fields and types, the options that are for the gateway alone, and the size of the request in tokens. */
import { nearestNames } from '../catalog/nearest.ts'
import { failure, type Failure } from '../errors.ts'
import { limits } from '../limits.ts'
import type { JsonType } from '../protocols/protocol.ts'
import { hasSeals } from '../protocols/proof.ts'
import type { JsonScanner, Member } from '../wire/json-scanner.ts'
import type { Asked, Exchange, RequestOptions } from './exchange.ts'
import { sizeOf } from './request-size.ts'

/** Bytes of JSON per token, until a ratio is learned per model. */
export const bytesPerToken = 4

export function inspect(exchange: Exchange): Failure | null {
  exchange.enter('inspect')
  const { body, endpoint } = exchange
  const scan = exchange.scan!
  for (const { key, types } of endpoint.required) {
    const member = scan.find(key)
    if (!member && key === 'model' && defaultModel(exchange) !== null) continue
    if (!member) return failure('invalid_request', `The field "${key}" is missing; it must be ${oneOf(types)}.`, { param: key })
    const wrong = wrongType(body, member, types)
    if (wrong) return wrong
  }
  for (const { key, types } of endpoint.optional) {
    const member = scan.find(key)
    const wrong = member && wrongType(body, member, types)
    if (wrong) return wrong
  }
  const asks = exchange.protocol.readRequest(endpoint, body, scan, exchange.inPath)
  if ('message' in asks) return failure('invalid_request', asks.message, { param: asks.param })
  const { model: written, stream } = asks
  const model = (written === null || isDefault(exchange, written) ? defaultModel(exchange) : null) ?? written!
  if (model === '') return failure('invalid_request', 'The field "model" is empty. GET /v1/models lists what this key may use.', { param: 'model' })
  if (Buffer.byteLength(model) > limits.modelNameBytes) return failure('invalid_request', `The field "model" has more than ${limits.modelNameBytes} bytes. GET /v1/models lists what this key may use.`, { param: 'model' })
  if (stream && !endpoint.streams) return failure('invalid_request', `${endpoint.path} does not stream. Leave "stream" out.`, { param: 'stream' })
  exchange.asked = {
    ...asks, model, written,
    ...outputLimits(exchange, asks.maxOutputTokens),
    bodyBytes: body.length, byPieces: exchange.protocol.byPieces === true,
    size: sizeOf(exchange.protocol, endpoint, body, scan, exchange.form?.fileBytes),
    estimatedInputTokens: Math.ceil(body.length / bytesPerToken),
  }
  exchange.hasSealedProofs = exchange.protocol.codec !== null && endpoint.capability === 'chat' && hasSeals(body)
  const wrong = readOptions(exchange, scan)
  const own = exchange.key!.tags
  const { tags } = exchange.options ?? noOptions
  exchange.tags = own.length === 0 ? tags : [...new Set([...own, ...tags])]
  return wrong
}

const defaultModel = ({ principal }: Exchange): string | null => principal!.defaults?.model?.value ?? null
/** A name that means the default, unless something is called so. */
const isDefault = ({ view, principal }: Exchange, name: string): boolean =>
  name === 'default' && !view!.aliases.has(name) && !view!.declared.has(name) && principal!.defaults?.aliases.has(name) !== true

/** Whom the client serves, as OpenAI's and Anthropic's fields name them; null where none does. Read only where somebody asks. */
export function endUserOf({ body, scan }: Exchange): string | null {
  for (const field of ['safety_identifier', 'user'] as const) {
    const value = read(body, scan!, field)
    if (typeof value === 'string' && value !== '') return value.slice(0, limits.labelBytes)
  }
  const metadata = read(body, scan!, 'metadata')
  const user = typeof metadata === 'object' && metadata !== null ? (metadata as { user_id?: unknown }).user_id : undefined
  return typeof user === 'string' && user !== '' ? user.slice(0, limits.labelBytes) : null
}

/** Of OpenAI's chats the two fields apart, since vendors read them differently; other formats have one limit. */
function outputLimits({ protocol, body, scan }: Exchange, maxOutputTokens: number | null): Pick<Asked, 'maxTokens' | 'maxCompletionTokens'> {
  if (protocol.limitEdits) return { maxTokens: maxOutputTokens, maxCompletionTokens: maxOutputTokens }
  return { maxTokens: limitOf(body, scan!, 'max_tokens'), maxCompletionTokens: limitOf(body, scan!, 'max_completion_tokens') }
}

function limitOf(body: Buffer, scan: JsonScanner, key: string): number | null {
  const limit = read(body, scan, key)
  return typeof limit === 'number' && limit >= 1 ? limit : null
}

function read(body: Buffer, scan: JsonScanner, key: string): unknown {
  const member = scan.find(key)
  return member ? JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) : undefined
}

function typeOf(firstByte: number): JsonType {
  switch (firstByte) {
    case 0x22: return 'string'
    case 0x7b: return 'object'
    case 0x5b: return 'array'
    case 0x74: case 0x66: return 'boolean'
    case 0x6e: return 'null'
    default: return 'number'
  }
}

function wrongType(body: Buffer, member: Member, types: readonly JsonType[]): Failure | null {
  const got = typeOf(body[member.valueStart]!)
  if (types.includes(got)) return null
  return failure('invalid_request', `The field "${member.key}" must be ${oneOf(types)}, not ${articles[got]}.`, { param: member.key })
}

const articles: Record<JsonType, string> = { string: 'a string', number: 'a number', boolean: 'true or false', object: 'an object', array: 'an array', null: 'null' }
const oneOf = (types: readonly JsonType[]): string => types.filter((type) => type !== 'null').map((type) => articles[type]).join(' or ')

type Check = (value: unknown) => unknown
const textOf = (bytes: number): Check => (value) => (typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= bytes ? value : undefined)
const textsOf = (bytes: number): Check => (value) => {
  const list = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value
  return Array.isArray(list) && list.length <= limits.tags && list.every((item) => textOf(bytes)(item) !== undefined) ? list : undefined
}
const text = textOf(limits.labelBytes)
const models = { check: textsOf(limits.modelNameBytes), must: `a list of at most ${limits.tags} model names of at most ${limits.modelNameBytes} bytes` }
const tags: Check = (value) => {
  const list = textsOf(limits.labelBytes)(value)
  return list !== undefined && Buffer.byteLength(JSON.stringify(list)) <= limits.tagsBytes ? list : undefined
}
const positive: Check = (value) => (Number.isFinite(Number(value)) && value !== '' && value !== null && typeof value !== 'boolean' && Number(value) >= 0 ? Number(value) : undefined)
const share: Check = (value) => (positive(value) !== undefined && Number(value) <= 1 ? Number(value) : undefined)
const truth: Check = (value) => (value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined)

const amongst = (values: readonly string[]): Check => (value) => (values.includes(value as string) ? value : undefined)
const unsupportedWays = ['warn', 'drop', 'reject'] as const

/** Option name in the body → how it is checked and what it must be. Headers: `x-megarouter-` and the name with hyphens. */
const optionChecks: Record<string, { check: Check; must: string }> = {
  policy: { check: text, must: 'a text' },
  models,
  fallbacks: models,
  max_cost_usd: { check: positive, must: 'a number of dollars' },
  min_quality: { check: share, must: 'a number from 0 to 1' },
  max_latency_ms: { check: positive, must: 'a number of milliseconds' },
  session: { check: text, must: `a text of at most ${limits.labelBytes} bytes` },
  tags: { check: tags, must: `a list of at most ${limits.tags} texts of at most ${limits.labelBytes} bytes, ${limits.tagsBytes} together` },
  cache: { check: truth, must: 'true or false' },
  include_cost: { check: truth, must: 'true or false' },
  on_unsupported: { check: amongst(unsupportedWays), must: unsupportedWays.join(', ') },
}

/** Of effect where the gateway chooses the model; beside a model's name a response header says that they are not. */
const ofRouting = new Set(['policy', 'models', 'max_cost_usd', 'min_quality', 'max_latency_ms'])

const noMembers = {}
const noOptions: RequestOptions = {
  policy: null, models: null, fallbacks: null, maxCostNano: null, minQuality: null, maxLatencyMs: null, session: null, tags: [], cache: null, includeCost: false, onUnsupported: 'warn', ofRouting: [],
}

function meant(name: string): string {
  const [nearest] = nearestNames(name, Object.keys(optionChecks), 1)
  return nearest === undefined ? '' : ` Did you mean "${nearest}"?`
}

function readOptions(exchange: Exchange, scan: JsonScanner): Failure | null {
  let given: Map<string, unknown> | null = null
  for (const name in exchange.request.headers) {
    if (name.startsWith('x-megarouter-')) (given ??= new Map()).set(name.slice('x-megarouter-'.length).replaceAll('-', '_'), exchange.request.headers[name])
  }
  for (const [name, value] of Object.entries((read(exchange.body, scan, 'megarouter') as object | undefined) ?? noMembers)) (given ??= new Map()).set(name, value)
  if (given === null) {
    exchange.options = noOptions
    return null
  }
  const values: Record<string, unknown> = {}
  for (const [name, value] of given) {
    const option = Object.hasOwn(optionChecks, name) ? optionChecks[name] : undefined
    const param = `megarouter.${name}`.slice(0, 80)
    if (!option) return failure('invalid_request', `There is no option "${name.slice(0, 40)}".${meant(name)} Options are ${Object.keys(optionChecks).join(', ')}.`, { param })
    const checked = option.check(value)
    if (checked === undefined) return failure('invalid_request', `The option "${name}" must be ${option.must}.`, { param })
    values[name] = checked
  }
  const cost = values['max_cost_usd'] as number | undefined
  exchange.options = {
    ...noOptions,
    policy: (values['policy'] as string | undefined) ?? null,
    models: (values['models'] as string[] | undefined) ?? null,
    fallbacks: (values['fallbacks'] as string[] | undefined) ?? null,
    maxCostNano: cost === undefined ? null : Math.floor(cost * 1e9),
    minQuality: (values['min_quality'] as number | undefined) ?? null,
    maxLatencyMs: (values['max_latency_ms'] as number | undefined) ?? null,
    session: (values['session'] as string | undefined) ?? null,
    tags: (values['tags'] as string[] | undefined) ?? [],
    cache: (values['cache'] as boolean | undefined) ?? null,
    includeCost: values['include_cost'] === true,
    onUnsupported: (values['on_unsupported'] as RequestOptions['onUnsupported'] | undefined) ?? 'warn',
    ofRouting: Object.keys(values).filter((name) => ofRouting.has(name)),
  }
  return null
}
