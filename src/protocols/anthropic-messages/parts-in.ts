/** Content blocks of requests and answers, read into parts. A block of a kind that has no part of its own stays whole, as a native part. */
import type { Citation, Json, JsonObject, MediaPart, Part, Proof, ReasoningPart, Source, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import { openProof } from '../proof.ts'
import { Fields, format, isObject, put } from './fields.ts'
import { readId, readName } from './names.ts'

/**
 * Proofs that stand at a text or a call in other formats (Gemini's signatures of calls) have no field here. They travel in a
 * `redacted_thinking` block beside the part, which clients send back as they got it.
 */
export const beforeMark = 'mrnext_'
export const behindMark = 'mrprev_'

/** `by`: who made the proofs that carry no seal. */
export function readContent(content: Json | undefined, place: string, by: string): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw new BadRequest(`The field "${place}" must be a text or a list of content blocks.`, place)
  const parts: Part[] = []
  let pending: Proof | undefined
  for (const [index, block] of content.entries()) {
    if (!isObject(block) || typeof block['type'] !== 'string') throw new BadRequest(`The field "${place}.${index}" must be a content block with a type.`, `${place}.${index}`)
    const attached = attachedProof(block)
    const last = parts.at(-1)
    if (attached && !attached.isBefore && last && bearsProof(last)) last.proof = attached.proof
    else if (attached?.isBefore) pending = attached.proof
    else {
      const part = readBlock(block, by, `${place}.${index}`)
      if (pending && bearsProof(part)) {
        part.proof = pending
        pending = undefined
      }
      parts.push(part)
    }
  }
  return parts
}

function attachedProof({ type, data }: JsonObject): { proof: Proof; isBefore: boolean } | null {
  if (type !== 'redacted_thinking' || typeof data !== 'string') return null
  const isBefore = data.startsWith(beforeMark)
  return isBefore || data.startsWith(behindMark) ? { proof: openProof(data.slice(beforeMark.length), ''), isBefore } : null
}

const bearsProof = (part: Part): part is TextPart | MediaPart | ToolCallPart => part.type === 'text' || part.type === 'media' || part.type === 'toolCall'

function readBlock(block: JsonObject, by: string, place: string): Part {
  switch (block['type']) {
    case 'image': case 'document': return readMedia(block, by, place)
    case 'search_result': return readSearchResult(block, by, place)
    case 'tool_result': return readResult(block, by, place)
    default: return readOutput(block, by)
  }
}

/** What a model says: the same in its answer and in a request that sends it back. */
export function readOutput(block: JsonObject, by: string): Part {
  switch (block['type']) {
    case 'text': return readText(block)
    case 'thinking': case 'redacted_thinking': return readThought(block, by)
    case 'tool_use': return readCall(block)
    default: return native(block)
  }
}

const native = (block: JsonObject): Part => ({ type: 'native', format, value: block })

function readText(block: JsonObject): Part {
  const fields = new Fields(block)
  const text = fields.text('text')
  if (text === undefined) return native(block)
  const part: TextPart = { type: 'text', text }
  const citations = fields.list('citations')
  if (citations && citations.length > 0) part.citations = citations.map(readCitation)
  put(part, 'cache', fields.cache())
  fields.drop('type', 'text')
  put(part, 'extras', fields.left())
  return part
}

/** Offsets of this format are those in the document, not in the text that cites it: they stay in `native`. */
export function readCitation(value: Json): Citation {
  if (!isObject(value)) return { native: { format, value: { value } } }
  const fields = new Fields(value)
  const citation: Citation = {}
  const source = fields.text('source')
  put(citation, 'url', fields.text('url') ?? (source?.startsWith('http') ? source : undefined))
  put(citation, 'title', fields.text('document_title') ?? fields.text('title'))
  put(citation, 'quote', fields.text('cited_text'))
  put(citation, 'document', fields.number('document_index'))
  citation.native = { format, value }
  return citation
}

function readMedia(block: JsonObject, by: string, place: string): Part {
  const fields = new Fields(block)
  const from = fields.object('source')
  const source = from && readSource(from, by, `${place}.source`)
  if (!source) return native(block)
  const part: MediaPart = { type: 'media', kind: block['type'] as 'image' | 'document', source: source.source }
  put(part, 'mediaType', source.mediaType)
  put(part, 'name', fields.text('title'))
  put(part, 'context', fields.text('context'))
  put(part, 'cites', citesOf(fields))
  put(part, 'cache', fields.cache())
  fields.drop('type')
  put(part, 'extras', fields.left())
  return part
}

/** Left to the extras where it says more. */
function citesOf(fields: Fields): boolean | undefined {
  const value = fields.source['citations']
  return isObject(value) && Object.keys(value).length === 1 && typeof value['enabled'] === 'boolean' ? fields.object('citations') && value['enabled'] : undefined
}

/** Undefined: of another form than is known, so that the block stays whole. */
function readSource(value: JsonObject, by: string, place: string): { source: Source; mediaType?: string } | undefined {
  const { type, media_type: mediaType, data, url, file_id: id, content, ...more } = value
  if (Object.keys(more).length > 0) return undefined
  const typed = typeof mediaType === 'string' ? { mediaType } : {}
  switch (type) {
    case 'base64': return typeof data === 'string' ? { source: { by: 'data', base64: data }, ...typed } : undefined
    case 'text': return typeof data === 'string' ? { source: { by: 'text', text: data }, ...typed } : undefined
    case 'url': return typeof url === 'string' ? { source: { by: 'url', url } } : undefined
    case 'file': return typeof id === 'string' ? { source: { by: 'file', id } } : undefined
    case 'content': return content === undefined ? undefined : { source: { by: 'parts', parts: readContent(content, `${place}.content`, by) } }
    default: return undefined
  }
}

/** A result of the client's own search is a document to every other format. What makes it one here is kept beside it. */
function readSearchResult(block: JsonObject, by: string, place: string): Part {
  const fields = new Fields(block)
  const content = fields.list('content')
  if (!content) return native(block)
  const part: MediaPart = { type: 'media', kind: 'document', source: { by: 'parts', parts: readContent(content, `${place}.content`, by) } }
  put(part, 'name', fields.text('title'))
  put(part, 'cites', citesOf(fields))
  put(part, 'cache', fields.cache())
  put(part, 'extras', fields.left())
  return part
}

function readThought(block: JsonObject, by: string): Part {
  const fields = new Fields(block)
  const redacted = block['type'] === 'redacted_thinking'
  const text = fields.text('thinking')
  const sealed = fields.text(redacted ? 'data' : 'signature')
  if (redacted ? !sealed : text === undefined) return native(block)
  const part: ReasoningPart = { type: 'reasoning' }
  if (text !== undefined && text !== '') part.text = text
  if (sealed) part.proof = openProof(sealed, by)
  if (redacted) part.redacted = true
  fields.drop('type')
  put(part, 'extras', fields.left())
  return part
}

function readCall(block: JsonObject): Part {
  const fields = new Fields(block)
  const id = fields.text('id')
  const name = fields.text('name')
  const input = fields.object('input')
  if (id === undefined || name === undefined || input === undefined) return native(block)
  const part: ToolCallPart = { type: 'toolCall', id: readId(id), ...readName(name), arguments: JSON.stringify(input) }
  put(part, 'cache', fields.cache())
  fields.drop('type')
  if (isDirect(block['caller'])) fields.drop('caller')
  put(part, 'extras', fields.left())
  return part
}

/** Called by the model itself: what every call is that says nothing. */
export const isDirect = (caller: Json | undefined): boolean => isObject(caller) && caller['type'] === 'direct' && Object.keys(caller).length === 1

function readResult(block: JsonObject, by: string, place: string): Part {
  const fields = new Fields(block)
  const id = fields.text('tool_use_id')
  if (id === undefined) return native(block)
  const content = fields.list('content') ?? fields.text('content') ?? []
  const part: ToolResultPart = { type: 'toolResult', callId: readId(id), parts: readContent(content, `${place}.content`, by) }
  put(part, 'isError', fields.flag('is_error'))
  put(part, 'cache', fields.cache())
  fields.drop('type')
  put(part, 'extras', fields.left())
  return part
}
