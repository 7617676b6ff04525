/** A request of this format, its dialects included, in canonical form. */
import type { ChatRequest, JsonObject, Message, Modality, OutputFormat, Reasoning, Sampling, ToolCallPart, ToolResultPart } from '../canonical.ts'
import { BadRequest, type RequestPlace } from '../codec.ts'
import { decodeAssistant, type Reading } from './assistant.ts'
import { compact, isObject, Members } from './members.ts'
import { hash } from './names.ts'
import { decodeContent } from './parts.ts'
import { detailMaker } from './reasoning.ts'
import { decodeToolChoice, decodeTools } from './tools.ts'

export function decodeRequest(body: JsonObject, { model = '', stream = false }: RequestPlace): ChatRequest {
  const members = new Members(body, '')
  // Options of the gateway's own, read elsewhere.
  members.any('megarouter')
  const isLegacy = members.has('functions')
  const messages = decodeMessages(members)
  const tools = decodeTools(members)
  const toolChoice = decodeToolChoice(members.any('tool_choice') ?? members.any('function_call'))
  const audio = members.within('audio')
  const sound = audio && compact<NonNullable<ChatRequest['audio']>>({ voice: audio.maybeText('voice'), coding: audio.text('format') })
  const request = compact<ChatRequest>({
    model: members.text('model') ?? model, stream: members.flag('stream') ?? stream, messages, tools, toolChoice,
    parallelToolCalls: members.flag('parallel_tool_calls'), output: decodeOutput(members), modalities: decodeModalities(members), audio: sound, sampling: decodeSampling(members),
    maxOutputTokens: decodeLimit(members), stop: decodeStopSequences(members), choices: members.number('n'), logprobs: decodeLogprobs(members),
    reasoning: decodeReasoning(members), verbosity: members.text('verbosity'), serviceTier: members.text('service_tier'),
    endUser: decodeEndUser(members), metadata: members.object('metadata'), store: members.flag('store'),
    cacheKey: members.text('prompt_cache_key'), cacheRetention: members.text('prompt_cache_retention'),
    usageInStream: members.within('stream_options')?.flag('include_usage') || undefined,
  })
  // The client reads its calls where it wrote its tools.
  if (isLegacy) members.putBack('functions', true)
  const extras = members.extras()
  return extras === undefined ? request : { ...request, extras }
}

/** The client uses `functions`, which `tools` replaced, and looks for calls in `function_call`. */
export const isLegacy = ({ extras }: ChatRequest): boolean => extras?.format === 'openai-chat' && extras.fields['functions'] === true

const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function']

function decodeMessages(body: Members): Message[] {
  const list = body.list('messages')
  if (list === undefined) throw new BadRequest('The field "messages" is missing: a list of messages.', 'messages')
  const messages: Message[] = []
  const reading: Reading = { maker: detailMaker, names: null, callId: () => '' }
  for (const [index, raw] of list.entries()) {
    const place = `messages[${index}]`
    if (!isObject(raw)) throw new BadRequest(`"${place}" must be an object with a "role".`, place)
    const members = new Members(raw, `${place}.`)
    const role = members.text('role')
    if (role === undefined || !roles.includes(role)) throw new BadRequest(`"${place}.role" must be one of ${roles.join(', ')}.`, `${place}.role`)
    if (role === 'tool' || role === 'function') {
      addResult(messages, decodeResult(members, messages))
      continue
    }
    reading.callId = (call) => `call_${hash(`${index}/${call}`)}`
    const parts = role === 'assistant' ? decodeAssistant(members, reading) : decodeContent(members)
    const name = members.text('name')
    messages.push({ role: role as Exclude<Message['role'], 'tool'>, parts, ...compact({ name, extras: members.extras() }) })
  }
  return messages
}

function addResult(messages: Message[], result: ToolResultPart): void {
  const last = messages.at(-1)
  if (last?.role === 'tool') last.parts.push(result)
  else messages.push({ role: 'tool', parts: [result] })
}

function decodeResult(members: Members, before: readonly Message[]): ToolResultPart {
  const name = members.text('name')
  const given = members.text('tool_call_id')
  const call = callOf(before, given, name)
  if (given === undefined && !call) throw new BadRequest(`"${members.at('tool_call_id')}" is missing: it says which call the result answers.`, members.at('tool_call_id'))
  return compact<ToolResultPart>({
    type: 'toolResult', callId: given ?? call?.id ?? '', name, parts: decodeContent(members), custom: call?.custom, extras: members.extras(),
  })
}

/** The call that a result answers. Z.ai takes results without an id, the deprecated form has the function's name: then it is the first call that has none yet. */
function callOf(before: readonly Message[], id: string | undefined, name: string | undefined): ToolCallPart | undefined {
  const answered = new Set<string>()
  for (const { parts } of before.toReversed()) {
    for (const part of parts) if (part.type === 'toolResult') answered.add(part.callId)
    const call = parts.find((part) => part.type === 'toolCall' && (id === undefined ? !answered.has(part.id) && (name === undefined || part.name === name) : part.id === id))
    if (call?.type === 'toolCall') return call
  }
  return undefined
}

function decodeSampling(body: Members): Sampling | undefined {
  const bias = body.object('logit_bias')
  const isBias = bias && Object.values(bias).every((value) => typeof value === 'number')
  if (bias && !isBias) throw new BadRequest('The values of "logit_bias" must be numbers.', 'logit_bias')
  const sampling = compact<Sampling>({
    temperature: body.number('temperature'), topP: body.number('top_p'), topK: body.number('top_k'), minP: body.number('min_p'),
    frequencyPenalty: body.number('frequency_penalty'), presencePenalty: body.number('presence_penalty'), repetitionPenalty: body.number('repetition_penalty'),
    seed: body.number('seed') ?? body.number('random_seed'), logitBias: bias as Record<string, number> | undefined,
  })
  return Object.keys(sampling).length > 0 ? sampling : undefined
}

/** Servers such as llama.cpp take a negative limit for none. Of two the larger one bounds, as when it is held for. */
function decodeLimit(body: Members): number | undefined {
  const limits = [body.number('max_completion_tokens'), body.number('max_tokens')].filter((limit) => limit !== undefined)
  return limits.length > 0 && Math.min(...limits) >= 0 ? Math.max(...limits) : undefined
}

function decodeStopSequences(body: Members): string[] | undefined {
  const one = body.maybeText('stop')
  const list = one === undefined ? body.list('stop') : [one]
  if (list && !list.every((each) => typeof each === 'string')) throw new BadRequest('The field "stop" must be a text or a list of texts.', 'stop')
  return list && list.length > 0 ? (list as string[]) : undefined
}

function decodeLogprobs(body: Members): { alternatives: number } | undefined {
  // Completions, an older interface, have a number here.
  const wanted = body.flag('logprobs')
  return wanted ? { alternatives: body.number('top_logprobs') ?? 0 } : undefined
}

function decodeModalities(body: Members): Modality[] | undefined {
  const list = body.list('modalities')
  const unknown = list?.find((each) => each !== 'text' && each !== 'image' && each !== 'audio')
  if (unknown !== undefined) throw new BadRequest('The field "modalities" must be a list of text, image and audio.', 'modalities')
  return list as Modality[] | undefined
}

/** `safety_identifier` is a later name of `user`; with both it stays where it is. */
function decodeEndUser(body: Members): string | undefined {
  const user = body.text('user')
  if (user === undefined) return body.text('safety_identifier')
  return user
}

function decodeOutput(body: Members): OutputFormat | undefined {
  const raw = body.peek('response_format')
  const inner = isObject(raw) && raw['type'] === 'json_schema' ? raw['json_schema'] : raw
  const hasSchema = isObject(inner) && isObject(inner['schema'])
  const type = isObject(raw) ? raw['type'] : undefined
  if (raw !== undefined && raw !== null && type !== 'text' && type !== 'json_object' && !(type === 'json_schema' && hasSchema)) {
    const value = body.object('response_format')
    return value && { type: 'native', format: 'openai-chat', value }
  }
  const format = body.within('response_format')
  format?.text('type')
  if (!format || type === 'text') return format && { type: 'text' }
  // Servers of open models take a schema beside `json_object` as well.
  const schema = type === 'json_schema' ? format.within('json_schema')! : format
  if (!hasSchema) return { type: 'json' }
  return compact<OutputFormat & { type: 'schema' }>({ type: 'schema', schema: schema.object('schema')!, name: schema.text('name'), description: schema.text('description'), strict: schema.flag('strict') })
}

const modes: Readonly<Record<string, Reasoning['mode']>> = { enabled: 'on', disabled: 'off', auto: 'adaptive', adaptive: 'adaptive' }

/** OpenAI's `reasoning_effort`, OpenRouter's `reasoning`, DeepSeek's, Moonshot's and Z.ai's `thinking`, Alibaba's `enable_thinking`. */
function decodeReasoning(body: Members): Reasoning | undefined {
  const object = body.maybeWithin('reasoning')
  const thinking = body.maybeWithin('thinking')
  const effort = body.text('reasoning_effort') ?? object?.maybeText('effort')
  const budgetTokens = object?.number('max_tokens') ?? thinking?.number('budget_tokens') ?? body.number('thinking_budget')
  const enabled = object?.flag('enabled') ?? body.flag('enable_thinking')
  const type = thinking?.maybeText('type')
  const mode = type !== undefined && Object.hasOwn(modes, type) ? modes[type] : undefined
  const summary = object?.flag('exclude') === true ? 'none' : object?.maybeText('summary')
  if (effort === undefined && budgetTokens === undefined && enabled === undefined && mode === undefined && summary === undefined && !object) return undefined
  if (effort === 'none' || mode === 'off' || enabled === false) return { mode: 'off' }
  return compact<Reasoning>({ mode: mode ?? 'on', effort, budgetTokens, summary })
}
