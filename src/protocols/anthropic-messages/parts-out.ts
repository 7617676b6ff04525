/** Parts of a request, written as content blocks that the API takes: no empty text, no unsigned thought, inputs that are objects. What has no block is a loss. */
import type { CacheHint, Citation, JsonObject, MediaPart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts'
import type { Target } from '../codec.ts'
import { named } from '../members.ts'
import { format, isObject } from './fields.ts'
import type { Losses } from './losses.ts'
import { writeId, writeName } from './names.ts'

const known: Readonly<Record<'text' | 'image' | 'document' | 'reasoning' | 'toolCall' | 'toolResult' | 'refusal', ReadonlySet<string>>> = {
  text: new Set(['type', 'text', 'citations', 'cache', 'extras']),
  image: new Set(['type', 'kind', 'source', 'mediaType', 'cache', 'extras']),
  document: new Set(['type', 'kind', 'source', 'mediaType', 'name', 'context', 'cites', 'cache', 'extras']),
  reasoning: new Set(['type', 'text', 'summary', 'proof', 'redacted', 'extras']),
  toolCall: new Set(['type', 'id', 'name', 'namespace', 'arguments', 'custom', 'cache', 'extras']),
  // The name and the kind are those of the call.
  toolResult: new Set(['type', 'callId', 'parts', 'isError', 'cache', 'extras', 'name', 'custom']),
  refusal: new Set(['type', 'text']),
}

/** The API takes no more marks in one request. */
const mostMarks = 4

export class BlockWriter {
  readonly losses: Losses
  readonly #target: Target
  /** Everything that carries a mark of the cache, in the order of the prompt. */
  readonly #marked: JsonObject[] = []

  constructor(target: Target, losses: Losses) {
    this.#target = target
    this.losses = losses
  }

  blocks(parts: readonly Part[]): JsonObject[] {
    const blocks: JsonObject[] = []
    for (const part of parts) {
      const block = this.#block(part)
      if (block) blocks.push(block)
    }
    return blocks
  }

  /** A cache hint becomes a mark. Only `5m` and `1h` are lifetimes. */
  mark(block: JsonObject, cache: CacheHint | undefined): JsonObject {
    if (!cache) return block
    const ttl = cache.ttl === '5m' || cache.ttl === '1h' ? cache.ttl : undefined
    if (cache.ttl !== undefined && ttl === undefined) this.losses.hint(`the cache lifetime "${cache.ttl.slice(0, 20)}"`)
    block['cache_control'] = { type: 'ephemeral', ...(ttl && { ttl }) }
    this.#marked.push(block)
    return block
  }

  /** The last marks hold the longest prefixes. */
  limitMarks(): void {
    for (const block of this.#marked.slice(0, -mostMarks)) {
      delete block['cache_control']
      this.losses.hint(`cache marks beyond ${mostMarks}`)
    }
  }

  #block(part: Part): JsonObject | null {
    switch (part.type) {
      case 'text': return this.#text(part)
      case 'media': return part.kind === 'image' ? this.#image(part) : part.kind === 'document' ? this.#document(part) : this.#unseen(part)
      case 'reasoning': return this.#thought(part)
      case 'toolCall': return this.#call(part)
      case 'toolResult': return this.#result(part)
      case 'refusal':
        this.losses.hint('the mark of a refusal')
        this.losses.rest(part, known.refusal, ' of a refusal')
        return part.text.trim() === '' ? null : { type: 'text', text: part.text }
      case 'native':
        if (part.format === format) return this.mark({ ...part.value }, part.cache)
        this.losses.meaning(`a part of the type "${(named(part.value['type']) ?? Object.keys(part.value)[0] ?? '').slice(0, 40)}"`)
        return null
    }
  }

  #text(part: TextPart): JsonObject | null {
    this.losses.rest(part, known.text, ' of a text')
    if (part.text.trim() === '') {
      if (part.text !== '' || part.cache) this.losses.hint('a blank text')
      return null
    }
    const block: JsonObject = { type: 'text', text: part.text, ...this.losses.own(part.extras, ' of a text') }
    const citations = part.citations?.map((citation) => this.#citation(citation)).filter((citation) => citation !== null)
    if (citations && citations.length > 0) block['citations'] = citations
    return this.mark(block, part.cache)
  }

  /** Those of another format can't be proved to the API, nor those that we wrote for a client. */
  #citation({ native }: Citation): JsonObject | null {
    if (native?.format === format && native.value['encrypted_index'] !== '') return native.value
    this.losses.hint('a citation')
    return null
  }

  #image(part: MediaPart): JsonObject | null {
    this.losses.rest(part, known.image, ' of an image')
    const { source } = part
    const base: JsonObject = { type: 'image', ...this.losses.own(part.extras, ' of an image') }
    switch (source.by) {
      case 'data': return this.mark({ ...base, source: { type: 'base64', media_type: imageType(part.mediaType, source.base64), data: source.base64 } }, part.cache)
      case 'url': return this.mark({ ...base, source: { type: 'url', url: source.url } }, part.cache)
      case 'file': return this.mark({ ...base, source: { type: 'file', file_id: source.id } }, part.cache)
      default:
        this.losses.meaning(`an image by ${source.by}`)
        return null
    }
  }

  #document(part: MediaPart): JsonObject | null {
    this.losses.rest(part, known.document, ' of a document')
    const own = this.losses.own(part.extras, ' of a document')
    if (own?.['type'] === 'search_result') return this.#searchResult(part, own)
    const source = this.#documentSource(part)
    if (!source) {
      this.losses.meaning(`a document of the type "${part.mediaType ?? part.source.by}"`)
      return null
    }
    const block: JsonObject = { type: 'document', source, ...own }
    if (part.name !== undefined && part.name !== '') block['title'] = part.name
    if (part.context !== undefined && part.context !== '') block['context'] = part.context
    if (part.cites !== undefined) block['citations'] = { enabled: part.cites }
    return this.mark(block, part.cache)
  }

  #searchResult(part: MediaPart, own: JsonObject): JsonObject {
    const block: JsonObject = { ...own, title: part.name ?? '', content: part.source.by === 'parts' ? this.blocks(part.source.parts) : [] }
    if (part.cites !== undefined) block['citations'] = { enabled: part.cites }
    return this.mark(block, part.cache)
  }

  #documentSource({ source, mediaType }: MediaPart): JsonObject | null {
    switch (source.by) {
      case 'text': return { type: 'text', media_type: 'text/plain', data: source.text }
      case 'url': return { type: 'url', url: source.url }
      case 'file': return { type: 'file', file_id: source.id }
      case 'parts': return { type: 'content', content: this.blocks(source.parts) }
      case 'data':
        if (mediaType === 'application/pdf' || (mediaType === undefined && source.base64.startsWith('JVBERi'))) return { type: 'base64', media_type: 'application/pdf', data: source.base64 }
        return mediaType?.startsWith('text/') ? { type: 'text', media_type: 'text/plain', data: Buffer.from(source.base64, 'base64').toString() } : null
    }
  }

  /** Sound and film. */
  #unseen(part: MediaPart): JsonObject | null {
    this.losses.meaning(part.kind === 'audio' ? 'audio' : 'a video')
    return part.transcript === undefined || part.transcript.trim() === '' ? null : { type: 'text', text: part.transcript }
  }

  #thought(part: ReasoningPart): JsonObject | null {
    const { proof } = part
    if (!proof || proof.by !== this.#target.proofs) {
      this.losses.hint('a thought that another vendor signed, or nobody')
      return null
    }
    this.losses.rest(part, known.reasoning, ' of a thought')
    const own = this.losses.own(part.extras, ' of a thought')
    if (part.redacted) return { type: 'redacted_thinking', data: proof.value, ...own }
    return { type: 'thinking', thinking: part.text ?? part.summary?.join('\n\n') ?? '', signature: proof.value, ...own }
  }

  #call(part: ToolCallPart): JsonObject {
    this.losses.rest(part, known.toolCall, ' of a tool call')
    const input = part.custom ? { input: part.arguments } : objectOf(part.arguments)
    if (!input) this.losses.meaning(`the arguments of a call of "${part.name.slice(0, 60)}", which are no JSON object`)
    return this.mark({ type: 'tool_use', id: writeId(part.id), name: writeName(part.name, part.namespace), input: input ?? { raw_arguments: part.arguments }, ...this.losses.own(part.extras, ' of a tool call') }, part.cache)
  }

  #result(part: ToolResultPart): JsonObject {
    this.losses.rest(part, known.toolResult, ' of a tool result')
    const block: JsonObject = { type: 'tool_result', tool_use_id: writeId(part.callId), ...this.losses.own(part.extras, ' of a tool result') }
    const content = this.blocks(part.parts)
    if (content.length > 0) block['content'] = plainOr(content)
    if (part.isError !== undefined) block['is_error'] = part.isError
    return this.mark(block, part.cache)
  }
}

/** One text that says nothing else is written as a text. */
export function plainOr(blocks: JsonObject[]): string | JsonObject[] {
  const [only] = blocks
  const text = only?.['text']
  return blocks.length === 1 && only!['type'] === 'text' && typeof text === 'string' && Object.keys(only!).length === 2 ? text : blocks
}

/** Null where the text is no JSON object. A call without arguments may come as an empty text. */
export function objectOf(text: string): JsonObject | null {
  if (text.trim() === '') return {}
  try {
    const value = JSON.parse(text) as unknown
    // Some models call a tool that takes nothing with null.
    return isObject(value) ? value : value === null ? {} : null
  } catch {
    return null
  }
}

const beginnings: readonly [string, string][] = [['iVBOR', 'image/png'], ['/9j/', 'image/jpeg'], ['R0lGOD', 'image/gif'], ['UklGR', 'image/webp']]

/** The API compares the type with the bytes. */
function imageType(said: string | undefined, base64: string): string {
  if (said !== undefined && said !== 'image/jpg' && said !== 'image/*') return said
  return beginnings.find(([beginning]) => base64.startsWith(beginning))?.[1] ?? 'image/jpeg'
}
