/** Parts of a message's content, read: texts, images, sound, files, and what single vendors add to them. A part of a kind that nobody knows stays as it came. */
import type { CacheHint, Json, JsonObject, MediaPart, NativePart, Part, ReasoningPart, Source, TextPart } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import { compact, isObject, Members } from './members.ts'

interface Located { source: Source; mediaType?: string }

/** `data:image/png;base64,…`; any other address is one. */
function decodeAddress(url: string): Located {
  const comma = url.indexOf(',')
  const head = comma < 0 ? '' : url.slice(0, comma)
  if (!head.startsWith('data:') || !head.endsWith(';base64') || head.length === 12) return { source: { by: 'url', url } }
  return { source: { by: 'data', base64: url.slice(comma + 1) }, mediaType: head.slice(5, -7) }
}

/** The same, or base64 alone. */
const decodeBytes = (text: string): Located => (/^(data|https?):/.test(text) ? decodeAddress(text) : { source: { by: 'data', base64: text } })

/** OpenAI's own mark, and the one that OpenRouter and others took over from Anthropic. */
export function decodeCache(members: Members): CacheHint | undefined {
  const breakpoint = members.object('prompt_cache_breakpoint')
  const control = members.object('cache_control')
  if (!breakpoint && !control) return undefined
  const ttl = control?.['ttl']
  return typeof ttl === 'string' ? { ttl } : {}
}

/** MIME types of the names that this format gives to codings of sound; of any other it is the name. */
const audioTypes: Readonly<Record<string, string>> = { mp3: 'audio/mpeg', m4a: 'audio/mp4' }
const audioType = (coding: string): string => audioTypes[coding] ?? `audio/${coding}`

function media(kind: MediaPart['kind'], located: Located, members: Members, more: Partial<MediaPart> = {}): MediaPart {
  return { type: 'media', kind, ...located, ...more, ...compact({ cache: decodeCache(members), extras: members.extras() }) }
}

function decodeImage(members: Members): MediaPart | null {
  const url = members.maybeText('image_url')
  if (url !== undefined) return media('image', decodeAddress(url), members)
  const image = members.within('image_url')
  const address = image?.text('url')
  const detail = image?.text('detail')
  return address === undefined ? null : media('image', decodeAddress(address), members, compact({ detail }))
}

function decodeAudio(members: Members): MediaPart | null {
  // Mistral takes the bytes alone, or an address.
  const bare = members.maybeText('input_audio')
  if (bare !== undefined) return media('audio', decodeBytes(bare), members)
  const audio = members.within('input_audio')
  const base64 = audio?.text('data')
  const format = audio?.text('format')
  return base64 === undefined ? null : media('audio', { source: { by: 'data', base64 }, ...format !== undefined && { mediaType: audioType(format) } }, members)
}

function decodeFile(members: Members): MediaPart | null {
  const file = members.within('file')
  const id = file?.text('file_id')
  const data = file?.text('file_data')
  const name = file?.text('filename')
  if (id === undefined && data === undefined) return null
  return media('document', id === undefined ? decodeBytes(data!) : { source: { by: 'file', id } }, members, compact({ name }))
}

/** An address as a text of its own or within an object: `video_url`, `audio_url`. */
function decodeAddressed(kind: MediaPart['kind'], members: Members, key: string): MediaPart | null {
  const url = members.maybeText(key) ?? members.maybeWithin(key)?.text('url')
  return url === undefined ? null : media(kind, decodeAddress(url), members)
}

function decodeDocument(members: Members): MediaPart | null {
  const url = members.text('document_url')
  const name = members.text('document_name')
  return url === undefined ? null : media('document', decodeAddress(url), members, compact({ name }))
}

/** Mistral's stretch of thought: a list of texts. */
function decodeThinking(members: Members): ReasoningPart | null {
  const inner = members.any('thinking')
  if (typeof inner === 'string') return { type: 'reasoning', text: inner, ...compact({ extras: members.extras() }) }
  if (!Array.isArray(inner)) return null
  const texts = inner.map((each) => (isObject(each) && each['type'] === 'text' && typeof each['text'] === 'string' ? each['text'] : null))
  if (texts.includes(null)) {
    members.putBack('thinking', inner)
    return null
  }
  if (members.flag('closed') === false) members.putBack('closed', false)
  return { type: 'reasoning', text: texts.join(''), ...compact({ extras: members.extras() }) }
}

function decodeText(members: Members): TextPart | null {
  const text = members.text('text')
  return text === undefined ? null : { type: 'text', text, ...compact({ cache: decodeCache(members), extras: members.extras() }) }
}

const known: Readonly<Record<string, (members: Members) => Part | null>> = {
  text: decodeText,
  input_text: decodeText,
  output_text: decodeText,
  refusal: (members) => {
    const text = members.text('refusal')
    return text === undefined ? null : { type: 'refusal', text }
  },
  image_url: decodeImage,
  input_audio: decodeAudio,
  file: decodeFile,
  document_url: decodeDocument,
  video_url: (members) => decodeAddressed('video', members, 'video_url'),
  audio_url: (members) => decodeAddressed('audio', members, 'audio_url'),
  thinking: decodeThinking,
}

const asItCame = (value: JsonObject): NativePart => ({ type: 'native', format: 'openai-chat', value })

export function decodePart(raw: Json, place: string | null): Part | null {
  if (!isObject(raw)) {
    if (place === null) return typeof raw === 'string' ? { type: 'text', text: raw } : null
    throw new BadRequest(`"${place}" must be an object with a "type".`, place)
  }
  const members = new Members(raw, place === null ? null : `${place}.`)
  const type = members.text('type')
  const decode = type !== undefined && Object.hasOwn(known, type) ? known[type] : undefined
  return decode?.(members) ?? asItCame(raw)
}

/** A text, or a list of parts. An empty text is none. */
export function decodeContent(members: Members): Part[] {
  const text = members.maybeText('content')
  if (text !== undefined) return text === '' ? [] : [{ type: 'text', text }]
  const place = members.at('content')
  return (members.list('content') ?? []).map((each, index) => decodePart(each, place === null ? null : `${place}[${index}]`)).filter((part) => part !== null)
}
