/** Tools and the choice among them. What has no form here is a loss: the grammar of a free text, other vendors' tools, a tool that must be called where the model takes no such demand. */
import type { ChatRequest, CustomTool, FunctionTool, JsonObject, ServerTool, Tool } from '../canonical.ts'
import { named } from '../members.ts'
import type { Taste } from './claude.ts'
import { format, isObject } from './fields.ts'
import type { Losses } from './losses.ts'
import { isCut, writeName } from './names.ts'
import type { BlockWriter } from './parts-out.ts'
import { nothingTaken } from './request-in.ts'
import { enforceable, resolved } from './schema.ts'

export function writeTools(request: ChatRequest, writer: BlockWriter, taste: Taste): JsonObject {
  const { losses } = writer
  const allowed = request.toolChoice?.type === 'some' ? new Set(request.toolChoice.names) : null
  const tools: JsonObject[] = []
  for (const tool of request.tools ?? []) {
    if (allowed && tool.type !== 'server' && !allowed.has(tool.name)) losses.hint('tools outside of the choice')
    else {
      const written = writeTool(tool, writer, taste)
      if (written) tools.push(written)
    }
  }
  const choice = writeChoice(request, tools.length > 0, losses, taste)
  return { ...(tools.length > 0 && { tools }), ...(choice && { tool_choice: choice }) }
}

function writeTool(tool: Tool, writer: BlockWriter, taste: Taste): JsonObject | null {
  if (tool.type === 'server') return writeServerTool(tool, writer)
  if (isCut(tool.name, tool.namespace)) writer.losses.meaning(`the whole name of the tool "${tool.name.slice(0, 60)}"`)
  return tool.type === 'custom' ? writeFreeText(tool, writer) : writeFunction(tool, writer, taste)
}

function writeServerTool({ format: from, kind, value }: ServerTool, writer: BlockWriter): JsonObject | null {
  if (from === format) return { ...value }
  // Settings may narrow a search, or keep it from the web: without them it would be another.
  if (kind === 'web_search' && !hasSettings(value)) return { type: 'web_search_20250305', name: 'web_search' }
  writer.losses.meaning(kind === 'web_search' ? 'a web search with settings' : `a tool of the type "${(named(value['type']) ?? Object.keys(value)[0] ?? '').slice(0, 40)}"`)
  return null
}

const hasSettings = (value: JsonObject): boolean => Object.entries(value).some(([key, each]) => key !== 'type' && !(isObject(each) && Object.keys(each).length === 0))

function writeFunction(tool: FunctionTool, writer: BlockWriter, taste: Taste): JsonObject {
  const { losses } = writer
  const block: JsonObject = { name: writeName(tool.name, tool.namespace) }
  if (tool.description !== undefined) block['description'] = tool.description
  block['input_schema'] = inputSchema(tool, losses, taste)
  if (tool.strict !== undefined) {
    if (taste.schemas) block['strict'] = tool.strict
    else if (tool.strict) losses.meaning('strict tools')
  }
  if (tool.deferred !== undefined) block['defer_loading'] = tool.deferred
  return writer.mark({ ...block, ...losses.own(tool.extras, ' of a tool') }, tool.cache)
}

/** The API wants the type said, and nothing that it can't enforce where it shall enforce. */
function inputSchema({ name, parameters: said, strict }: FunctionTool, losses: Losses, taste: Taste): JsonObject {
  if (!said) return nothingTaken()
  const parameters = resolved(said)
  const isTyped = parameters['type'] === 'object'
  if (!isTyped && parameters['type'] !== undefined) losses.meaning(`the type of the arguments of the tool "${name.slice(0, 60)}"`)
  const typed = isTyped ? parameters : { ...parameters, type: 'object' }
  if (!strict || !taste.schemas) return typed
  const { schema, isChanged } = enforceable(typed)
  if (isChanged) losses.hint(`limits in the schema of the tool "${name.slice(0, 60)}"`)
  return schema
}

/** A free text is the one argument `input`. */
function writeFreeText(tool: CustomTool, writer: BlockWriter): JsonObject {
  if (tool.grammar) writer.losses.meaning(`the grammar of the tool "${tool.name.slice(0, 60)}"`)
  const block: JsonObject = { name: writeName(tool.name, tool.namespace) }
  if (tool.description !== undefined) block['description'] = tool.description
  block['input_schema'] = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] }
  return writer.mark({ ...block, ...writer.losses.own(tool.extras, ' of a tool') }, tool.cache)
}

/** Null: nothing needs to be said. */
function writeChoice(request: ChatRequest, hasTools: boolean, losses: Losses, taste: Taste): JsonObject | null {
  const { toolChoice, parallelToolCalls } = request
  if (!hasTools) {
    if (toolChoice && toolChoice.type !== 'auto' && toolChoice.type !== 'none') losses.meaning('the choice of a tool, where there is none')
    return null
  }
  if (toolChoice?.type === 'native' && toolChoice.format === format) return isObject(toolChoice.value) ? toolChoice.value : null
  let choice = choiceOf(request, losses)
  if (choice && !taste.forcedTools && (choice['type'] === 'any' || choice['type'] === 'tool')) {
    losses.meaning('the demand that a tool is called')
    choice = { type: 'auto' }
  }
  if (parallelToolCalls === undefined || choice?.['type'] === 'none' || (parallelToolCalls && !choice)) return choice
  return { ...(choice ?? { type: 'auto' }), disable_parallel_tool_use: !parallelToolCalls }
}

function choiceOf({ toolChoice, tools }: ChatRequest, losses: Losses): JsonObject | null {
  switch (toolChoice?.type) {
    case undefined: return null
    case 'required': return { type: 'any' }
    case 'tool': {
      const tool = tools?.find((each) => each.type !== 'server' && each.name === toolChoice.name)
      return { type: 'tool', name: writeName(toolChoice.name, tool && tool.type !== 'server' ? tool.namespace : undefined) }
    }
    case 'some': return { type: toolChoice.mode === 'required' ? 'any' : 'auto' }
    case 'native':
      losses.meaning('the choice of a tool')
      return null
    case 'auto': case 'none': return { type: toolChoice.type }
  }
}
