/** Settings of a request: sampling, the output limit, what models take beyond the common form, the form of the answer, service and metadata. */
import type { ChatRequest, Json, JsonObject, OutputFormat, Sampling } from '../canonical.ts'
import type { Target } from '../codec.ts'
import { type Family, knownBetas, takesOneCall } from './families.ts'
import { besides, format, isCount, isEmpty, isObject, isText, parsed, under } from './json.ts'
import { answersByTool } from './tools.ts'
import { decodeThinking, encodeThinking, refusesSampling } from './thinking.ts'
import { lose, type Writing } from './writing.ts'

/** What says which stop sequence it was: without and with a stream. Claude alone tells it. */
const stopPaths = ['/stop_sequence', '/delta/stop_sequence']

/** Fills the request; what is left of a member goes to its extras. */
export function decodeSettings(request: ChatRequest, body: JsonObject, family: Family): JsonObject {
  const { inferenceConfig, additionalModelRequestFields: more, serviceTier, requestMetadata, outputConfig, additionalModelResponseFieldPaths: paths } = body
  const left: JsonObject = {}
  const keep = (key: string, value: Json): void => void Object.assign(left, Object.fromEntries([[key, value]]))
  const sampling: Sampling = {}
  if (inferenceConfig !== undefined) {
    const rest = isObject(inferenceConfig) ? decodeInference(request, sampling, inferenceConfig) : inferenceConfig
    if (!isObject(rest) || !isEmpty(rest) || (isObject(inferenceConfig) && isEmpty(inferenceConfig))) keep('inferenceConfig', rest)
  }
  if (more !== undefined) {
    const rest = isObject(more) ? decodeMore(request, sampling, more, family) : more
    if (!isObject(rest) || !isEmpty(rest) || (isObject(more) && isEmpty(more))) keep('additionalModelRequestFields', rest)
  }
  if (!isEmpty(sampling as JsonObject)) request.sampling = sampling
  if (isObject(serviceTier) && isText(serviceTier['type']) && Object.keys(serviceTier).length === 1) request.serviceTier = serviceTier['type']
  else if (serviceTier !== undefined) keep('serviceTier', serviceTier)
  if (isObject(requestMetadata)) request.metadata = requestMetadata
  else if (requestMetadata !== undefined) keep('requestMetadata', requestMetadata)
  if (outputConfig !== undefined) {
    const output = decodeOutput(outputConfig)
    if (output === null) keep('outputConfig', outputConfig)
    else request.output = output
  }
  const isOurs = request.stop !== undefined && family.thinking === 'claude' && JSON.stringify(paths) === JSON.stringify(stopPaths)
  if (paths !== undefined && !isOurs) keep('additionalModelResponseFieldPaths', paths)
  return left
}

export const settingKeys = ['inferenceConfig', 'additionalModelRequestFields', 'serviceTier', 'requestMetadata', 'outputConfig', 'additionalModelResponseFieldPaths']

function decodeInference(request: ChatRequest, sampling: Sampling, config: JsonObject): JsonObject {
  const { maxTokens, temperature, topP, stopSequences, ...left } = config
  if (isCount(maxTokens)) request.maxOutputTokens = maxTokens
  else if (maxTokens !== undefined) left['maxTokens'] = maxTokens
  if (typeof temperature === 'number') sampling.temperature = temperature
  else if (temperature !== undefined) left['temperature'] = temperature
  if (typeof topP === 'number') sampling.topP = topP
  else if (topP !== undefined) left['topP'] = topP
  if (Array.isArray(stopSequences) && stopSequences.every(isText)) request.stop = stopSequences as string[]
  else if (stopSequences !== undefined) left['stopSequences'] = stopSequences
  return left
}

function decodeMore(request: ChatRequest, sampling: Sampling, fields: JsonObject, family: Family): JsonObject {
  const { reasoning, left } = decodeThinking(fields, family)
  if (reasoning) request.reasoning = reasoning
  let rest = left
  const { top_k: topK, inferenceConfig, anthropic_beta: betas, tool_choice: choice } = rest
  if (family.topK === 'flat' && typeof topK === 'number') {
    sampling.topK = topK
    rest = besides(rest, 'top_k')
  }
  if (family.topK === 'nested' && isObject(inferenceConfig) && typeof inferenceConfig['topK'] === 'number') {
    sampling.topK = inferenceConfig['topK']
    rest = { ...besides(rest, 'inferenceConfig'), ...under('inferenceConfig', besides(inferenceConfig, 'topK')) }
  }
  if (family.thinking === 'claude' && Array.isArray(betas) && betas.length > 0 && betas.every(isText)) {
    request.betas = betas as string[]
    rest = besides(rest, 'anthropic_beta')
  }
  if (family.thinking === 'claude' && isObject(choice) && choice['disable_parallel_tool_use'] === true && isEmpty(besides(choice, 'disable_parallel_tool_use', ...(choice['type'] === 'auto' ? ['type'] : [])))) {
    request.parallelToolCalls = false
    rest = besides(rest, 'tool_choice')
  }
  return rest
}

function decodeOutput(config: Json): OutputFormat | null {
  const text = isObject(config) && Object.keys(config).length === 1 ? config['textFormat'] : undefined
  const structure = isObject(text) && text['type'] === 'json_schema' && Object.keys(text).length === 2 ? text['structure'] : undefined
  const definition = isObject(structure) && Object.keys(structure).length === 1 ? structure['jsonSchema'] : undefined
  if (!isObject(definition) || !isText(definition['schema']) || !isEmpty(besides(definition, 'schema', 'name', 'description'))) return null
  const { name, description } = definition
  const schema = parsed(definition['schema'])
  if (!isObject(schema)) return null
  return { type: 'schema', schema, ...(isText(name) ? { name } : {}), ...(isText(description) ? { description } : {}) }
}

export function encodeSettings(writing: Writing, request: ChatRequest, target: Target, turns: readonly JsonObject[]): JsonObject {
  const thinking = encodeThinking(writing, request, target, turns)
  const more: JsonObject = { ...thinking.fields, ...encodeOneCall(writing, request) }
  const inference = encodeInference(writing, request, thinking.isOn && refusesSampling(writing, thinking.fields), more)
  encodeBetas(writing, request, more)
  loseOthers(writing, request)
  const outputConfig = encodeOutput(writing, request.output)
  const requestMetadata = request.metadata && encodeMetadata(writing, request.metadata)
  const serviceTier = request.serviceTier === undefined ? null : encodeTier(writing, request.serviceTier)
  return {
    ...under('inferenceConfig', inference), ...under('additionalModelRequestFields', more),
    ...(request.stop && request.stop.length > 0 && writing.family.thinking === 'claude' ? { additionalModelResponseFieldPaths: stopPaths } : {}),
    ...(serviceTier === null ? {} : { serviceTier: { type: serviceTier } }),
    ...(requestMetadata ? { requestMetadata } : {}), ...(outputConfig ? { outputConfig } : {}),
  }
}

function encodeInference(writing: Writing, request: ChatRequest, isRefused: boolean, more: JsonObject): JsonObject {
  const { maxOutputTokens, stop, sampling = {} } = request
  const { temperature, topP, topK, ...others } = sampling
  const config: JsonObject = {}
  if (maxOutputTokens !== undefined) config['maxTokens'] = maxOutputTokens
  if (isRefused && (temperature ?? topP ?? topK) !== undefined) lose(writing, 'sampling beside thinking (temperature, top_p, top_k)', 'hint')
  if (temperature !== undefined && !isRefused) {
    if (temperature > 1) lose(writing, 'a temperature above 1', 'meaning')
    config['temperature'] = Math.min(temperature, 1)
  }
  if (topP !== undefined && !isRefused) config['topP'] = topP
  if (stop !== undefined) {
    const sequences = stop.filter((each) => each !== '')
    if (sequences.length < stop.length) lose(writing, 'an empty stop sequence', 'hint')
    config['stopSequences'] = sequences
  }
  if (topK !== undefined && !isRefused) {
    if (writing.family.topK === 'flat') more['top_k'] = topK
    else if (writing.family.topK === 'nested') more['inferenceConfig'] = { topK }
    else lose(writing, 'top_k', 'meaning')
  }
  for (const key of Object.keys(others)) lose(writing, samplingNames[key as keyof typeof others], 'meaning')
  return config
}

const samplingNames: Readonly<Record<Exclude<keyof Sampling, 'temperature' | 'topP' | 'topK'>, string>> = {
  minP: 'min_p', frequencyPenalty: 'frequency_penalty', presencePenalty: 'presence_penalty', repetitionPenalty: 'repetition_penalty', seed: 'seed', logitBias: 'logit_bias',
}

/** A choice of tools that stands in `toolConfig` is completed, not repeated. https://github.com/BerriAI/litellm/issues/36536 */
function encodeOneCall(writing: Writing, { parallelToolCalls, tools, toolChoice }: ChatRequest): JsonObject {
  if (parallelToolCalls !== false || tools === undefined || tools.length === 0 || toolChoice?.type === 'none') return {}
  if (writing.family.thinking !== 'claude' || !takesOneCall(writing.model)) {
    lose(writing, 'that tools are called one at a time', 'meaning')
    return {}
  }
  return { tool_choice: { ...(choosesFreely({ toolChoice }) ? { type: 'auto' } : {}), disable_parallel_tool_use: true } }
}

const choosesFreely = ({ toolChoice }: { toolChoice: ChatRequest['toolChoice'] }): boolean => toolChoice === undefined || toolChoice.type === 'auto'

/** The choice that stands in `toolConfig`. */
export const writtenChoice = ({ toolChoice, parallelToolCalls }: ChatRequest, more: Json | undefined): ChatRequest['toolChoice'] =>
  parallelToolCalls === false && choosesFreely({ toolChoice }) && isObject(more) && Object.hasOwn(more, 'tool_choice') ? undefined : toolChoice

function encodeBetas(writing: Writing, { betas = [] }: ChatRequest, more: JsonObject): void {
  const known = writing.family.thinking === 'claude' ? betas.filter((beta) => knownBetas.has(beta)) : []
  for (const beta of betas) if (!known.includes(beta)) lose(writing, `the beta feature "${beta.slice(0, 60)}"`, 'hint')
  if (known.length > 0) more['anthropic_beta'] = known
}

function encodeOutput(writing: Writing, output: OutputFormat | undefined): JsonObject | null {
  if (output === undefined || output.type === 'text' || answersByTool(writing, output)) return null
  if (output.type === 'schema') {
    const { schema, name, description, strict } = output
    if (strict === false) lose(writing, 'that the answer may leave its schema', 'hint')
    return { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: JSON.stringify(schema), ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) } } } }
  }
  if (output.type === 'native' && output.format === format && isObject(output.value)) return output.value
  lose(writing, output.type === 'json' ? 'that the answer is JSON (Bedrock takes a schema only)' : 'a form of the answer that another vendor alone has', 'meaning')
  return null
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ServiceTier.html; `standard` and `standard_only` are OpenAI's and Anthropic's words for the default. */
function encodeTier(writing: Writing, tier: string): string | null {
  if (['priority', 'default', 'flex', 'reserved'].includes(tier)) return tier
  if (tier === 'standard' || tier === 'standard_only') return 'default'
  if (tier !== 'auto') lose(writing, `the service tier "${tier.slice(0, 40)}"`, 'meaning')
  return null
}

const mostMetadata = 16
const fitMetadata = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/

function encodeMetadata(writing: Writing, metadata: JsonObject): JsonObject | null {
  const fit = Object.entries(metadata).filter(([key, value]) => key !== '' && fitMetadata.test(key) && isText(value) && fitMetadata.test(value)).slice(0, mostMetadata)
  if (fit.length < Object.keys(metadata).length) lose(writing, 'metadata that Bedrock does not take', 'hint')
  return fit.length === 0 ? null : Object.fromEntries(fit)
}

/** What Converse has no member for. `usageInStream` needs none. */
function loseOthers(writing: Writing, request: ChatRequest): void {
  const { modalities = [], audio, choices = 1, logprobs, verbosity, endUser, store, cacheKey, cacheRetention } = request
  for (const modality of modalities) if (modality !== 'text') lose(writing, `output of the modality "${modality}"`, 'meaning')
  if (audio !== undefined) lose(writing, 'settings of spoken output', 'meaning')
  if (choices !== 1) lose(writing, `${choices} answers to one request`, 'meaning')
  if (logprobs !== undefined) lose(writing, 'log probabilities', 'meaning')
  if (verbosity !== undefined) lose(writing, 'how much the answer says (verbosity)', 'meaning')
  if (endUser !== undefined) lose(writing, 'the end user', 'hint')
  if (store !== undefined) lose(writing, 'whether the vendor keeps the answer (Bedrock keeps none)', 'hint')
  if (cacheKey !== undefined) lose(writing, 'the key of the cache', 'hint')
  if (cacheRetention !== undefined) lose(writing, 'how long the cache lives', 'hint')
}
