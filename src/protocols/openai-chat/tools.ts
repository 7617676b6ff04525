/** Tools and which of them to call, from and to the wire. */
import type { ChatRequest, CustomTool, FunctionTool, Json, JsonObject, ServerTool, Tool, ToolChoice } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import type { Writing } from './losses.ts'
import { compact, isObject, Members, withExtras } from './members.ts'
import { wireName } from './names.ts'
import { decodeCache } from './parts.ts'

const searches = /search/
const runsCode = /^code_(interpreter|execution)$/

function serverTool(value: JsonObject, type: string | undefined): ServerTool {
  const kind = type === undefined ? undefined : searches.test(type) ? 'web_search' : runsCode.test(type) ? 'code_execution' : undefined
  return { type: 'server', ...kind && { kind }, format: 'openai-chat', value }
}

function decodeFunction(called: Members, around: Members | null): FunctionTool {
  const name = called.text('name')
  if (name === undefined) throw new BadRequest(`"${called.at('name')}" is missing: a function needs a name.`, called.at('name'))
  const description = called.text('description')
  const parameters = called.object('parameters')
  const strict = called.flag('strict')
  const cache = around ? decodeCache(around) : undefined
  return compact<FunctionTool>({ type: 'function', name, description, parameters, strict, cache, extras: (around ?? called).extras() })
}

function decodeTool(raw: Json, index: number): Tool {
  const place = `tools[${index}]`
  if (!isObject(raw)) throw new BadRequest(`"${place}" must be an object.`, place)
  const members = new Members(raw, `${place}.`)
  const type = members.text('type')
  // Without an object around its name it is a function as another format of OpenAI's has it.
  if (type === 'function' || (type === undefined && members.has('function'))) return decodeFunction(members.within('function') ?? members, members)
  const custom = type === 'custom' ? members.within('custom') : undefined
  const name = custom?.text('name')
  if (!custom || name === undefined) return serverTool(raw, type)
  const description = custom.text('description')
  const grammar = custom.object('format')
  return compact<CustomTool>({ type: 'custom', name, description, grammar, cache: decodeCache(members), extras: members.extras() })
}

/** The deprecated `functions` as well; `web_search_options` is a tool in all but its place. */
export function decodeTools(body: Members): Tool[] | undefined {
  const tools = (body.list('tools') ?? []).map(decodeTool)
  const functions = (body.list('functions') ?? []).map((each, index) => {
    if (!isObject(each)) throw new BadRequest(`"functions[${index}]" must be an object.`, `functions[${index}]`)
    return decodeFunction(new Members(each, `functions[${index}].`), null)
  })
  const search = body.object('web_search_options')
  const all = [...tools, ...functions, ...search ? [serverTool({ web_search_options: search }, 'search')] : []]
  return all.length > 0 ? all : undefined
}

const nameIn = (value: Json | undefined): string | null => {
  const name = isObject(value) ? value['name'] : undefined
  return typeof name === 'string' ? name : null
}

export function decodeToolChoice(value: Json | undefined): ToolChoice | undefined {
  if (value === undefined) return undefined
  if (value === 'auto' || value === 'none' || value === 'required') return { type: value }
  // Mistral's word.
  if (value === 'any') return { type: 'required' }
  if (isObject(value)) {
    const name = nameIn(value['function']) ?? nameIn(value['custom']) ?? nameIn(value)
    if (name !== null) return { type: 'tool', name }
    const allowed = value['allowed_tools']
    const tools = isObject(allowed) && Array.isArray(allowed['tools']) ? allowed['tools'].map((each) => (isObject(each) ? nameIn(each['function']) ?? nameIn(each['custom']) : null)) : [null]
    if (isObject(allowed) && !tools.includes(null)) return { type: 'some', names: tools as string[], mode: allowed['mode'] === 'required' ? 'required' : 'auto' }
  }
  return { type: 'native', format: 'openai-chat', value }
}

/** A mark of a cached prefix, in the words that the vendor has for it. */
export function encodeCache(cache: { ttl?: string } | undefined, of: string, writing: Writing): JsonObject {
  if (!cache) return {}
  if (writing.dialect.has('cache_control')) return { cache_control: { type: 'ephemeral', ...cache.ttl !== undefined && { ttl: cache.ttl } } }
  if (writing.dialect.has('prompt_cache_breakpoint') && of !== 'a tool') return { prompt_cache_breakpoint: { mode: 'explicit' } }
  writing.lose(`a cache mark of ${of}`, 'hint')
  return {}
}

/** Other formats of OpenAI's write a grammar without the object around it. */
function encodeGrammar(grammar: JsonObject): JsonObject {
  const { type, grammar: inner, ...rest } = grammar
  return type === 'grammar' && inner === undefined ? { type, grammar: rest } : grammar
}

function encodeFunction(tool: FunctionTool): JsonObject {
  const { name, namespace, description, parameters, strict } = tool
  return { name: wireName(name, namespace), ...description !== undefined && { description }, ...parameters && { parameters }, ...strict !== undefined && { strict } }
}

function encodeTool(tool: FunctionTool | CustomTool, writing: Writing): JsonObject {
  writing.loseExtras(tool.extras, ' of a tool')
  const cache = encodeCache(tool.cache, 'a tool', writing)
  if (tool.type === 'function') {
    if (tool.deferred) writing.lose('that a tool is described only once a search finds it', 'hint')
    return withExtras({ type: 'function', function: encodeFunction(tool), ...cache }, tool.extras)
  }
  const { name, namespace, description, grammar } = tool
  const custom = { name: wireName(name, namespace), ...description !== undefined && { description }, ...grammar && { format: encodeGrammar(grammar) } }
  return withExtras({ type: 'custom', custom, ...cache }, tool.extras)
}

/** As the members of the body that say which tools there are. */
export function encodeTools(request: ChatRequest, isLegacy: boolean, writing: Writing): JsonObject {
  const body: JsonObject = {}
  const tools: JsonObject[] = []
  for (const tool of request.tools ?? []) {
    if (tool.type !== 'server') tools.push(isLegacy && tool.type === 'function' ? withExtras(encodeFunction(tool), tool.extras) : encodeTool(tool, writing))
    else if (tool.format === 'openai-chat') {
      if (isObject(tool.value['web_search_options'])) body['web_search_options'] = tool.value['web_search_options']
      else tools.push(tool.value)
    } else if (tool.kind === 'web_search' && writing.dialect.has('web_search_options')) body['web_search_options'] = {}
    else writing.lose(`the tool "${typeof tool.value['type'] === 'string' ? tool.value['type'] : tool.kind ?? Object.keys(tool.value)[0]}"`, 'meaning')
  }
  const { toolChoice, parallelToolCalls } = request
  if (tools.length === 0) {
    // Vendors refuse both where there are no tools.
    if (toolChoice && toolChoice.type !== 'none' && toolChoice.type !== 'auto') writing.lose('the choice of a tool, since there is none', 'hint')
    if (parallelToolCalls !== undefined) writing.lose('whether tools are called in parallel, since there is none', 'hint')
    return body
  }
  body[isLegacy ? 'functions' : 'tools'] = tools
  const choice = toolChoice && encodeToolChoice(toolChoice, request, isLegacy, writing)
  if (choice !== undefined) body[isLegacy ? 'function_call' : 'tool_choice'] = choice
  if (parallelToolCalls !== undefined) body['parallel_tool_calls'] = parallelToolCalls
  return body
}

function encodeToolChoice(choice: ToolChoice, { tools }: ChatRequest, isLegacy: boolean, writing: Writing): Json | undefined {
  const named = (wanted: string): JsonObject => {
    const tool = tools?.find((each) => each.type !== 'server' && each.name === wanted)
    const name = tool === undefined || tool.type === 'server' ? wireName(wanted) : wireName(tool.name, tool.namespace)
    if (isLegacy) return { name }
    return tool?.type === 'custom' ? { type: 'custom', custom: { name } } : { type: 'function', function: { name } }
  }
  switch (choice.type) {
    case 'auto': case 'none': case 'required': return choice.type
    case 'tool': return named(choice.name)
    case 'some': return { type: 'allowed_tools', allowed_tools: { mode: choice.mode, tools: choice.names.map(named) } }
    case 'native': {
      if (choice.format === 'openai-chat') return choice.value
      writing.lose('the choice of a tool', 'meaning')
      return undefined
    }
  }
}
