/** Images, documents, audio and video: a format by Bedrock's own short name, and bytes, an object in S3, a text or a list of texts. */
import type { Json, JsonObject, MediaPart, Part } from '../canonical.ts'
import { besides, extrasOf, isEmpty, isObject, isText, under } from './json.ts'
import { documentName } from './names.ts'
import { lose, type Writing } from './writing.ts'

export type MediaKind = MediaPart['kind']

/** The first type of a format is what it is read as. */
const types: Readonly<Record<MediaKind, Readonly<Record<string, readonly string[]>>>> = {
  image: { png: ['image/png'], jpeg: ['image/jpeg', 'image/jpg'], gif: ['image/gif'], webp: ['image/webp'] },
  document: {
    pdf: ['application/pdf'], csv: ['text/csv'], doc: ['application/msword'], docx: ['application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    xls: ['application/vnd.ms-excel'], xlsx: ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'], html: ['text/html'], txt: ['text/plain'], md: ['text/markdown'],
  },
  video: {
    mkv: ['video/x-matroska'], mov: ['video/quicktime'], mp4: ['video/mp4'], webm: ['video/webm'], flv: ['video/x-flv'], mpeg: ['video/mpeg'], mpg: ['video/mpg'],
    wmv: ['video/x-ms-wmv', 'video/wmv'], three_gp: ['video/3gpp'],
  },
  audio: {
    mp3: ['audio/mpeg', 'audio/mp3'], opus: ['audio/opus'], wav: ['audio/wav', 'audio/x-wav', 'audio/wave'], aac: ['audio/aac'], flac: ['audio/flac', 'audio/x-flac'], mp4: ['audio/mp4'],
    ogg: ['audio/ogg'], mkv: ['audio/x-matroska'], mka: ['audio/x-mka'], 'x-aac': ['audio/x-aac'], m4a: ['audio/m4a', 'audio/x-m4a'], mpeg: ['audio/x-mpeg'], mpga: ['audio/mpga'],
    pcm: ['audio/pcm', 'audio/pcm16'], webm: ['audio/webm'],
  },
}
export const mediaKinds = Object.keys(types) as readonly MediaKind[]

const formats = Object.fromEntries(mediaKinds.map((kind) => [kind, new Map(Object.entries(types[kind]).flatMap(([format, list]) => list.map((type) => [type, format] as const)))])) as Record<MediaKind, Map<string, string>>
export const typeOf = (kind: MediaKind, format: string): string | undefined => (Object.hasOwn(types[kind], format) ? types[kind][format]![0] : undefined)

/** Null: it is of a form that is not known. `parts` reads the texts of a document. */
export function decodeMedia(kind: MediaKind, block: JsonObject, parts: (content: Json[]) => Part[]): MediaPart | null {
  const value = block[kind]
  if (!isObject(value)) return null
  const { format, source, name, context, citations } = value
  if (!isObject(source) || (format !== undefined && (!isText(format) || typeOf(kind, format) === undefined))) return null
  const media: MediaPart = { type: 'media', kind, source: { by: 'data', base64: '' } }
  const left = fillSource(media, source, parts)
  if (left === null) return null
  if (isText(format)) media.mediaType = typeOf(kind, format)!
  const known = ['format', 'source']
  if (kind === 'document') {
    if (isText(name)) media.name = name
    if (isText(context)) media.context = context
    const isAsked = isObject(citations) && isEmpty(besides(citations, 'enabled')) && typeof citations['enabled'] === 'boolean'
    if (isAsked) media.cites = citations['enabled'] as boolean
    known.push(...(isText(name) ? ['name'] : []), ...(isText(context) ? ['context'] : []), ...(isAsked ? ['citations'] : []))
  }
  return { ...media, ...extrasOf({ ...besides(block, kind), ...under(kind, { ...besides(value, ...known), ...under('source', left) }) }) }
}

/** What is left of the source; null: it is none. */
function fillSource(media: MediaPart, source: JsonObject, parts: (content: Json[]) => Part[]): JsonObject | null {
  const { bytes, s3Location, text, content } = source
  if (isText(bytes)) {
    media.source = { by: 'data', base64: bytes }
    return besides(source, 'bytes')
  }
  if (isObject(s3Location) && isText(s3Location['uri'])) {
    media.source = { by: 'url', url: s3Location['uri'] }
    return { ...besides(source, 's3Location'), ...under('s3Location', besides(s3Location, 'uri')) }
  }
  if (isText(text)) {
    media.source = { by: 'text', text }
    return besides(source, 'text')
  }
  if (!Array.isArray(content)) return null
  media.source = { by: 'parts', parts: parts(content) }
  return besides(source, 'content')
}

const nameOf: Readonly<Record<MediaKind, string>> = { image: 'an image', document: 'a document', audio: 'an audio', video: 'a video' }

/** Null, and a loss: Bedrock cannot take it. */
export function encodeMedia(writing: Writing, media: MediaPart): JsonObject | null {
  const { kind } = media
  const format = formatOf(writing, media)
  const source = format === null ? null : encodeSource(writing, media)
  if (format === null || source === null) return null
  if (media.detail !== undefined) lose(writing, 'the detail of an image', 'hint')
  if (media.transcript !== undefined) lose(writing, 'the words of an audio beside it', 'hint')
  if (media.proof !== undefined) lose(writing, `the proof of ${nameOf[kind]}`, 'hint')
  const value: JsonObject = { ...(format === undefined ? {} : { format }), source }
  if (kind !== 'document') return { [kind]: value }
  const name = documentName(media.name, writing.documents)
  if (media.name !== undefined && name !== media.name) lose(writing, 'the exact name of a document', 'hint')
  if (!writing.family.citations) {
    if (media.cites || media.context !== undefined) lose(writing, 'that a document is quoted, and what is said of it', 'meaning')
    return { document: { ...value, name } }
  }
  return { document: { ...value, name, ...(media.context === undefined ? {} : { context: media.context }), ...(media.cites === undefined ? {} : { citations: { enabled: media.cites } }) } }
}

/** Undefined: none is needed. Null: there is none for it. */
function formatOf(writing: Writing, { kind, source, mediaType }: MediaPart): string | null | undefined {
  const type = mediaType?.split(';', 1)[0]!.trim().toLowerCase()
  const format = type === undefined ? undefined : formats[kind].get(type)
  if (format !== undefined) return format
  if (kind === 'document') {
    if (type === undefined) return undefined
    // Program texts, JSON and the like.
    if (type.startsWith('text/') || /[/+](json|xml|yaml|x-yaml|javascript|x-sh)$/.test(type)) {
      lose(writing, `the type "${type}" of a document, which goes as plain text`, 'hint')
      return 'txt'
    }
  }
  const ending = source.by === 'url' ? /\.(\w+)$/.exec(source.url)?.[1]?.toLowerCase() : undefined
  if (type === undefined && ending !== undefined && Object.hasOwn(types[kind], ending === 'jpg' ? 'jpeg' : ending)) return ending === 'jpg' ? 'jpeg' : ending
  lose(writing, type === undefined ? `${nameOf[kind]} without a type` : `${nameOf[kind]} of the type "${type.slice(0, 60)}"`, 'meaning')
  return null
}

function encodeSource(writing: Writing, { kind, source }: MediaPart): JsonObject | null {
  switch (source.by) {
    case 'data': return { bytes: source.base64 }
    case 'url':
      if (source.url.startsWith('s3://')) return { s3Location: { uri: source.url } }
      lose(writing, `${nameOf[kind]} by address (Bedrock takes bytes and s3:// addresses)`, 'meaning')
      return null
    case 'file':
      lose(writing, `${nameOf[kind]} that another vendor keeps`, 'meaning')
      return null
    case 'text': return { text: source.text }
    case 'parts': {
      const texts = source.parts.filter((part) => part.type === 'text')
      if (texts.length < source.parts.length) lose(writing, 'what is no text in a document', 'meaning')
      return { content: texts.map(({ text }) => ({ text })) }
    }
  }
}
