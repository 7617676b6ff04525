/** A request in this format, read into the canonical form. Members that have no meaning outside of this format stay as extras; only what can't be read as a conversation at all is refused. */
import type { ChatRequest, FunctionTool, Json, JsonObject, Message, OutputFormat, Part, Reasoning, Sampling, ServerTool, Tool, ToolChoice } from '../canonical.ts'
import { BadRequest, type RequestPlace } from '../codec.ts'
import { Fields, format, isObject, objectAt, put } from './fields.ts'
import { readName } from './names.ts'
import { readContent } from './parts-in.ts'

/** Whose proofs come without a seal. */
const owner = 'anthropic'

export function decodeRequest(body: JsonObject, place: RequestPlace): ChatRequest {
  const fields = new Fields(body)
  const request: ChatRequest = {
    model: fields.text('model') ?? place.model ?? '',
    stream: fields.flag('stream') ?? place.stream ?? false,
    messages: [...readSystem(fields), ...readMessages(body['messages'])],
  }
  fields.drop('messages')
  const left: JsonObject = {}
  const tools = fields.list('tools')
  if (tools && tools.length > 0) request.tools = tools.map((tool, index) => readTool(objectAt(tool, `tools.${index}`)))
  readChoice(fields, request)
  readThinking(fields, request, left)
  readOutput(fields, request, left)
  const sampling: Sampling = {}
  put(sampling, 'temperature', fields.number('temperature'))
  put(sampling, 'topP', fields.number('top_p'))
  put(sampling, 'topK', fields.number('top_k'))
  if (Object.keys(sampling).length > 0) request.sampling = sampling
  put(request, 'maxOutputTokens', fields.number('max_tokens'))
  const stop = fields.texts('stop_sequences')
  if (stop && stop.length > 0) request.stop = stop
  put(request, 'serviceTier', fields.text('service_tier'))
  const betas = [...new Set([...fields.texts('anthropic_beta') ?? [], ...place.betas ?? []])]
  if (betas.length > 0) request.betas = betas
  const metadata = fields.object('metadata')
  if (metadata) {
    const { user_id: user, ...more } = metadata
    if (typeof user === 'string') request.endUser = user
    keep(left, 'metadata', typeof user === 'string' || user === null ? more : metadata)
  }
  const extras = { ...fields.left()?.fields, ...left }
  if (Object.keys(extras).length > 0) request.extras = { format, fields: extras }
  return request
}

/** What is left of an object of which some members were taken. */
function keep(left: JsonObject, key: string, more: JsonObject): void {
  if (Object.keys(more).length > 0) left[key] = more
}

function readSystem(fields: Fields): Message[] {
  const value = fields.source['system']
  fields.drop('system')
  if (value === undefined || value === null) return []
  const parts = readContent(value, 'system', owner)
  return parts.length === 0 ? [] : [{ role: 'system', parts }]
}

function readMessages(value: Json | undefined): Message[] {
  if (!Array.isArray(value)) throw new BadRequest('The field "messages" must be a list of messages.', 'messages')
  return value.flatMap((each, index) => readMessage(objectAt(each, `messages.${index}`), `messages.${index}`))
}

/** Results of tools are messages of their own. */
function readMessage(message: JsonObject, place: string): Message[] {
  const { role, content, ...more } = message
  if (role !== 'user' && role !== 'assistant' && role !== 'system') throw new BadRequest(`The role of a message must be "user", "assistant" or "system".`, `${place}.role`)
  const parts = readContent(content, `${place}.content`, owner)
  const messages: Message[] = role === 'user' ? split(parts) : [{ role, parts }]
  const extras = new Fields(more).left()
  if (extras) messages[0]!.extras = extras
  return messages
}

function split(parts: Part[]): Message[] {
  const messages: Message[] = []
  for (const part of parts) {
    const role = part.type === 'toolResult' ? 'tool' : 'user'
    const last = messages.at(-1)
    if (last?.role === role) last.parts.push(part)
    else messages.push({ role, parts: [part] })
  }
  return messages.length === 0 ? [{ role: 'user', parts }] : messages
}

function readTool(tool: JsonObject): Tool {
  const type = tool['type']
  if (typeof tool['name'] !== 'string' || (typeof type === 'string' && type !== 'custom')) return serverTool(tool, type)
  const fields = new Fields(tool)
  const read: FunctionTool = { type: 'function', ...readName(fields.text('name')!) }
  put(read, 'description', fields.text('description'))
  const schema = fields.object('input_schema')
  if (schema && !takesNothing(schema)) read.parameters = schema
  put(read, 'strict', fields.flag('strict'))
  put(read, 'deferred', fields.flag('defer_loading'))
  put(read, 'cache', fields.cache())
  fields.drop('type')
  put(read, 'extras', fields.left())
  return read
}

/** As it is written for a tool without parameters. */
export const nothingTaken = (): JsonObject => ({ type: 'object', properties: {} })
export const takesNothing = (schema: JsonObject): boolean => Object.keys(schema).length === 2 && schema['type'] === 'object' && isObject(schema['properties']) && Object.keys(schema['properties']).length === 0

function serverTool(value: JsonObject, type: Json | undefined): ServerTool {
  const kind = typeof type !== 'string' ? null : type.startsWith('web_search_') ? 'web_search' : type.startsWith('code_execution_') ? 'code_execution' : null
  return { type: 'server', ...(kind && { kind }), format, value }
}

function readChoice(fields: Fields, request: ChatRequest): void {
  const value = fields.object('tool_choice')
  if (!value) return
  const { disable_parallel_tool_use: disabled, ...choice } = value
  const read = choiceOf(choice)
  request.toolChoice = read ?? { type: 'native', format, value }
  if (read && typeof disabled === 'boolean') request.parallelToolCalls = !disabled
}

function choiceOf({ type, name, ...more }: JsonObject): ToolChoice | null {
  if (Object.keys(more).length > 0) return null
  if (type === 'tool' && typeof name === 'string') return { type: 'tool', name: readName(name).name }
  if (name !== undefined) return null
  return type === 'any' ? { type: 'required' } : type === 'auto' || type === 'none' ? { type } : null
}

/** An effort by itself says nothing about thinking here; other formats have no effort without it. */
function readThinking(fields: Fields, request: ChatRequest, left: JsonObject): void {
  const config = fields.source['output_config']
  const effort = isObject(config) && typeof config['effort'] === 'string' ? config['effort'] : undefined
  const value = fields.object('thinking')
  const reasoning = value && thoughtOf(value, left)
  if (value && !reasoning) left['thinking'] = value
  if (!reasoning && effort === undefined) return
  request.reasoning = reasoning ?? { mode: 'on' }
  put(request.reasoning, 'effort', effort)
}

function thoughtOf(value: JsonObject, left: JsonObject): Reasoning | undefined {
  const { type, budget_tokens: budget, display, ...more } = value
  const known = (type === 'disabled' && budget === undefined) || (type === 'adaptive' && budget === undefined) || (type === 'enabled' && typeof budget === 'number')
  if (!known || (display != null && display !== 'omitted' && display !== 'summarized')) return undefined
  keep(left, 'thinking', more)
  const reasoning: Reasoning = { mode: type === 'disabled' ? 'off' : type === 'adaptive' ? 'adaptive' : 'on' }
  if (typeof budget === 'number') reasoning.budgetTokens = budget
  if (display != null) reasoning.summary = display === 'omitted' ? 'none' : 'auto'
  return reasoning
}

/** `output_format` is the former name of `output_config.format`. */
function readOutput(fields: Fields, request: ChatRequest, left: JsonObject): void {
  const former = fields.object('output_format')
  const { format: present, effort, ...more } = fields.object('output_config') ?? {}
  const asked = isObject(present) ? present : former
  if (asked) request.output = outputOf(asked)
  keep(left, 'output_config', typeof effort === 'string' || effort == null ? more : { ...more, effort })
}

function outputOf(value: JsonObject): OutputFormat {
  const { type, schema, ...more } = value
  return type === 'json_schema' && isObject(schema) && Object.keys(more).length === 0 ? { type: 'schema', schema } : { type: 'native', format, value }
}
