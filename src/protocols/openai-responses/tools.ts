/** Tools, groups of tools, and the choice among them. */
import type { CustomTool, FunctionTool, Json, JsonObject, ServerTool, Tool, ToolChoice } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import { named } from '../members.ts'
import { extrasOf, format, isObject, listOr, type Losses, objectOr, only, textOr, words } from './json.ts'
import { safeName } from './names.ts'

const keysOfFunction = words('type name description parameters strict defer_loading function')
const keysOfCustom = words('type name description format custom')
const keysOfGroup = words('type name tools')
const keysOfChoice = words('type name')

/** A tool without arguments must still have a schema. */
const nothing = { type: 'object', properties: {} }
const takesNothing = (schema: JsonObject): boolean => Object.keys(schema).length === 2 && schema['type'] === 'object' && isObject(schema['properties']) && Object.keys(schema['properties']).length === 0

export function readTools(value: Json | undefined): Tool[] | undefined {
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value)) throw new BadRequest('The field "tools" must be a list of tools.', 'tools')
  const tools: Tool[] = []
  for (const [index, tool] of value.entries()) {
    if (!isObject(tool)) throw new BadRequest('Each tool must be an object.', `tools[${index}]`)
    if (tool['type'] === 'namespace') readGroup(tool, tools)
    else tools.push(readTool(tool))
  }
  return tools
}

function readTool(tool: JsonObject): Tool {
  // OpenAI takes the form of chat completions too, in which the function stands one level deeper.
  const kind = tool['type']
  const inner = objectOr(kind === 'function' ? tool['function'] : tool['custom'])
  const given: JsonObject = typeof inner['name'] === 'string' ? { ...inner, ...tool } : tool
  const name = textOr(given['name'])
  if (name === undefined || (kind !== 'function' && kind !== 'custom')) return serverTool(tool)
  return kind === 'custom' ? customTool(given, name) : functionTool(given, name)
}

function functionTool(tool: JsonObject, name: string): FunctionTool {
  const parameters = tool['parameters']
  return only<FunctionTool>({
    type: 'function', name, description: textOr(tool['description']), parameters: isObject(parameters) && !takesNothing(parameters) ? parameters : undefined,
    // Left out, OpenAI tries to be strict and others do not: nobody is promised anything.
    strict: tool['strict'] === true ? true : undefined, deferred: tool['defer_loading'] === true ? true : undefined, ...extrasOf(tool, keysOfFunction),
  })
}

const customTool = (tool: JsonObject, name: string): CustomTool =>
  only<CustomTool>({ type: 'custom', name, description: textOr(tool['description']), grammar: isObject(tool['format']) ? tool['format'] : undefined, ...extrasOf(tool, keysOfCustom) })

function serverTool(tool: JsonObject): ServerTool {
  const type = textOr(tool['type']) ?? ''
  const kind = type.startsWith('web_search') ? 'web_search' : type === 'code_interpreter' ? 'code_execution' : undefined
  return { type: 'server', ...(kind && { kind }), format, value: tool }
}

/** Its tools bear its name; what else it says stays with the first of them. */
function readGroup(group: JsonObject, tools: Tool[]): void {
  const name = textOr(group['name'])
  const members = listOr(group['tools']).map((tool) => (isObject(tool) ? readTool(tool) : null))
  const known = members.filter((tool) => tool?.type === 'function' || tool?.type === 'custom')
  if (name === undefined || known.length === 0 || known.length < members.length) return void tools.push(serverTool(group))
  for (const tool of known) tool.namespace = name
  const beside = extrasOf(group['description'] === '' ? { ...group, description: null } : group, keysOfGroup).extras?.fields
  if (beside) known[0]!.extras = { format, fields: { ...known[0]!.extras?.fields, namespace: beside } }
  tools.push(...known)
}

interface Group { name: string; tools: Json[] }

export function writeTools(tools: readonly Tool[], losses: Losses): Json[] {
  const written: Json[] = []
  let group: Group | null = null
  for (const tool of tools) {
    if (tool.type === 'server') {
      group = null
      const own = writeServerTool(tool, losses)
      if (own) written.push(own)
      continue
    }
    const { namespace: beside, ...extras } = losses.own(tool.extras, 'a tool') ?? {}
    const own = tool.type === 'function' ? writeFunction(tool, extras, losses) : writeCustom(tool, extras, losses)
    if (tool.namespace === undefined) {
      group = null
      written.push(own)
    } else if (beside === undefined && isOf(group, tool.namespace)) group.tools.push(own)
    else {
      group = { name: tool.namespace, tools: [own] }
      written.push({ type: 'namespace', description: '', ...objectOr(beside), name: group.name, tools: group.tools })
    }
  }
  return written
}

const isOf = (group: Group | null, name: string): group is Group => group?.name === name

function writeFunction(tool: FunctionTool, extras: JsonObject, losses: Losses): JsonObject {
  if (tool.cache) losses.add('cache mark')
  return only<JsonObject>({
    type: 'function', name: safeName(tool.name), description: tool.description, parameters: tool.parameters ?? nothing, strict: tool.strict ?? false,
    defer_loading: tool.deferred, ...extras,
  })
}

function writeCustom(tool: CustomTool, extras: JsonObject, losses: Losses): JsonObject {
  if (tool.cache) losses.add('cache mark')
  const inner = tool.grammar?.['grammar']
  // Chat completions nest what stands here side by side.
  return only<JsonObject>({ type: 'custom', name: safeName(tool.name), description: tool.description, format: isObject(inner) ? { type: 'grammar', ...inner } : tool.grammar, ...extras })
}

function writeServerTool({ kind, format: from, value }: ServerTool, losses: Losses): JsonObject | null {
  if (from === format) return value
  const name = `the tool "${named(value['type']) ?? named(value['name']) ?? Object.keys(value)[0] ?? from}"`
  if (kind === undefined) return losses.add(name, 'meaning'), null
  losses.add(`settings of ${name}`)
  return kind === 'web_search' ? { type: 'web_search' } : { type: 'code_interpreter', container: { type: 'auto' } }
}

export function readChoice(choice: Json | undefined): ToolChoice | undefined {
  if (choice === undefined || choice === null) return undefined
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice }
  if (!isObject(choice)) throw new BadRequest('The field "tool_choice" must be "none", "auto", "required" or an object that names a tool.', 'tool_choice')
  const { type, mode } = choice
  const name = textOr(choice['name']) ?? textOr(objectOr(choice['function'])['name'])
  if ((type === 'function' || type === 'custom') && name !== undefined) return { type: 'tool', name }
  const names = listOr(choice['tools']).map((tool) => (isObject(tool) && (tool['type'] === 'function' || tool['type'] === 'custom') && Object.keys(tool).every((key) => keysOfChoice.has(key)) ? textOr(tool['name']) : undefined))
  if (type === 'allowed_tools' && (mode === 'auto' || mode === 'required') && names.length > 0 && names.every((each) => each !== undefined)) return { type: 'some', names, mode }
  return { type: 'native', format, value: choice }
}

export function writeChoice(choice: ToolChoice | undefined, tools: readonly Tool[] | undefined, losses: Losses): Json | undefined {
  if (!choice) return undefined
  const named = (name: string): JsonObject => ({ type: tools?.some((tool) => tool.type === 'custom' && tool.name === name) ? 'custom' : 'function', name: safeName(name) })
  switch (choice.type) {
    case 'tool': return named(choice.name)
    case 'some': return { type: 'allowed_tools', mode: choice.mode, tools: choice.names.map(named) }
    case 'native':
      if (choice.format === format) return choice.value
      losses.add('the choice of a tool', 'meaning')
      return undefined
    default: return choice.type
  }
}
