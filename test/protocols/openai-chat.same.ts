/**
 * What a recorded request or answer may look like after it was read and written in its own format: the same, but for these rules. Each
 * says the same thing in another of the format's own ways; a member that no rule names must come back as it was.
 */
import type { Json, JsonObject } from '../../src/protocols/canonical.ts'
import { effortOf } from '../../src/protocols/effort.ts'
import type { DialectField } from '../../src/protocols/codec.ts'
import { isObject } from '../../src/protocols/openai-chat/members.ts'

export interface Rule { reason: string; apply(body: JsonObject): void }

/** Dialects of the recorded vendors, as far as their requests show them. */
export const dialects: Readonly<Record<string, readonly DialectField[]>> = {
  deepseek: ['reasoning_content', 'video_url'], doubleword: ['reasoning_content'], llamacpp: ['reasoning_content', 'video_url'], venice: ['reasoning_content'],
  mistral: ['document_url', 'thinking'], openrouter: ['reasoning_details', 'video_url', 'image_modality', 'cache_control', 'annotations'], openai: ['annotations'],
}

const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])
const messages = (body: JsonObject): JsonObject[] => objects(body['messages'])
const remove = (object: JsonObject, key: string): void => void Reflect.deleteProperty(object, key)

/** A null member says the same as none, wherever it is. */
export function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null).map(([key, member]) => [key, withoutNulls(member)]))
}

const isOneText = (content: Json | undefined): boolean => Array.isArray(content) && content.length === 1 && isObject(content[0]) && content[0]['type'] === 'text' && Object.keys(content[0]).length === 2

export const requestRules: readonly Rule[] = [
  { reason: 'OpenAI replaced max_tokens by max_completion_tokens', apply(body) {
    const limits = ['max_tokens', 'max_completion_tokens'].map((key) => body[key]).filter((limit) => typeof limit === 'number')
    remove(body, 'max_tokens')
    if (limits.length > 0) body['max_completion_tokens'] = Math.max(...limits)
  } },
  { reason: 'not to stream is the default', apply(body) { if (body['stream'] === false) remove(body, 'stream') } },
  { reason: 'no log probabilities are the default, and no alternatives', apply(body) {
    if (body['logprobs'] === false) remove(body, 'logprobs')
    if (body['logprobs'] === true && body['top_logprobs'] === 0) remove(body, 'top_logprobs')
  } },
  { reason: 'one text without marks is a text', apply(body) {
    for (const message of messages(body)) if (isOneText(message['content'])) message['content'] = (message['content'] as JsonObject[])[0]!['text']!
  } },
  { reason: 'an assistant that calls and says nothing has no content; nobody else has an empty one', apply(body) {
    for (const message of messages(body)) {
      const { content, role } = message
      const isEmpty = content === undefined || content === '' || (Array.isArray(content) && content.length === 0)
      if (isEmpty) message['content'] = role === 'assistant' && Object.keys(message).some((key) => key === 'tool_calls' || key.startsWith('reasoning')) ? null : ''
    }
  } },
  { reason: 'the place of a call in its list says its index', apply(body) {
    for (const message of messages(body)) for (const [index, call] of objects(message['tool_calls']).entries()) if (call['index'] === index) remove(call, 'index')
  } },
  { reason: '"any" is the word of Mistral for "required"; xAI took the choice of a tool in the form of Anthropic', apply(body) {
    if (body['tool_choice'] === 'any') body['tool_choice'] = 'required'
    if (isObject(body['tool_choice']) && body['tool_choice']['type'] === 'tool') body['tool_choice'] = { type: 'function', function: { name: body['tool_choice']['name']! } }
  } },
  { reason: 'without tools nothing is said by their choice, nor by whether they are called in parallel, which is told as lost', apply(body) {
    if (body['tools'] !== undefined) return
    remove(body, 'parallel_tool_calls')
    if (body['tool_choice'] === 'auto' || body['tool_choice'] === 'none') remove(body, 'tool_choice')
  } },
  { reason: 'thinking is asked for by reasoning_effort', apply(body) {
    const { thinking, reasoning } = body
    if (isObject(thinking)) {
      if (thinking['type'] === 'disabled') body['reasoning_effort'] = 'none'
      else body['reasoning_effort'] ??= 'medium'
    }
    const limit = typeof body['max_completion_tokens'] === 'number' ? body['max_completion_tokens'] : null
    if (isObject(reasoning)) body['reasoning_effort'] ??= reasoning['effort'] ?? (typeof reasoning['max_tokens'] === 'number' ? effortOf(reasoning['max_tokens'], limit) : 'medium')
    remove(body, 'thinking')
    remove(body, 'reasoning')
  } },
  { reason: 'the bytes of Mistral’s sound alone tell their coding, which OpenAI wants to be told', apply(body) {
    for (const message of messages(body)) for (const part of objects(message['content'])) if (typeof part['input_audio'] === 'string') part['input_audio'] = { data: part['input_audio'], format: 'mp3' }
  } },
  { reason: 'what a tool shows stands in a message of the user, since OpenAI takes texts only from tools', apply(body) {
    body['messages'] = messages(body).flatMap((message) => {
      const shown = message['role'] === 'tool' ? objects(message['content']) : []
      if (!shown.some(({ type }) => type === 'image_url')) return [message]
      return [{ ...message, content: 'It is shown in the next message.' }, { role: 'user', content: [{ type: 'text', text: `From the result of ${String(message['tool_call_id'])}:` }, ...shown] }]
    })
  } },
  { reason: 'Z.ai takes a result without the id of its call', apply(body) {
    const ids = messages(body).flatMap((message) => objects(message['tool_calls']).map(({ id }) => id!))
    for (const message of messages(body)) if (message['role'] === 'tool') message['tool_call_id'] ??= ids[0]!
  } },
  { reason: 'no citations are none; a thought that names no form has an unknown one', apply(body) {
    for (const message of messages(body)) {
      if (Array.isArray(message['annotations']) && message['annotations'].length === 0) remove(message, 'annotations')
      for (const detail of objects(message['reasoning_details'])) detail['format'] ??= 'unknown'
    }
  } },
]

export const answerRules: readonly Rule[] = [
  { reason: 'members that the specification demands are there, and an empty text is no fingerprint', apply(body) {
    body['object'] ??= 'chat.completion'
    body['created'] ??= 1
    if (body['system_fingerprint'] === '') remove(body, 'system_fingerprint')
  } },
  { reason: 'an answer without words has no content where there is something else, and an empty one where there is not', apply(body) {
    for (const { message } of objects(body['choices'])) {
      if (!isObject(message)) continue
      const isElse = message['audio'] || message['refusal'] || objects(message['tool_calls']).length > 0
      if (message['content'] === '' || message['content'] === null || message['content'] === undefined) message['content'] = isElse ? null : ''
    }
  } },
  { reason: 'empty lists are none; a call’s place says its index, and its kind what it is', apply(body) {
    for (const { message } of objects(body['choices'])) {
      if (!isObject(message)) continue
      for (const key of ['annotations', 'tool_calls']) if (Array.isArray(message[key]) && message[key].length === 0) remove(message, key)
      for (const [index, call] of objects(message['tool_calls']).entries()) {
        if (call['index'] === index) remove(call, 'index')
        call['type'] ??= 'function'
      }
    }
  } },
  { reason: 'thought is text under the name that most clients know; details that say no more than the text are left out', apply(body) {
    for (const { message } of objects(body['choices'])) {
      if (!isObject(message)) continue
      const text = message['reasoning'] ?? message['reasoning_content']
      remove(message, 'reasoning')
      if (typeof text === 'string' && text !== '') message['reasoning_content'] = text
      else remove(message, 'reasoning_content')
      const details = objects(message['reasoning_details'])
      if (details.every((detail) => detail['type'] === 'reasoning.text' && detail['signature'] === undefined && detail['id'] === undefined)) remove(message, 'reasoning_details')
      // The form is a part of the proof.
      for (const detail of details) if (detail['data'] === undefined && detail['signature'] === undefined) detail['format'] = 'unknown'
    }
  } },
  { reason: 'Mistral’s list of thought and text', apply(body) {
    for (const { message } of objects(body['choices'])) {
      if (!isObject(message) || !Array.isArray(message['content'])) continue
      const parts = objects(message['content'])
      const thought = parts.flatMap((part) => objects(part['thinking']).map(({ text }) => String(text))).join('')
      message['content'] = parts.map(({ text }) => (typeof text === 'string' ? text : '')).join('')
      if (thought !== '') message['reasoning_content'] = thought
    }
  } },
  { reason: 'numbers of tokens, which llama.cpp gives beside their text, have no place', apply(body) {
    for (const { logprobs } of objects(body['choices'])) for (const token of isObject(logprobs) ? objects(logprobs['content']) : []) {
      remove(token, 'id')
      for (const other of objects(token['top_logprobs'])) remove(other, 'id')
    }
  } },
  { reason: 'tiers have the names of OpenAI, or none', apply(body) {
    if (body['service_tier'] === 'on_demand') body['service_tier'] = 'default'
    if (body['service_tier'] === 'provisioned') remove(body, 'service_tier')
  } },
  { reason: 'usage is compared by its classes', apply(body) { remove(body, 'usage') } },
]

export function byRules(body: JsonObject, rules: readonly Rule[]): Json {
  const copy = withoutNulls(structuredClone(body)) as JsonObject
  for (const { apply } of rules) apply(copy)
  return withoutNulls(copy)
}
