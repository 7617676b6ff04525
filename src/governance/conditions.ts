/**
 * Conditions of policy rules, written in CEL. Texts come from users: they are type-checked against the variables below, only a bounded
 * part of the language is taken, and no text can make an evaluation long. What is wrong with a text is said with its place; an
 * evaluation that fails, since a fact is not known, is null, and the rule decides what that means.
 */
import { Environment, type ASTNode, type ParseResult } from '@marcbachmann/cel-js'
import { nearestNames } from '../catalog/nearest.ts'

/** Whose request it is. Ids stay; names can be changed by whoever manages the node. Empty where there is none. */
export interface Principal {
  org: string
  /** Ids from the outside in. */
  teams: readonly string[]
  /** Names, for example `/engineering/search`. */
  teamPath: string
  project: string
  user: string
  serviceAccount: string
  key: string
  roles: readonly string[]
}

/** What is asked for. Null: not known. */
export interface RequestFacts {
  tags: readonly string[]
  session: string
  endpoint: string
  stream: boolean
  hasTools: boolean | null
  hasImages: boolean | null
  hasJson: boolean | null
  inputTokens: number | null
  maxOutputTokens: number | null
  /** In the organisation's zone: 0 … 23, and 1 (Monday) … 7. */
  hour: number
  weekday: number
}

/** The place that would serve it. Prices in USD per million tokens. Null: not known. */
export interface ModelValues {
  id: string
  vendor: string
  provider: string
  inputUsd: number | null
  outputUsd: number | null
  contextTokens: number | null
  maxOutputTokens: number | null
  capabilities: readonly string[] | null
  region: string | null
  openWeights: boolean | null
  retentionDays: number | null
}

/** A field that is not known is not there: reading it fails, `has()` of it is false. */
const known = <Value>(value: Value | null): Value | undefined => value ?? undefined
/** CEL's whole numbers are 64 bit; what is no whole number is not known. */
const int = (value: number | null): bigint | undefined => (Number.isSafeInteger(value) ? BigInt(value!) : undefined)

// Their field names are what conditions say. Evaluation reads them as they are; nothing is copied for each request.
export class PrincipalVariable {
  readonly org; readonly teams; readonly team_path; readonly project; readonly user; readonly service_account; readonly key; readonly roles
  constructor(from: Principal) {
    this.org = from.org
    this.teams = from.teams
    this.team_path = from.teamPath
    this.project = from.project
    this.user = from.user
    this.service_account = from.serviceAccount
    this.key = from.key
    this.roles = from.roles
  }
}

export class RequestVariable {
  readonly tags; readonly session; readonly endpoint; readonly stream; readonly has_tools; readonly has_images; readonly has_json
  readonly input_tokens; readonly max_output_tokens; readonly hour; readonly weekday
  constructor(from: RequestFacts) {
    this.tags = from.tags
    this.session = from.session
    this.endpoint = from.endpoint
    this.stream = from.stream
    this.has_tools = known(from.hasTools)
    this.has_images = known(from.hasImages)
    this.has_json = known(from.hasJson)
    this.input_tokens = int(from.inputTokens)
    this.max_output_tokens = int(from.maxOutputTokens)
    this.hour = int(from.hour)
    this.weekday = int(from.weekday)
  }
}

export class ModelVariable {
  readonly id; readonly vendor; readonly provider; readonly input_usd; readonly output_usd; readonly context_tokens; readonly max_output_tokens
  readonly capabilities; readonly region; readonly open_weights; readonly retention_days
  constructor(from: ModelValues) {
    this.id = from.id
    this.vendor = from.vendor
    this.provider = from.provider
    this.input_usd = known(from.inputUsd)
    this.output_usd = known(from.outputUsd)
    this.context_tokens = int(from.contextTokens)
    this.max_output_tokens = int(from.maxOutputTokens)
    this.capabilities = known(from.capabilities)
    this.region = known(from.region)
    this.open_weights = known(from.openWeights)
    this.retention_days = int(from.retentionDays)
  }
}

/** What a condition is evaluated on. `model` changes from deployment to deployment while the rest is of one request. */
export interface Facts { principal: PrincipalVariable | null; request: RequestVariable | null; model: ModelVariable | null }

export type VariableName = keyof Facts
type FieldType = 'string' | 'bool' | 'int' | 'double' | 'list<string>'
type Fields = Readonly<Record<string, FieldType>>
/** Where no place to serve is known yet, there is no model to ask about. */
export type ConditionSchema = Readonly<Record<Exclude<VariableName, 'model'>, Fields>> & { readonly model?: Fields }

/** Variables and their types: what is shown to whoever writes a condition. */
export const conditionSchema: Required<ConditionSchema> = {
  principal: { org: 'string', teams: 'list<string>', team_path: 'string', project: 'string', user: 'string', service_account: 'string', key: 'string', roles: 'list<string>' },
  request: {
    tags: 'list<string>', session: 'string', endpoint: 'string', stream: 'bool', has_tools: 'bool', has_images: 'bool', has_json: 'bool',
    input_tokens: 'int', max_output_tokens: 'int', hour: 'int', weekday: 'int',
  },
  model: {
    id: 'string', vendor: 'string', provider: 'string', input_usd: 'double', output_usd: 'double', context_tokens: 'int', max_output_tokens: 'int',
    capabilities: 'list<string>', region: 'string', open_weights: 'bool', retention_days: 'int',
  },
}

export const conditionLimits = { characters: 1_000, nodes: 100, depth: 16, listElements: 50, fallible: 8 } as const

export interface Condition {
  readonly text: string
  /** Its outcome can only change with these. */
  readonly uses: ReadonlySet<VariableName>
  /** Null: it can't be decided, since a fact is not known or a computation fails. Never throws. */
  evaluate(facts: Facts): boolean | null
}

/** Line and column count from 1. */
export interface ConditionProblem { error: string; line: number; column: number }

/** Of conditions that are asked before any model is: who asks, and for what. */
export const requestSchema: ConditionSchema = { principal: conditionSchema.principal, request: conditionSchema.request }

const environments = new WeakMap<ConditionSchema, Environment>()

function environmentOf(schema: ConditionSchema): Environment {
  let environment = environments.get(schema)
  if (environment === undefined) {
    const { nodes, depth, listElements } = conditionLimits
    environment = new Environment({ limits: { maxAstNodes: nodes, maxDepth: depth, maxListElements: listElements, maxMapEntries: 10, maxCallArguments: 4 } })
      .registerType('Principal', { ctor: PrincipalVariable, fields: schema.principal })
      .registerType('Request', { ctor: RequestVariable, fields: schema.request })
      .registerVariable('principal', 'Principal').registerVariable('request', 'Request')
    if (schema.model !== undefined) environment.registerType('Model', { ctor: ModelVariable, fields: schema.model }).registerVariable('model', 'Model')
    environments.set(schema, environment)
  }
  return environment
}

export function compileCondition(text: string, schema: ConditionSchema = conditionSchema): Condition | ConditionProblem {
  if (text.trim() === '') return problemAt(text, 0, 'The condition is empty. Leave `when` out for a rule that always holds')
  if (text.length > conditionLimits.characters) return problemAt(text, conditionLimits.characters, `A condition has at most ${conditionLimits.characters} characters, this one ${text.length}`)
  let parsed: ParseResult
  try {
    parsed = environmentOf(schema).parse(text)
  } catch (error) {
    return problemOf(text, error, schema)
  }
  // Before the types: what is not taken gets the clearer message.
  const reader = new Reader()
  const refusal = reader.refusal(parsed.ast)
  if (refusal !== null) return problemAt(text, refusal.at, refusal.error)
  const checked = parsed.check()
  if (!checked.valid) return problemOf(text, checked.error, schema)
  if (String(checked.type) !== 'bool') return problemAt(text, 0, `A condition must be true or false, this one is of type ${checked.type}`)
  return { text, uses: reader.uses, evaluate: (facts) => evaluate(parsed, facts) }
}

function evaluate(parsed: ParseResult, facts: Facts): boolean | null {
  try {
    const result: unknown = parsed(facts)
    return typeof result === 'boolean' ? result : null
  } catch {
    // The library says "not known" and "division by zero" by throwing. Both are outcomes here, which the rule decides about.
    return null
  }
}

/** Functions that take time and memory in proportion to their input, and give nothing that is larger. */
const functions = new Set(['has', 'size', 'startsWith', 'endsWith', 'contains', 'lowerAscii'])
const comprehensions = new Set(['exists', 'all', 'exists_one'])
const available = 'Available are startsWith, endsWith, contains, lowerAscii, size, has, exists, all and exists_one'

/** Fields that may not be known. Each read of one that is not costs 7 µs, a hundred times as much as another, so these are counted. */
const uncertain = new Set(['has_tools', 'has_images', 'has_json', 'input_tokens', 'max_output_tokens', 'input_usd', 'output_usd', 'context_tokens', 'capabilities', 'region', 'open_weights', 'retention_days'])
const fallibleOperators = new Set(['+', '-', '*', '/', '%', '-_', '[]'])

interface Refusal { at: number; error: string }

/** Walks an expression once: finds the first part that is not taken, and which variables are read. */
class Reader {
  readonly uses = new Set<VariableName>()
  #fallible = 0
  #isInside = false

  refusal(node: ASTNode): Refusal | null {
    if (node.op === 'value') return typeof node.args === 'object' ? { at: node.start, error: 'Only texts, numbers, true and false can be written down here' } : null
    if (node.op === 'id' && (node.args === 'principal' || node.args === 'request' || node.args === 'model')) this.uses.add(node.args)
    if (node.op === '.?' || node.op === '[?]' || node.op === 'map') return { at: node.start, error: 'Maps and optional fields are not available. Ask with has() whether a field is known' }
    if (node.op === 'call' || node.op === 'rcall') return this.#call(node)
    if (fallibleOperators.has(node.op) || (node.op === '.' && uncertain.has(node.args[1]))) {
      if (this.#isInside) return { at: node.start, error: 'Inside of exists, all and exists_one neither arithmetic nor fields that may be unknown are available. Put them before it, with &&' }
      if (++this.#fallible > conditionLimits.fallible) return { at: node.start, error: `A condition has at most ${conditionLimits.fallible} computations and fields that may be unknown. Split it into several rules` }
    }
    return this.#children(node)
  }

  #call(node: Extract<ASTNode, { op: 'call' | 'rcall' }>): Refusal | null {
    const name = node.args[0]
    if (name === 'matches') return { at: node.start, error: `Regular expressions are not available, since they can take very long. ${available}` }
    if (node.op === 'rcall' && comprehensions.has(name)) return this.#comprehension(node, name)
    if (!functions.has(name)) return { at: node.start, error: `${name}() is not available in conditions. ${available}` }
    return this.#children(node)
  }

  #comprehension(node: Extract<ASTNode, { op: 'rcall' }>, name: string): Refusal | null {
    if (this.#isInside) return { at: node.start, error: `${name}() inside of another exists, all or exists_one is not available, since it can take very long` }
    const [, list, body] = node.args
    const before = this.refusal(list)
    if (before !== null) return before
    if (list.op !== '.') return { at: list.start, error: `${name}() goes through the list of a field, for example request.tags.${name}(tag, tag == "x")` }
    this.#isInside = true
    for (const part of body) {
      const refusal = this.refusal(part)
      if (refusal !== null) return refusal
    }
    this.#isInside = false
    return null
  }

  #children(node: ASTNode): Refusal | null {
    for (const child of childrenOf(node)) {
      const refusal = this.refusal(child)
      if (refusal !== null) return refusal
    }
    return null
  }
}

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value

function childrenOf({ args }: ASTNode): ASTNode[] {
  const all: unknown = args
  return (Array.isArray(all) ? all.flat() : [all]).filter(isNode)
}

function problemOf(text: string, error: unknown, schema: ConditionSchema): ConditionProblem {
  const { summary, message, range, code } = error as { summary?: string; message: string; range?: { start: number }; code?: string }
  const start = range?.start ?? 0
  const said = summary ?? message
  return problemAt(text, start, code === 'limit_exceeded' ? `${said}. A condition must stay small: split it into several rules` : inWords(said, text.slice(0, start), schema))
}

/** The library's usual words in ours; `before`: the text up to the place. */
function inWords(said: string, before: string, schema: ConditionSchema): string {
  const [, key] = /^No such key: (.+)$/.exec(said) ?? []
  if (key !== undefined) {
    const owner = before.endsWith('.') ? before.slice(0, -1).split(/[^a-z]/).at(-1)! : ''
    const fields = Object.hasOwn(schema, owner) ? Object.keys(schema[owner as VariableName] ?? {}) : []
    const [nearest] = nearestNames(key, fields, 1)
    return `There is no ${before.endsWith('.') ? `${owner}.` : ''}${key}.${nearest !== undefined ? ` Did you mean ${owner}.${nearest}?` : fields.length > 0 ? ` Fields of ${owner} are ${fields.join(', ')}` : ''}`
  }
  const [, name] = /^Unknown variable: (.+)$/.exec(said) ?? []
  if (name !== undefined) return `There is no variable ${name}. Variables are ${Object.keys(schema).join(', ')}; a text stands in quotes`
  const [, left = '', operator = '', right = ''] = /^no such overload: (\S+) (\S+) (\S+)$/.exec(said) ?? []
  if (operator !== '') {
    const hint = left.startsWith('list<') ? '. Ask whether it is in the list: "x" in request.tags'
      : /^(double|int)$/.test(left) && /^(double|int)$/.test(right) ? '. Write the number with a decimal point where the field has one, and without where it has none' : '. Both sides must be of the same type'
    return `${left} ${operator} ${right} is not possible${hint}`
  }
  const [, call] = /^found no matching overload for '(.+)'$/.exec(said) ?? []
  if (call !== undefined) return `${call} is not possible: the function does not take that type`
  const [, part] = /^Unexpected (?:token|character): (.+)$/.exec(said) ?? []
  if (part !== undefined) return part === 'EOF' ? 'The condition ends too early' : `${part} does not belong there${part === '=' ? ': two things are compared with ==' : ''}`
  if (said === 'has() invalid argument') return 'has() takes a field, for example has(model.region)'
  return said
}

function problemAt(text: string, offset: number, error: string): ConditionProblem {
  const before = text.slice(0, offset).split('\n')
  return { error, line: before.length, column: before.at(-1)!.length + 1 }
}
