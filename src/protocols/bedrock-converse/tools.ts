/**
 * Tools and the choice among them. A tool that takes free text becomes one with a text; a schema for the answer of a model that takes
 * none becomes a tool that must be called, whose arguments are then the answer.
 */
import type { ChatRequest, CustomTool, FunctionTool, Json, JsonObject, Message, OutputFormat, ServerTool, Tool, ToolChoice } from '../canonical.ts'
import { named } from '../members.ts'
import { cacheOf } from './decode-parts.ts'
import { customInput, encodeCache, noteName } from './encode-parts.ts'
import { besides, extrasOf, format, isEmpty, isObject, isText, under } from './json.ts'
import { toolName, writtenToolName } from './names.ts'
import { lose, withExtras, type Writing } from './writing.ts'

/** Name of the tool that stands for an answer by a schema. */
export const answerTool = 'megarouter_answer'

export function decodeTools(list: readonly Json[]): Tool[] {
  const tools: Tool[] = []
  for (const each of list) {
    if (!isObject(each)) continue
    const cache = cacheOf(each)
    const before = tools.at(-1)
    if (cache !== null && before !== undefined && before.type !== 'server' && before.cache === undefined) before.cache = cache
    else tools.push(decodeTool(each))
  }
  return tools
}

const noArguments: JsonObject = { type: 'object', properties: {} }
const takesNothing = (schema: JsonObject): boolean => schema['type'] === 'object' && isObject(schema['properties']) && isEmpty(schema['properties']) && Object.keys(schema).length === 2

function decodeTool(each: JsonObject): Tool {
  const { toolSpec: spec, systemTool } = each
  if (isObject(systemTool) && isText(systemTool['name'])) {
    const kind = ({ nova_grounding: 'web_search', nova_code_interpreter: 'code_execution' } as const)[systemTool['name']]
    return { type: 'server', ...(kind === undefined ? {} : { kind }), format, value: each }
  }
  const schema = isObject(spec) && isObject(spec['inputSchema']) ? spec['inputSchema']['json'] : undefined
  if (!isObject(spec) || !isText(spec['name']) || !isObject(schema)) return { type: 'server', format, value: each }
  const { name, description, strict, inputSchema } = spec
  const tool: FunctionTool = { type: 'function', name: writtenToolName(name as string) }
  const left = { ...besides(spec, 'name', 'inputSchema', ...(isText(description) ? ['description'] : []), ...(typeof strict === 'boolean' ? ['strict'] : [])), ...under('inputSchema', besides(inputSchema as JsonObject, 'json')) }
  if (isText(description)) tool.description = description
  if (!takesNothing(schema)) tool.parameters = schema
  if (typeof strict === 'boolean') tool.strict = strict
  return { ...tool, ...extrasOf({ ...besides(each, 'toolSpec'), ...under('toolSpec', left) }) }
}

/** `choice` is left out where it is written elsewhere, or as the model does anyway. */
export function encodeTools(writing: Writing, request: ChatRequest, choice: ToolChoice | undefined): JsonObject | null {
  const used = usedNames(request.messages)
  const tools: Json[] = []
  for (const tool of offeredTools(writing, request, choice, used)) tools.push(...encodeTool(writing, tool))
  const { output } = request
  if (output?.type === 'schema' && answersByTool(writing, output)) return withAnswerTool(writing, tools, output)
  if (tools.length === 0 && used.size > 0) {
    // Bedrock refuses a conversation with calls and results where no tool is defined.
    lose(writing, 'that no tool is offered (those of the conversation so far are)', 'meaning')
    for (const name of used) tools.push(...encodeTool(writing, { type: 'function', name }))
  }
  if (tools.length === 0) {
    if (choice !== undefined && choice.type !== 'none') lose(writing, 'a choice of tools where there are none', 'hint')
    return null
  }
  const written = choice && encodeChoice(writing, choice)
  return { tools, ...(written ? { toolChoice: written } : {}) }
}

function withAnswerTool(writing: Writing, tools: Json[], { schema, name, description }: OutputFormat & { type: 'schema' }): JsonObject {
  const { toolChoice } = writing.family
  if (name !== undefined) lose(writing, 'the name of a schema', 'hint')
  if (toolChoice === null) lose(writing, 'that the answer must follow a schema (it is asked for by a tool that the model may leave alone)', 'meaning')
  const spec = { toolSpec: { name: answerTool, description: description || 'Give your answer by calling this tool. Its arguments are the answer.', inputSchema: { json: schema } } }
  const forced = tools.length === 0 && toolChoice === 'all' ? { tool: { name: answerTool } } : { any: {} }
  return { tools: [...tools, spec], ...(toolChoice === null ? {} : { toolChoice: forced }) }
}

/** Whether the model has to call a tool. */
export function forcesTool(writing: Writing, { toolChoice, output }: ChatRequest): boolean {
  if (writing.family.toolChoice === null) return false
  return toolChoice?.type === 'required' || toolChoice?.type === 'tool' || (toolChoice?.type === 'some' && toolChoice.mode === 'required') || answersByTool(writing, output)
}

export const answersByTool = ({ family }: Writing, output: OutputFormat | undefined): boolean => output?.type === 'schema' && !family.schemas

/** Those that may be called. */
function offeredTools(writing: Writing, { tools = [] }: ChatRequest, choice: ToolChoice | undefined, used: ReadonlySet<string>): readonly Tool[] {
  if (choice?.type === 'none') {
    if (used.size > 0) {
      lose(writing, 'that no tool may be called', 'meaning')
      return tools
    }
    if (tools.length > 0) lose(writing, 'tools that must not be called (they are left out)', 'hint')
    return []
  }
  if (choice?.type !== 'some') return tools
  const some = tools.filter((tool) => tool.type !== 'server' && (choice.names.includes(tool.name) || used.has(tool.name)))
  if (some.length < tools.length) lose(writing, 'tools that must not be called (they are left out)', 'hint')
  return some
}

function usedNames(messages: readonly Message[]): Set<string> {
  const names = new Set<string>()
  let hasResult = false
  for (const { parts } of messages) for (const part of parts) {
    if (part.type === 'toolCall') names.add(part.name)
    hasResult ||= part.type === 'toolResult'
  }
  if (hasResult && names.size === 0) names.add('tool')
  return names
}

/** With its cache mark; nothing where Bedrock has no such tool. */
function encodeTool(writing: Writing, tool: Tool): JsonObject[] {
  if (tool.type === 'server') return encodeServerTool(writing, tool)
  const block = withExtras(writing, { toolSpec: specOf(writing, tool) }, tool.extras, 'a tool')
  if (tool.cache === undefined) return [block]
  const mark = writing.family.caching === 'no tools' ? null : encodeCache(writing, tool.cache)
  if (mark === null) lose(writing, 'a cache mark of a tool', 'hint')
  return mark === null ? [block] : [block, mark]
}

function specOf(writing: Writing, tool: FunctionTool | CustomTool): JsonObject {
  const { name, description } = tool
  noteName(writing, name)
  if (tool.namespace !== undefined) lose(writing, 'the namespace of a tool', 'hint')
  const spec: JsonObject = { name: toolName(name), ...(description ? { description } : {}) }
  if (tool.type === 'custom') {
    lose(writing, `that the tool "${name.slice(0, 40)}" takes free text (it is called with a text named "${customInput}")`, 'meaning')
    return { ...spec, inputSchema: { json: { type: 'object', properties: { [customInput]: { type: 'string' } }, required: [customInput] } } }
  }
  const { parameters = noArguments, strict, deferred } = tool
  if (deferred) lose(writing, 'the deferred loading of a tool', 'hint')
  if (strict && !writing.family.schemas) lose(writing, 'that arguments of a tool follow its schema strictly', 'hint')
  const json = parameters['type'] === undefined ? { type: 'object', ...parameters } : parameters
  return { ...spec, inputSchema: { json }, ...(strict === undefined || !writing.family.schemas ? {} : { strict }) }
}

const systemTools = { web_search: 'nova_grounding', code_execution: 'nova_code_interpreter' } as const

function encodeServerTool(writing: Writing, tool: ServerTool): JsonObject[] {
  if (tool.format === format) return [tool.value]
  const { type, name } = tool.value
  if (tool.kind !== undefined && writing.family.systemTools) {
    lose(writing, `the settings of the tool "${tool.kind}"`, 'hint')
    return [{ systemTool: { name: systemTools[tool.kind] } }]
  }
  lose(writing, `the tool "${(named(type) ?? named(name) ?? Object.keys(tool.value)[0] ?? '').slice(0, 60)}", which another vendor runs`, 'meaning')
  return []
}

export function decodeChoice(value: Json): ToolChoice {
  if (isObject(value) && Object.keys(value).length === 1) {
    const { auto, any, tool } = value
    if (isObject(auto) && isEmpty(auto)) return { type: 'auto' }
    if (isObject(any) && isEmpty(any)) return { type: 'required' }
    if (isObject(tool) && isText(tool['name']) && Object.keys(tool).length === 1) return { type: 'tool', name: writtenToolName(tool['name']) }
  }
  return { type: 'native', format, value }
}

function encodeChoice(writing: Writing, choice: ToolChoice): Json | null {
  const { toolChoice } = writing.family
  switch (choice.type) {
    case 'auto': return toolChoice === null ? null : { auto: {} }
    case 'none': return null
    case 'required': return toolChoice === null ? unforced(writing) : { any: {} }
    case 'some':
      if (choice.mode === 'auto') return toolChoice === null ? null : { auto: {} }
      return toolChoice === null ? unforced(writing) : { any: {} }
    case 'tool':
      if (toolChoice === null) return unforced(writing)
      if (toolChoice === 'all') return { tool: { name: toolName(choice.name) } }
      lose(writing, 'which tool must be called', 'meaning')
      return { any: {} }
    case 'native':
      if (choice.format === format) return choice.value
      lose(writing, 'a choice of tools that another vendor alone has', 'meaning')
      return null
  }
}

function unforced(writing: Writing): null {
  lose(writing, 'that a tool must be called', 'meaning')
  return null
}
