/** Requests to Ollama's chat in the canonical form: https://docs.ollama.com/api/chat. Without a word of it an answer is streamed. */
import type { ChatRequest, FunctionTool, Json, JsonObject, Message, OutputFormat, Part, Reasoning, Sampling, Tool, ToolResultPart } from '../canonical.ts'
import { BadRequest, type RequestPlace } from '../codec.ts'
import { defined, isBoolean, isCount, isList, isNumber, isObject, isText, isTexts, Members } from '../members.ts'
import { callFrom, madeUpId } from './calls.ts'
import { imageFrom } from './images.ts'

export function decodeRequest(body: JsonObject, place: RequestPlace): ChatRequest {
  const members = new Members(body)
  const messages = members.take('messages', isList)
  if (!messages) throw new BadRequest('The field "messages" must be a list.', 'messages')
  const options = new Members(members.take('options', isObject) ?? {})
  const sampling = samplingFrom(options)
  const maxOutputTokens = options.take('num_predict', isCount)
  const stop = stopFrom(options)
  const request = defined<ChatRequest>({
    model: members.take('model', isText) ?? place.model ?? '',
    stream: members.take('stream', isBoolean) ?? place.stream ?? true,
    messages: new MessageReader().read(messages),
    tools: members.take('tools', isList)?.map(toolFrom),
    output: outputFrom(members),
    sampling: Object.keys(sampling).length > 0 ? sampling : undefined,
    maxOutputTokens,
    stop,
    logprobs: logprobsFrom(members),
    reasoning: reasoningFrom(members),
  })
  const left = options.rest()
  const isEmpty = isObject(body['options']) && Object.keys(body['options']).length === 0
  const fields = { ...members.rest(), ...(left || isEmpty ? { options: left ?? {} } : {}) }
  return Object.keys(fields).length > 0 ? { ...request, extras: { format: 'ollama-chat', fields } } : request
}

const isTrue = (value: Json | undefined): value is true => value === true

function samplingFrom(options: Members): Sampling {
  return defined<Sampling>({
    temperature: options.take('temperature', isNumber),
    topP: options.take('top_p', isNumber),
    topK: options.take('top_k', isNumber),
    minP: options.take('min_p', isNumber),
    frequencyPenalty: options.take('frequency_penalty', isNumber),
    presencePenalty: options.take('presence_penalty', isNumber),
    repetitionPenalty: options.take('repeat_penalty', isNumber),
    seed: options.take('seed', isNumber),
  })
}

function stopFrom(options: Members): string[] | undefined {
  const text = options.take('stop', isText)
  return text === undefined ? options.take('stop', isTexts) : [text]
}

function logprobsFrom(members: Members): { alternatives: number } | undefined {
  return members.take('logprobs', isTrue) && { alternatives: members.take('top_logprobs', isCount) ?? 0 }
}

function outputFrom(members: Members): OutputFormat | undefined {
  if (members.take('format', (format): format is string => format === 'json') !== undefined) return { type: 'json' }
  const schema = members.take('format', isObject)
  return schema && { type: 'schema', schema }
}

function reasoningFrom(members: Members): Reasoning | undefined {
  const thinks = members.take('think', isBoolean)
  if (thinks !== undefined) return { mode: thinks ? 'on' : 'off' }
  const effort = members.take('think', isText)
  return effort === undefined ? undefined : { mode: 'on', effort }
}

function toolFrom(value: Json): Tool {
  if (!isObject(value)) throw new BadRequest('Each tool must be an object.', 'tools')
  const members = new Members(value)
  const type = members.take('type', isText)
  const called = new Members(members.take('function', isObject) ?? {})
  const name = called.take('name', isText)
  const description = called.take('description', isText)
  const parameters = called.take('parameters', isObject)
  if (type !== 'function' || name === undefined || called.rest()) return { type: 'server', format: 'ollama-chat', value }
  return defined<FunctionTool>({ type: 'function', name, description, parameters, extras: members.extras('ollama-chat') })
}

/** Gives ids to calls that have none, and finds the call that a result belongs to: by its id, else by the name of its tool, else by order. */
class MessageReader {
  #calls = 0
  #unanswered: { id: string; name: string }[] = []

  read(list: readonly Json[]): Message[] {
    const messages: Message[] = []
    for (const value of list) {
      const message = this.#message(value)
      const last = messages.at(-1)
      if (message.role === 'tool' && last?.role === 'tool') last.parts.push(...message.parts)
      else messages.push(message)
    }
    return messages
  }

  #message(value: Json): Message {
    if (!isObject(value)) throw new BadRequest('Each message must be an object with "role" and "content".', 'messages')
    const members = new Members(value)
    // As the server itself does.
    const role = members.take('role', isText)?.toLowerCase()
    if (role === 'tool') return { role, parts: [this.#result(members)] }
    if (role !== 'system' && role !== 'user' && role !== 'assistant') throw new BadRequest('The role of a message must be "system", "user", "assistant" or "tool".', 'messages')
    const parts = partsFrom(members, (call, position) => callFrom(call, this.#nextId(), position))
    if (role === 'assistant') this.#unanswered = parts.filter((part) => part.type === 'toolCall').map(({ id, name }) => ({ id, name }))
    return defined<Message>({ role, parts, extras: members.extras('ollama-chat') })
  }

  #nextId(): string {
    return madeUpId(String(this.#calls++))
  }

  #result(members: Members): ToolResultPart {
    const own = members.take('tool_call_id', isText)
    const name = members.take('tool_name', isText)
    const open = this.#unanswered
    const at = own === undefined ? Math.max(open.findIndex((call) => call.name === name), 0) : open.findIndex((call) => call.id === own)
    const [call] = at < 0 ? [] : open.splice(at, 1)
    const parts = partsFrom(members, null)
    return defined<ToolResultPart>({ type: 'toolResult', callId: own ?? call?.id ?? this.#nextId(), name, parts, extras: members.extras('ollama-chat') })
  }
}

const isSaid = (value: Json | undefined): value is string => isText(value) && value !== ''

/** In the order in which they are generated, or put before the model. `call` reads a call; null: there are none here. */
export function partsFrom(members: Members, call: ((value: Json, position: number) => Part) | null): Part[] {
  const thought = call && members.take('thinking', isSaid)
  const images = members.take('images', (value): value is string[] => isTexts(value) && value.length > 0)?.map(imageFrom) ?? []
  const text = members.take('content', isText)
  const calls = call ? members.take('tool_calls', (value): value is Json[] => isList(value) && value.length > 0) : undefined
  return [...(thought ? [{ type: 'reasoning' as const, text: thought }] : []), ...images, ...(text ? [{ type: 'text' as const, text }] : []), ...(call && calls ? calls.map(call) : [])]
}
