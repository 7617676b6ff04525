/** Messages for Cohere: https://docs.cohere.com/reference/chat. A model that calls tools sees its plan and no other text of that turn, so that the text before calls is written as the plan. */
import type { ChatRequest, Json, JsonObject, MediaPart, Message, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts'
import { defined, isList, isObject, parsedObject } from '../members.ts'
import type { Losses } from '../losses.ts'
import { citationTo } from './citations.ts'
import { nativeKind } from './messages.ts'
import { nameForCohere } from './tool-names.ts'

const carriedOfText = new Set(['type', 'text'])
const carriedOfSummary = new Set(['type', 'summary'])
const carriedOfAnswerText = new Set(['type', 'text', 'citations'])
const carriedOfCall = new Set(['type', 'id', 'name', 'arguments', 'extras', 'custom'])
const carriedOfResult = new Set(['type', 'callId', 'name', 'parts', 'extras', 'custom'])
const carriedOfImage = new Set(['type', 'kind', 'source', 'mediaType', 'detail'])
const carriedOfDocument = new Set(['type', 'kind', 'source', 'mediaType', 'name', 'context', 'id', 'cites'])
const carriedOfMessage = new Set(['role', 'parts', 'extras'])

const mediaNames = { image: 'an image', document: 'a document', audio: 'audio', video: 'a video' } as const

/** Documents of users stand beside the messages, in the list that `MessageWriter.documents` gathers. */
export class MessageWriter {
  readonly documents: Json[] = []
  readonly #losses: Losses
  readonly #thinks: boolean

  /** `thinks`: the model takes its thoughts back. */
  constructor(losses: Losses, thinks: boolean) {
    this.#losses = losses
    this.#thinks = thinks
  }

  write({ messages }: ChatRequest): JsonObject[] {
    return messages.flatMap((message) => this.#message(message))
  }

  #message(message: Message): JsonObject[] {
    this.#losses.members(message, carriedOfMessage, 'a message')
    const extras = this.#losses.extras(message.extras, 'cohere-chat', 'a message')
    switch (message.role) {
      case 'tool': return message.parts.flatMap((part) => (part.type === 'toolResult' ? [this.#result(part)] : this.#stray(part, 'a message of tools')))
      case 'assistant': return this.#assistant(message.parts, extras)
      // A later name of the same role.
      case 'developer': return [{ role: 'system', ...withContent(this.#blocks(message.parts, 'system')), ...extras }]
      default: return [{ role: message.role, ...withContent(this.#blocks(message.parts, message.role)), ...extras }]
    }
  }

  #assistant(parts: readonly Part[], extras: JsonObject): JsonObject[] {
    const calls = parts.flatMap((part) => (part.type === 'toolCall' ? [this.#call(part)] : part.type === 'native' && nativeKind(part) === 'call' ? [part.value] : []))
    const texts = parts.filter((part) => part.type === 'text')
    const plan = calls.length > 0 ? texts.at(-1) : undefined
    const citations: JsonObject[] = []
    const content: JsonObject[] = []
    for (const part of parts) {
      if (part.type === 'toolCall' || (part.type === 'native' && nativeKind(part) === 'call')) continue
      if (part.type === 'native' && nativeKind(part) === 'citation') citations.push(part.value['citation'] as JsonObject)
      else if (part.type === 'text') {
        this.#losses.members(part, carriedOfAnswerText, 'a text')
        if (part.citations?.some(({ native }) => native && native.format !== 'cohere-chat')) this.#losses.add('the place of a citation in its source', 'hint')
        citations.push(...citationsOf(part, content.length))
        if (part !== plan) content.push({ type: 'text', text: part.text })
      } else content.push(...this.#answerBlock(part))
    }
    const message = defined<JsonObject>({
      role: 'assistant', ...(content.length > 0 ? withContent(content) : {}), tool_plan: plan?.text, tool_calls: calls.length > 0 ? calls : undefined, citations: citations.length > 0 ? citations : undefined, ...extras,
    })
    // One that says nothing is refused.
    if (message['content'] !== undefined || calls.length > 0) return [message]
    this.#losses.add('an empty message of the assistant', 'hint')
    return []
  }

  /** A part of an answer other than texts, calls and citations. */
  #answerBlock(part: Part): JsonObject[] {
    switch (part.type) {
      case 'reasoning': return this.#thought(part)
      case 'refusal': return this.#text(part)
      case 'native': return nativeKind(part) === 'block' ? [part.value] : this.#stray(part, 'an answer')
      default: return this.#stray(part, 'an answer')
    }
  }

  #thought(part: ReasoningPart): JsonObject[] {
    const text = part.text ?? part.summary?.join('\n\n')
    if (text === undefined || text === '' || !this.#thinks) {
      this.#losses.add('a thought of an earlier answer', 'hint')
      return []
    }
    this.#losses.members(part, part.text === undefined ? carriedOfSummary : carriedOfText, 'a thought')
    return [{ type: 'thinking', thinking: text }]
  }

  #call(part: ToolCallPart): JsonObject {
    this.#losses.members(part, carriedOfCall, 'a call')
    // Free text has no other place; what is no JSON is passed on as the model wrote it.
    const args = part.custom ? JSON.stringify({ input: part.arguments }) : part.arguments === '' ? '{}' : part.arguments
    if (!part.custom && parsedObject(args) === null) this.#losses.add('arguments of a call that are no JSON object', 'hint')
    return { id: part.id, type: 'function', function: { name: nameForCohere(part.name), arguments: args }, ...this.#losses.extras(part.extras, 'cohere-chat', 'a call') }
  }

  #result(part: ToolResultPart): JsonObject {
    this.#losses.members(part, carriedOfResult, 'the result of a tool')
    return { role: 'tool', tool_call_id: part.callId, ...withContent(this.#blocks(part.parts, 'tool')), ...this.#losses.extras(part.extras, 'cohere-chat', 'the result of a tool') }
  }

  #blocks(parts: readonly Part[], role: 'system' | 'user' | 'tool'): JsonObject[] {
    return parts.flatMap((part): JsonObject[] => {
      switch (part.type) {
        case 'text': case 'refusal': return this.#text(part)
        case 'media': return this.#media(part, role)
        case 'native': return nativeKind(part) === 'block' ? [part.value] : this.#stray(part, 'a message')
        default: return this.#stray(part, 'a message')
      }
    })
  }

  #text(part: TextPart | Extract<Part, { type: 'refusal' }>): JsonObject[] {
    this.#losses.members(part, carriedOfText, 'a text')
    return [{ type: 'text', text: part.text }]
  }

  #media(part: MediaPart, role: 'system' | 'user' | 'tool'): JsonObject[] {
    if (part.kind === 'image' && role === 'user' && (part.source.by === 'url' || part.source.by === 'data')) {
      this.#losses.members(part, carriedOfImage, 'an image')
      const url = part.source.by === 'url' ? part.source.url : `data:${part.mediaType ?? 'image/png'};base64,${part.source.base64}`
      return [{ type: 'image_url', image_url: defined<JsonObject>({ url, detail: part.detail }) }]
    }
    const text = part.kind === 'document' ? plainText(part) : null
    if (text === null) return this.#stray(part, role === 'tool' ? 'the result of a tool' : 'a message')
    this.#losses.members(part, carriedOfDocument, 'a document')
    const data = defined<JsonObject>({ text, title: part.name, context: part.context })
    if (role === 'tool') return [{ type: 'document', document: defined<JsonObject>({ data, id: part.id }) }]
    this.documents.push({ data, id: part.id ?? `doc:${this.documents.length}` })
    return []
  }

  #stray(part: Part, where: string): [] {
    this.#losses.add(`${part.type === 'media' ? mediaNames[part.kind] : `a part of the type "${part.type}"`} in ${where}`, 'meaning')
    return []
  }
}

function citationsOf(part: TextPart, contentIndex: number): JsonObject[] {
  return (part.citations ?? []).map((each) => citationTo(each, part.text, contentIndex))
}

/** A single text is written as such. */
function withContent(blocks: readonly JsonObject[]): { content: Json } {
  const [first, second] = blocks
  if (first === undefined) return { content: '' }
  return { content: second === undefined && first['type'] === 'text' && Object.keys(first).length === 2 ? first['text']! : [...blocks] }
}

/** The text of a document that is nothing else; null: it is. */
function plainText({ source, mediaType }: MediaPart): string | null {
  switch (source.by) {
    case 'text': return source.text
    case 'data': return mediaType?.startsWith('text/') ? Buffer.from(source.base64, 'base64').toString() : null
    case 'parts': return source.parts.every((part) => part.type === 'text') ? source.parts.map((part) => part.text).join('\n') : null
    default: return null
  }
}

/** Documents of the request's own extras, and those that stood in messages. */
export const allDocuments = (own: Json | undefined, gathered: readonly Json[]): Json | undefined =>
  gathered.length === 0 ? own : [...(isList(own) ? own : isObject(own) ? [own] : []), ...gathered]
