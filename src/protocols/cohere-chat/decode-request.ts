/** Requests to Cohere's chat in the canonical form: https://docs.cohere.com/reference/chat */
import type { ChatRequest, FunctionTool, Json, JsonObject, OutputFormat, Reasoning, Sampling, Tool, ToolChoice } from '../canonical.ts'
import { BadRequest, type RequestPlace } from '../codec.ts'
import { defined, isBoolean, isCount, isList, isNumber, isObject, isText, isTexts, Members } from '../members.ts'
import { messagesFrom } from './messages.ts'
import { nameFromCohere } from './tool-names.ts'

export function decodeRequest(body: JsonObject, place: RequestPlace): ChatRequest {
  const members = new Members(body)
  const messages = members.take('messages', isList)
  if (!messages) throw new BadRequest('The field "messages" must be a list.', 'messages')
  const tools = members.take('tools', isList)?.map(toolFrom)
  if (tools && tools.length > 0 && tools.every((tool) => tool.type === 'function') && members.take('strict_tools', isTrue)) for (const tool of tools) (tool as FunctionTool).strict = true
  const sampling = samplingFrom(members)
  return defined<ChatRequest>({
    model: members.take('model', isText) ?? place.model ?? '',
    stream: members.take('stream', isBoolean) ?? place.stream ?? false,
    messages: messagesFrom(messages),
    tools,
    toolChoice: toolChoiceFrom(members),
    output: outputFrom(members),
    sampling: Object.keys(sampling).length > 0 ? sampling : undefined,
    maxOutputTokens: members.take('max_tokens', isCount),
    stop: members.take('stop_sequences', isTexts),
    logprobs: members.take('logprobs', isTrue) && { alternatives: 0 },
    reasoning: reasoningFrom(members),
    extras: members.extras('cohere-chat'),
  })
}

const isTrue = (value: Json | undefined): value is true => value === true

function samplingFrom(members: Members): Sampling {
  return defined<Sampling>({
    temperature: members.take('temperature', isNumber),
    topP: members.take('p', isNumber),
    topK: members.take('k', isNumber),
    frequencyPenalty: members.take('frequency_penalty', isNumber),
    presencePenalty: members.take('presence_penalty', isNumber),
    seed: members.take('seed', isNumber),
  })
}

function toolFrom(value: Json): Tool {
  if (!isObject(value)) throw new BadRequest('Each tool must be an object.', 'tools')
  const members = new Members(value)
  const type = members.take('type', isText)
  const called = new Members(members.take('function', isObject) ?? {})
  const name = called.take('name', isText)
  const description = called.take('description', isText)
  const parameters = called.take('parameters', isObject)
  if (type !== 'function' || name === undefined || called.rest()) return { type: 'server', format: 'cohere-chat', value }
  return defined<FunctionTool>({ type: 'function', name: nameFromCohere(name), description, parameters, extras: members.extras('cohere-chat') })
}

function toolChoiceFrom(members: Members): ToolChoice | undefined {
  const choice = members.take('tool_choice', isText)
  switch (choice) {
    case undefined: return undefined
    case 'REQUIRED': return { type: 'required' }
    case 'NONE': return { type: 'none' }
    default: return { type: 'native', format: 'cohere-chat', value: choice }
  }
}

function outputFrom(members: Members): OutputFormat | undefined {
  const value = members.take('response_format', isObject)
  if (!value) return undefined
  const inner = new Members(value)
  const type = inner.take('type', isText)
  const schema = type === 'json_object' ? inner.take('json_schema', isObject) : undefined
  if (inner.rest() || (type !== 'text' && type !== 'json_object')) return { type: 'native', format: 'cohere-chat', value }
  if (type === 'text') return { type: 'text' }
  return schema ? { type: 'schema', schema } : { type: 'json' }
}

/** Takes it only where all of it is understood. */
function reasoningFrom(members: Members): Reasoning | undefined {
  const isKnown = (value: Json | undefined): value is JsonObject => isObject(value) && knownReasoning(value) !== null
  const value = members.take('thinking', isKnown)
  return value && (knownReasoning(value) ?? undefined)
}

function knownReasoning(value: JsonObject): Reasoning | null {
  const inner = new Members(value)
  const type = inner.take('type', isText)
  const budgetTokens = type === 'enabled' ? inner.take('token_budget', isCount) : undefined
  if (inner.rest() || (type !== 'enabled' && type !== 'disabled')) return null
  return type === 'disabled' ? { mode: 'off' } : defined<Reasoning>({ mode: 'on', budgetTokens })
}
