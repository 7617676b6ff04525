/** Messages for Ollama: one text, one thought, images and calls, each in a member of its own. https://docs.ollama.com/api/chat */
import type { JsonObject, MediaPart, Message, Part, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts'
import type { Losses } from '../losses.ts'
import { defined } from '../members.ts'
import { argumentsOf, isBroken, writtenId } from './calls.ts'

const carriedOfMessage = new Set(['role', 'parts', 'extras'])
const carriedOfText = new Set(['type', 'text'])
const carriedOfSummary = new Set(['type', 'summary'])
const carriedOfMedia = new Set(['type', 'kind', 'source', 'mediaType'])
const carriedOfDocument = new Set(['type', 'kind', 'source', 'mediaType', 'name', 'context'])
const carriedOfCall = new Set(['type', 'id', 'name', 'arguments', 'custom', 'extras'])
const carriedOfResult = new Set(['type', 'callId', 'name', 'parts', 'custom', 'extras'])

const mediaNames = { image: 'an image', document: 'a document', audio: 'audio', video: 'a video' } as const
/** Where the parts stand in a message, whatever their order was. */
const order = { reasoning: 0, media: 1, text: 2, refusal: 2, toolCall: 3, native: 3, toolResult: 3 } as const satisfies Record<Part['type'], number>

interface Content { texts: string[]; thoughts: string[]; images: string[]; calls: JsonObject[] }

export class MessageWriter {
  readonly #losses: Losses
  readonly #thinks: boolean
  readonly #names = new Map<string, string>()

  /** `thinks`: the model takes its thoughts back. */
  constructor(losses: Losses, thinks: boolean) {
    this.#losses = losses
    this.#thinks = thinks
  }

  write(messages: readonly Message[]): JsonObject[] {
    return messages.flatMap((message) => this.#message(message))
  }

  #message(message: Message): JsonObject[] {
    this.#losses.members(message, carriedOfMessage, 'a message')
    const extras = this.#losses.extras(message.extras, 'ollama-chat', 'a message')
    if (message.role === 'tool') return message.parts.flatMap((part) => (part.type === 'toolResult' ? [this.#result(part)] : this.#stray(part, 'a message of tools')))
    const { texts, thoughts, images, calls } = this.#content(message.parts, 'a message')
    // A later name of the same role.
    const role = message.role === 'developer' ? 'system' : message.role
    return [defined<JsonObject>({
      role,
      // Pieces of an answer follow each other as they were said.
      content: texts.join(role === 'assistant' ? '' : '\n'),
      thinking: thoughts.length > 0 ? thoughts.join('\n\n') : undefined,
      images: images.length > 0 ? images : undefined,
      tool_calls: calls.length > 0 ? calls : undefined,
      ...extras,
    })]
  }

  #result(part: ToolResultPart): JsonObject {
    this.#losses.members(part, carriedOfResult, 'the result of a tool')
    const { texts, images } = this.#content(part.parts, 'the result of a tool')
    return defined<JsonObject>({
      role: 'tool', content: texts.join('\n'), images: images.length > 0 ? images : undefined,
      tool_name: part.name ?? this.#names.get(part.callId), tool_call_id: writtenId(part.callId), ...this.#losses.extras(part.extras, 'ollama-chat', 'the result of a tool'),
    })
  }

  #content(parts: readonly Part[], where: string): Content {
    const content: Content = { texts: [], thoughts: [], images: [], calls: [] }
    let place: number = 0
    for (const part of parts) {
      const own = part.type === 'media' && part.kind === 'document' ? order.text : order[part.type]
      if (own < place) this.#losses.add('the order of texts, thoughts and images in a message', 'hint')
      place = Math.max(place, own)
      this.#part(part, content, where)
    }
    return content
  }

  #part(part: Part, content: Content, where: string): void {
    switch (part.type) {
      case 'text': case 'refusal': return this.#text(part, content)
      case 'reasoning': {
        const text = part.text ?? part.summary?.join('\n\n')
        if (!this.#thinks || text === undefined || text === '') return this.#losses.add('a thought of an earlier answer', 'hint')
        this.#losses.members(part, part.text === undefined ? carriedOfSummary : carriedOfText, 'a thought')
        return void content.thoughts.push(text)
      }
      case 'toolCall': return void content.calls.push(this.#call(part))
      case 'media': return this.#media(part, content, where)
      case 'native':
        if (part.format === 'ollama-chat') return void content.calls.push(part.value)
        return void this.#stray(part, where)
      default: return void this.#stray(part, where)
    }
  }

  #text(part: TextPart | Extract<Part, { type: 'refusal' }>, content: Content): void {
    this.#losses.members(part, carriedOfText, 'a text')
    content.texts.push(part.text)
  }

  #call(part: ToolCallPart): JsonObject {
    this.#names.set(part.id, part.name)
    this.#losses.members(part, carriedOfCall, 'a call')
    if (isBroken(part)) this.#losses.add('arguments of a call that are no JSON object', 'hint')
    return defined<JsonObject>({ id: writtenId(part.id), type: 'function', function: { name: part.name, arguments: argumentsOf(part) }, ...this.#losses.extras(part.extras, 'ollama-chat', 'a call') })
  }

  /** Audio stands among the images, as Ollama's own OpenAI endpoint puts it there. A document that is a text is written as one. */
  #media(part: MediaPart, content: Content, where: string): void {
    const text = part.kind === 'document' ? plainText(part) : null
    if (text !== null) {
      this.#losses.members(part, carriedOfDocument, 'a document')
      const name = part.name === undefined ? '' : ` name=${JSON.stringify(part.name)}`
      content.texts.push(`<document${name}>\n${part.context === undefined ? '' : `${part.context}\n\n`}${text}\n</document>`)
    } else if (part.source.by === 'data' && (part.kind === 'image' || part.kind === 'audio')) {
      this.#losses.members(part, carriedOfMedia, mediaNames[part.kind])
      content.images.push(part.source.base64)
    } else this.#stray(part, where)
  }

  #stray(part: Part, where: string): [] {
    const what = part.type === 'media' ? `${mediaNames[part.kind]}${part.source.by === 'url' ? ' by address' : ''}` : `a part of the type "${part.type}"`
    this.#losses.add(`${what} in ${where}`, 'meaning')
    return []
  }
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
