/**
 * Contents of messages and of tool results: texts, images, files, sound, and marks of the prompt cache. A content of a kind that is not
 * known stays as it came. https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
 */
import type { CacheHint, Json, JsonObject, MediaPart, Part, Source, TextPart } from '../canonical.ts'
import { named } from '../members.ts'
import { extrasOf, format, isObject, type Losses, objectOr, only, textOr, words } from './json.ts'

const keysOfText = words('type text annotations logprobs prompt_cache_breakpoint')
const keysOfImage = words('type image_url detail prompt_cache_breakpoint')
const keysOfFile = words('type file_data filename detail prompt_cache_breakpoint')
const keysOfSound = words('type input_audio')

/** Lifetimes of explicit breakpoints. Marks of other vendors have others, and are not written: only newer models of OpenAI take them. */
const lifetimes = new Set(['30m', '12h'])
export const usualLifetime = '30m'

/** `lifetime`: of breakpoints that name none of their own. */
function cacheOf(part: JsonObject, lifetime: string): CacheHint | undefined {
  const mark = part['prompt_cache_breakpoint']
  return isObject(mark) ? { ttl: textOr(mark['ttl']) ?? lifetime } : undefined
}

export function contentPart(part: Json, lifetime: string): Part {
  if (!isObject(part)) return { type: 'native', format, value: { type: 'input_text', text: named(part) ?? JSON.stringify(part) } }
  const text = textOr(part['text'])
  if (text !== undefined && (part['type'] === 'input_text' || part['type'] === 'output_text' || part['type'] === 'text')) {
    return only<TextPart>({ type: 'text', text, cache: cacheOf(part, lifetime), ...extrasOf(part, keysOfText) })
  }
  if (part['type'] === 'input_image') return imagePart(part, lifetime) ?? { type: 'native', format, value: part }
  if (part['type'] === 'input_file') return filePart(part, lifetime) ?? { type: 'native', format, value: part }
  if (part['type'] === 'input_audio') return soundPart(part) ?? { type: 'native', format, value: part }
  return { type: 'native', format, value: part }
}

function imagePart(part: JsonObject, lifetime: string): MediaPart | null {
  const url = textOr(part['image_url'])
  const id = textOr(part['file_id'])
  if (url === undefined && id === undefined) return null
  const detail = textOr(part['detail'])
  return only<MediaPart>({
    type: 'media', kind: 'image', ...(url === undefined ? { source: { by: 'file', id: id! } } : addressed(url)),
    detail: detail === 'auto' ? undefined : detail, cache: cacheOf(part, lifetime), ...extrasOf(url === undefined ? without(part, 'file_id') : part, keysOfImage),
  })
}

function filePart(part: JsonObject, lifetime: string): MediaPart | null {
  const data = textOr(part['file_data'])
  const url = textOr(part['file_url'])
  const id = textOr(part['file_id'])
  const used = data !== undefined ? 'file_data' : url !== undefined ? 'file_url' : 'file_id'
  const from: Pick<MediaPart, 'source' | 'mediaType'> | null = data !== undefined ? dataOf(data) ?? { source: { by: 'data', base64: data } }
    : url !== undefined ? { source: { by: 'url', url } } : id !== undefined ? { source: { by: 'file', id } } : null
  return from && only<MediaPart>({
    type: 'media', kind: 'document', ...from, name: textOr(part['filename']), detail: textOr(part['detail']), cache: cacheOf(part, lifetime), ...extrasOf(without(part, used), keysOfFile),
  })
}

function soundPart(part: JsonObject): MediaPart | null {
  const { data, format: coding } = objectOr(part['input_audio'])
  if (typeof data !== 'string') return null
  return only<MediaPart>({ type: 'media', kind: 'audio', source: { by: 'data', base64: data }, mediaType: typeof coding === 'string' ? `audio/${coding}` : undefined, ...extrasOf(part, keysOfSound) })
}

function without(part: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = part
  return rest
}

const addressed = (url: string): Pick<MediaPart, 'source' | 'mediaType'> => dataOf(url) ?? { source: { by: 'url', url } }

/** Bytes that stand in a `data:` address; null: it is another one. */
function dataOf(url: string): Pick<MediaPart, 'source' | 'mediaType'> | null {
  if (!url.startsWith('data:')) return null
  const comma = url.indexOf(',')
  const head = url.slice(5, Math.max(5, comma))
  if (!head.endsWith(';base64')) return null
  const mediaType = head.slice(0, -7)
  return { source: { by: 'data', base64: url.slice(comma + 1) }, ...(mediaType === '' ? {} : { mediaType }) }
}

function breakpoint(cache: CacheHint | undefined, losses: Losses): Json | undefined {
  if (!cache) return undefined
  if (cache.ttl !== undefined && lifetimes.has(cache.ttl)) return { mode: 'explicit', ttl: cache.ttl }
  losses.add('cache mark')
  return undefined
}

/** A content of a message of the user or the system, or of a tool's result. Documents that are text become texts. */
export function writeContent(part: Part, losses: Losses): JsonObject[] {
  if (part.type === 'text') {
    if (part.citations) losses.add('citations')
    if (part.proof) losses.add('proof of a text')
    return [only<JsonObject>({ type: 'input_text', text: part.text, prompt_cache_breakpoint: breakpoint(part.cache, losses), ...losses.own(part.extras, 'a text') })]
  }
  if (part.type === 'refusal') return [{ type: 'input_text', text: part.text }]
  if (part.type === 'media') return writeMedia(part, losses)
  if (part.type === 'native' && part.format === format) return [part.value]
  losses.add(part.type === 'native' ? `a part of the type "${named(part.value['type']) ?? part.format}"` : `a part of the type "${part.type}" where texts and media stand`, 'meaning')
  return []
}

function writeMedia(part: MediaPart, losses: Losses): JsonObject[] {
  const { kind, source } = part
  if (kind === 'audio' || kind === 'video') {
    losses.add(kind, 'meaning')
    return part.transcript === undefined ? [] : [{ type: 'input_text', text: part.transcript }]
  }
  if (part.cites) losses.add('citations of a document')
  if (part.proof) losses.add(`proof of ${kind === 'image' ? 'an image' : 'a document'}`)
  if (source.by === 'text' || source.by === 'parts') return writeWords(part, source, losses)
  if (part.context !== undefined) losses.add('context of a document', 'meaning')
  const common = { prompt_cache_breakpoint: breakpoint(part.cache, losses), ...losses.own(part.extras, kind === 'image' ? 'an image' : 'a document') }
  if (kind === 'image') {
    const image: Record<string, Json | undefined> = source.by === 'file' ? { file_id: source.id } : { image_url: address(source, part.mediaType ?? 'image/png') }
    return [only<JsonObject>({ type: 'input_image', detail: part.detail ?? 'auto', ...image, ...common })]
  }
  const mediaType = part.mediaType ?? 'application/pdf'
  const file: Record<string, Json | undefined> = source.by === 'file' ? { file_id: source.id, filename: part.name }
    : source.by === 'url' ? { file_url: source.url, filename: part.name }
      // A file in the body needs a name, by which the vendor knows what it is.
      : { file_data: address(source, mediaType), filename: part.name ?? `document.${mediaType.slice(mediaType.indexOf('/') + 1)}` }
  return [only<JsonObject>({ type: 'input_file', detail: part.detail, ...file, ...common })]
}

const address = (source: Extract<Source, { by: 'data' | 'url' }>, mediaType: string): string => (source.by === 'url' ? source.url : `data:${mediaType};base64,${source.base64}`)

function writeWords({ name, context, cache }: MediaPart, source: Extract<Source, { by: 'text' | 'parts' }>, losses: Losses): JsonObject[] {
  const head = [name, context].filter((each) => each !== undefined).join('\n')
  const title: JsonObject[] = head === '' ? [] : [{ type: 'input_text', text: head }]
  const inner: Part[] = source.by === 'text' ? [only<TextPart>({ type: 'text', text: source.text, cache })] : source.parts
  losses.add('that a text is a document')
  return [...title, ...inner.flatMap((part) => writeContent(part, losses))]
}
