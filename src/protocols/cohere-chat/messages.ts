/** Messages as Cohere writes them, in requests and in answers: https://docs.cohere.com/reference/chat */
import type { Json, JsonObject, MediaPart, Message, NativePart, Part, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import { defined, isList, isObject, isText, Members, sameJson } from '../members.ts'
import { addCitations } from './citations.ts'
import { nameFromCohere } from './tool-names.ts'

const native = (value: JsonObject): NativePart => ({ type: 'native', format: 'cohere-chat', value })

/** Consecutive results of tools are one message. */
export function messagesFrom(list: readonly Json[]): Message[] {
  const messages: Message[] = []
  for (const value of list) {
    const message = messageFrom(value)
    const last = messages.at(-1)
    if (message.role === 'tool' && last?.role === 'tool') last.parts.push(...message.parts)
    else messages.push(message)
  }
  return messages
}

function messageFrom(value: Json): Message {
  if (!isObject(value)) throw new BadRequest('Each message must be an object with "role" and "content".', 'messages')
  const members = new Members(value)
  const role = members.take('role', isText)
  if (role === 'tool') return { role, parts: [resultFrom(members)] }
  if (role !== 'system' && role !== 'user' && role !== 'assistant') throw new BadRequest('The role of a message must be "system", "user", "assistant" or "tool".', 'messages')
  const parts = role === 'assistant' ? assistantFrom(members) : contentFrom(members, isText)
  return defined<Message>({ role, parts, extras: members.extras('cohere-chat') })
}

const isSaid = (value: Json | undefined): value is string => isText(value) && value !== ''

/** Takes `content`: a text, or a list of blocks. An empty list is left, since no part says it, and so is a text that is not `isTaken`. */
function contentFrom(members: Members, isTaken: (value: Json | undefined) => value is string): Part[] {
  const text = members.take('content', isTaken)
  if (text !== undefined) return text === '' ? [] : [{ type: 'text', text }]
  const list = members.take('content', (value): value is JsonObject[] => isList(value) && value.length > 0 && value.every(isObject))
  return (list ?? []).map(blockFrom)
}

function blockFrom(value: JsonObject): Part {
  const members = new Members(value)
  switch (members.take('type', isText)) {
    case 'text': {
      const text = members.take('text', isText)
      return text === undefined || members.rest() ? native(value) : { type: 'text', text }
    }
    case 'thinking': {
      const text = members.take('thinking', isText)
      return text === undefined || members.rest() ? native(value) : { type: 'reasoning', text }
    }
    case 'image_url': return imageFrom(members) ?? native(value)
    case 'document': return documentFrom(members) ?? native(value)
    default: return native(value)
  }
}

const dataUrl = /^data:([^;,]*);base64,/

function imageFrom(members: Members): MediaPart | null {
  const image = members.take('image_url', isObject)
  if (!image || members.rest()) return null
  const inner = new Members(image)
  const url = inner.take('url', isText)
  const detail = inner.take('detail', isText)
  if (url === undefined || inner.rest()) return null
  const head = dataUrl.exec(url.slice(0, 200))
  const source: MediaPart['source'] = head ? { by: 'data', base64: url.slice(head[0].length) } : { by: 'url', url }
  return defined<MediaPart>({ type: 'media', kind: 'image', source, mediaType: head?.[1] || undefined, detail })
}

/** A document that is no more than a text, and perhaps a title and an id. */
function documentFrom(members: Members): MediaPart | null {
  const document = members.take('document', isObject)
  if (!document || members.rest()) return null
  const inner = new Members(document)
  const id = inner.take('id', isText)
  const data = inner.take('data', isObject)
  if (!data || inner.rest()) return null
  const fields = new Members(data)
  const text = fields.take('text', isText)
  const name = fields.take('title', isText)
  if (text === undefined || fields.rest()) return null
  return defined<MediaPart>({ type: 'media', kind: 'document', source: { by: 'text', text }, name, id })
}

function resultFrom(members: Members): ToolResultPart {
  const callId = members.take('tool_call_id', isText) ?? ''
  const parts = contentFrom(members, isText)
  return defined<ToolResultPart>({ type: 'toolResult', callId, parts, extras: members.extras('cohere-chat') })
}

/** Content, then the plan of the calls, then the calls: what it says in the order in which it is generated. */
export function assistantFrom(members: Members): Part[] {
  const content = contentFrom(members, isSaid)
  const parts: Part[] = [...content]
  const planText = members.take('tool_plan', isSaid)
  const plan: TextPart | undefined = planText === undefined ? undefined : { type: 'text', text: planText }
  if (plan) parts.push(plan)
  const calls = members.take('tool_calls', (value): value is JsonObject[] => isList(value) && value.length > 0 && value.every(isObject))
  for (const each of calls ?? []) parts.push(callFrom(each))
  const citations = members.take('citations', (value): value is JsonObject[] => isList(value) && value.length > 0 && value.every(isObject))
  const texts = content.map((part) => (part.type === 'text' ? part : undefined))
  parts.push(...addCitations(citations ?? [], texts, plan))
  return parts
}

function callFrom(value: JsonObject): Part {
  const members = new Members(value)
  members.take('type', (type): type is string => type === 'function')
  const id = members.take('id', isText)
  const called = new Members(members.take('function', isObject) ?? {})
  const name = called.take('name', isText)
  const args = called.take('arguments', isText)
  if (id === undefined || name === undefined || args === undefined || called.rest()) return native(value)
  const call: ToolCallPart = { type: 'toolCall', id, name: nameFromCohere(name), arguments: args }
  const extras = members.extras('cohere-chat')
  return extras ? { ...call, extras } : call
}

/** A call without arguments is written as `null` by models whose tool takes none. */
export const argumentsFrom = (text: string): string => (text === '' || text === 'null' ? '{}' : text)

/** Whether a native part is a block of content, a call, or a citation that stands in no text. */
export function nativeKind({ format, value }: NativePart): 'block' | 'call' | 'citation' | null {
  if (format !== 'cohere-chat') return null
  if (isObject(value['citation'])) return 'citation'
  return sameJson(value['type'], 'function') || isObject(value['function']) ? 'call' : 'block'
}
