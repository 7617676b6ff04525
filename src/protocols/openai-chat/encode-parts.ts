/** Parts of a message's content, written as OpenAI takes them; what it has no form for is lost by name. */
import type { JsonObject, MediaPart, Part, Source } from '../canonical.ts'
import type { Writing } from './losses.ts'
import { withExtras } from './members.ts'
import { encodeCache } from './tools.ts'

/** First letters of the base64 of files that tell their kind by their first bytes. */
const magic: readonly [string, string][] = [
  ['iVBOR', 'image/png'], ['/9j/', 'image/jpeg'], ['R0lGOD', 'image/gif'], ['UklGR', 'image/webp'], ['JVBERi', 'application/pdf'],
  ['SUQz', 'audio/mpeg'], ['//', 'audio/mpeg'], ['T2dnUw', 'audio/ogg'], ['ZkxhQ', 'audio/flac'],
]
const usualTypes: Readonly<Record<MediaPart['kind'], string>> = { image: 'image/png', document: 'application/pdf', audio: 'audio/wav', video: 'video/mp4' }

function typeOf({ kind, mediaType }: MediaPart, base64: string): string {
  if (mediaType !== undefined) return mediaType
  const found = magic.find(([start, type]) => base64.startsWith(start) && type.startsWith(usualTypes[kind].slice(0, 5)))
  return found?.[1] ?? usualTypes[kind]
}

/** As a data URL, or where it is; null: it stands in a file, or in parts of its own. */
function addressOf(part: MediaPart): string | null {
  const { source } = part
  if (source.by === 'data') return `data:${typeOf(part, source.base64)};base64,${source.base64}`
  return source.by === 'url' ? source.url : null
}

/** Endings of files, by what stands behind the stroke of a MIME type. */
const codings: Readonly<Record<string, string>> = { mpeg: 'mp3', mp4: 'm4a', 'x-wav': 'wav', wave: 'wav', plain: 'txt' }
function codingOf(type: string): string {
  const name = type.slice(type.indexOf('/') + 1)
  return Object.hasOwn(codings, name) ? codings[name]! : name
}

/** Texts of a document that is plain text or made of parts, under its name. */
function documentText({ name, context }: MediaPart, source: Source): string {
  const text = source.by === 'text' ? source.text : source.by === 'parts' ? source.parts.map((part) => (part.type === 'text' ? part.text : '')).join('\n') : ''
  return [name === undefined ? 'Document:' : `Document "${name}":`, ...context === undefined ? [] : [context], text].join('\n')
}

function encodeDocument(part: MediaPart, writing: Writing): JsonObject | null {
  const { source, name } = part
  const filename = name !== undefined && { filename: name }
  if (source.by === 'text' || source.by === 'parts') {
    if (source.by === 'parts' && source.parts.some(({ type }) => type !== 'text')) writing.lose('parts of a document that are no text', 'meaning')
    return { type: 'text', text: documentText(part, source) }
  }
  if (part.context !== undefined) writing.lose('what is said about a document', 'meaning')
  if (source.by === 'file') return { type: 'file', file: { file_id: source.id, ...filename } }
  if (writing.dialect.has('document_url')) return { type: 'document_url', document_url: addressOf(part)!, ...name !== undefined && { document_name: name } }
  if (source.by === 'url' && !writing.dialect.has('file_url')) {
    writing.lose('a document by its address', 'meaning')
    return null
  }
  // OpenAI wants a name with the bytes.
  const usual = part.mediaType === undefined ? 'document.pdf' : `document.${codingOf(part.mediaType)}`
  return { type: 'file', file: { file_data: addressOf(part)!, ...filename || (source.by === 'data' && { filename: usual }) } }
}

function encodeMedia(part: MediaPart, writing: Writing): JsonObject | null {
  const { kind, source, detail } = part
  if (part.cites) writing.lose('that quotations are marked', 'meaning')
  if (kind === 'document') return encodeDocument(part, writing)
  const address = addressOf(part)
  if (kind === 'image' && address !== null) return { type: 'image_url', image_url: { url: address, ...detail !== undefined && { detail } } }
  if (kind === 'audio' && source.by === 'data') return { type: 'input_audio', input_audio: { data: source.base64, format: codingOf(typeOf(part, source.base64)) } }
  if (kind === 'video' && address !== null && writing.dialect.has('video_url')) return { type: 'video_url', video_url: { url: address } }
  writing.lose(`${kind === 'audio' || kind === 'image' ? `an ${kind}` : 'a video'}${source.by === 'data' ? '' : source.by === 'url' ? ' by its address' : ' in a file'}`, 'meaning')
  return null
}

const names: Readonly<Record<Part['type'], string>> = {
  text: 'a text', media: 'a file', reasoning: 'a thought', toolCall: 'a call of a tool', toolResult: 'a result of a tool', refusal: 'a refusal', native: 'a part',
}

/** Null: it is lost. */
export function encodePart(part: Part, writing: Writing): JsonObject | null {
  if (part.type === 'native') {
    const cache = encodeCache(part.cache, 'a part', writing)
    if (part.format === 'openai-chat') return { ...part.value, ...cache }
    writing.lose(`a part of the type "${typeof part.value['type'] === 'string' ? part.value['type'] : Object.keys(part.value)[0]}"`, 'meaning')
    return null
  }
  if (part.type !== 'text' && part.type !== 'media') {
    writing.lose(`${names[part.type]} where it can't stand`, 'meaning')
    return null
  }
  writing.loseExtras(part.extras, ' of a part')
  if (part.proof) writing.lose('a proof of a vendor that is not asked', 'hint')
  if (part.id !== undefined) writing.lose('the id of a part', 'hint')
  if (part.type === 'text' && part.phase !== undefined) writing.lose('the phase of a text', 'hint')
  const encoded = part.type === 'text' ? { type: 'text', text: part.text } : encodeMedia(part, writing)
  return encoded && withExtras({ ...encoded, ...encodeCache(part.cache, 'a part', writing) }, part.extras)
}

/** A text where it is one without marks, else a list. */
export function encodeContent(parts: readonly Part[], writing: Writing): string | JsonObject[] {
  const encoded = parts.map((part) => encodePart(part, writing)).filter((part) => part !== null)
  const [first] = encoded
  if (first === undefined) return ''
  return encoded.length === 1 && first['type'] === 'text' && Object.keys(first).length === 2 ? String(first['text']) : encoded
}
