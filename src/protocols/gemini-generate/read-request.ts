/** A request as a Gemini client sends it, in canonical form. It fails where the contents are no conversation. */
import type { ChatRequest, FunctionTool, Json, JsonObject, Message, Part, ServerTool, Tool, ToolCallPart, ToolChoice, ToolResultPart } from '../canonical.ts'
import { BadRequest, type RequestPlace } from '../codec.ts'
import { decodeConfig } from './config.ts'
import { Fields, isObject, listOf } from './fields.ts'
import { decodePart, format, isEmpty, madeUp, type PartReader } from './parts.ts'
import { jsonSchemaOf } from './schema.ts'
import { read, restore, type Thought } from './signature.ts'

export function decodeRequest(body: JsonObject, place: RequestPlace): ChatRequest {
  const fields = new Fields(body)
  const model = fields.text('model')?.replace(/^models\//, '')
  const request: ChatRequest = { model: place.model ?? model ?? '', stream: place.stream === true, messages: [] }
  const conversation = new Conversation()
  conversation.system(fields.take('systemInstruction'))
  for (const content of fields.list('contents')) conversation.take(content)
  request.messages = conversation.messages
  const tools = fields.list('tools').flatMap(toolsOf)
  if (tools.length > 0) request.tools = tools
  decodeToolConfig(fields, request)
  const config = new Fields(fields.take('generationConfig'))
  decodeConfig(config, request)
  fields.put('generationConfig', config.rest())
  const serviceTier = fields.text('serviceTier')
  if (serviceTier !== undefined) request.serviceTier = serviceTier
  const store = fields.boolean('store')
  if (store !== undefined) request.store = store
  const rest = fields.rest()
  if (rest) request.extras = { format, fields: rest }
  return request
}

const roles: Readonly<Record<string, Message['role']>> = { user: 'user', function: 'user', tool: 'user', model: 'assistant' }

class Conversation implements PartReader {
  readonly messages: Message[] = []
  readonly read = read
  /** Calls whose results have not come. */
  #open: ToolCallPart[] = []
  #calls = 0
  #carried: { part: Part; thoughts: Thought[] }[] = []

  carried(part: Part, thoughts: Thought[]): void {
    this.#carried.push({ part, thoughts })
  }

  callId(): string {
    return `${madeUp}${this.#calls++}`
  }

  system(value: Json | undefined): void {
    if (typeof value === 'string') return this.#add('system', [{ type: 'text', text: value }], undefined)
    const fields = new Fields(value)
    // Clients write one or another; it has no meaning.
    fields.text('role')
    this.#add('system', this.#decoded(fields.list('parts')), fields.rest())
  }

  take(value: Json): void {
    if (!isObject(value)) throw new BadRequest('Each of "contents" must be an object with "role" and "parts".', 'contents')
    const fields = new Fields(value)
    const said = fields.text('role') || 'user'
    const role = roles[said]
    if (role === undefined) throw new BadRequest(`The role "${said.slice(0, 40)}" of a content is not known. Use "user" or "model"; instructions stand in "systemInstruction".`, 'contents')
    const parts = this.#decoded(fields.list('parts'))
    const rest = fields.rest()
    if (role === 'assistant') return this.#turn(parts, rest)
    const results = parts.filter((part) => part.type === 'toolResult')
    for (const result of results) this.#answer(result)
    // Results come first wherever they stood: in other formats nothing may stand between a call and its result.
    const others = results.length === 0 ? parts : parts.filter((part) => part.type !== 'toolResult')
    if (results.length > 0) this.#addResults(results, others.length === 0 ? rest : undefined)
    if (others.length > 0) this.#add(role, others, rest)
  }

  #decoded(values: readonly Json[]): Part[] {
    return values.map((value) => decodePart(value, this)).filter((part) => part !== null)
  }

  /** Google's libraries keep every event of a stream as a content of its own: those that follow each other are one turn. */
  #turn(parts: Part[], rest: JsonObject | undefined): void {
    const said = parts.filter((part) => !isEmpty(part))
    for (const part of said) if (part.type === 'toolCall') this.#open.push(part)
    const last = this.messages.at(-1)
    const isMore = last?.role === 'assistant' && !last.extras && !rest
    if (isMore) join(last.parts, said)
    else this.#add('assistant', said, rest)
    const turn = isMore ? last.parts : said
    for (const { part, thoughts } of this.#carried) restore(turn, part, thoughts)
    this.#carried = []
  }

  #add(role: Message['role'], parts: Part[], rest: JsonObject | undefined): void {
    if (parts.length > 0) this.messages.push({ role, parts, ...(rest ? { extras: { format, fields: rest } } : {}) })
  }

  #addResults(results: Part[], rest: JsonObject | undefined): void {
    const last = this.messages.at(-1)
    if (last?.role === 'tool' && !last.extras && !rest) last.parts.push(...results)
    else this.#add('tool', results, rest)
  }

  /** By id, else by name in the order of the calls. Either side may have left the id out. */
  #answer(result: ToolResultPart): void {
    const open = this.#open
    const byId = result.callId === '' ? undefined : open.find(({ id }) => id === result.callId)
    const call = byId ?? open.find(({ id, name }) => name === result.name && (result.callId === '' || id.startsWith(madeUp)))
    if (call) {
      if (result.callId === '') result.callId = call.id
      else call.id = result.callId
      this.#open = open.filter((each) => each !== call)
    } else if (result.callId === '') result.callId = this.callId()
  }
}

/** Appends; what was cut between two events is put together. */
function join(parts: Part[], more: Part[]): void {
  const [last, next] = [parts.at(-1), more[0]]
  const isText = (last?.type === 'text' && next?.type === 'text') || (last?.type === 'reasoning' && next?.type === 'reasoning')
  if (!isText || last.proof || last.extras || next.extras) return void parts.push(...more)
  const text = (last.text ?? '') + (next.text ?? '')
  Object.assign(last, next, text === '' ? {} : { text })
  parts.push(...more.slice(1))
}

function toolsOf(value: Json): Tool[] {
  if (!isObject(value)) throw new BadRequest('Each of "tools" must be an object.', 'tools')
  const fields = new Fields(value)
  const tools: Tool[] = []
  for (const declaration of listOf(fields.take('functionDeclarations'))) tools.push(functionOf(declaration))
  for (const name of fields.names()) tools.push(serverTool(name, fields.take(name)!))
  return tools
}

const kinds: Readonly<Record<string, ServerTool['kind']>> = { googleSearch: 'web_search', googleSearchRetrieval: 'web_search', enterpriseWebSearch: 'web_search', codeExecution: 'code_execution' }

function serverTool(name: string, settings: Json): ServerTool {
  const kind = kinds[name]
  return { type: 'server', ...(kind === undefined ? {} : { kind }), format, value: { [name]: settings } }
}

function functionOf(value: Json): FunctionTool {
  const fields = new Fields(value)
  const name = fields.text('name')
  if (name === undefined) throw new BadRequest('Each of "functionDeclarations" must be an object with a "name".', 'tools')
  const description = fields.text('description')
  const schema = fields.object('parametersJsonSchema') ?? fields.object('parameters')
  const rest = fields.rest()
  return {
    type: 'function', name,
    ...(description === undefined ? {} : { description }),
    ...(schema === undefined ? {} : { parameters: jsonSchemaOf(schema) }),
    ...(rest ? { extras: { format, fields: rest } } : {}),
  }
}

function decodeToolConfig(fields: Fields, request: ChatRequest): void {
  const config = new Fields(fields.take('toolConfig'))
  const calling = new Fields(config.take('functionCallingConfig'))
  const mode = calling.text('mode')
  const names = calling.texts('allowedFunctionNames')
  const choice = mode === undefined ? undefined : choiceOf(mode.toUpperCase(), names)
  if (choice) request.toolChoice = choice
  // It says more than that the model may choose: its calls are bound to the schema.
  if (!choice || (mode?.toUpperCase() === 'VALIDATED' && choice.type === 'auto')) calling.put('mode', mode)
  if (choice?.type !== 'tool' && choice?.type !== 'some') calling.put('allowedFunctionNames', names)
  config.put('functionCallingConfig', calling.rest())
  fields.put('toolConfig', config.rest())
}

function choiceOf(mode: string, names: string[] | undefined): ToolChoice | undefined {
  switch (mode) {
    case 'AUTO': return { type: 'auto' }
    case 'NONE': return { type: 'none' }
    case 'VALIDATED': return names ? { type: 'some', names, mode: 'auto' } : { type: 'auto' }
    case 'ANY':
      if (!names) return { type: 'required' }
      return names.length === 1 ? { type: 'tool', name: names[0]! } : { type: 'some', names, mode: 'required' }
    default: return undefined
  }
}
