/** A part as it came, in canonical form. What it says beside its data stays with it; parts that only Google knows stay whole. */
import type { Json, JsonObject, MediaPart, Part, Source, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts'
import { Fields, isObject, listOf } from './fields.ts'
import { noSignature, prove, type Signature, type Thought } from './signature.ts'

export const format = 'gemini-generate'

/** Ids of calls that came without one begin so, and are not written. */
export const madeUp = 'mrcall_'

export const resolutions: Readonly<Record<string, string>> = {
  low: 'MEDIA_RESOLUTION_LOW', medium: 'MEDIA_RESOLUTION_MEDIUM', high: 'MEDIA_RESOLUTION_HIGH', original: 'MEDIA_RESOLUTION_ULTRA_HIGH',
}

export interface PartReader {
  read(signature: string): Signature
  /** A part carries thoughts of other parts. */
  carried(part: Part, thoughts: Thought[]): void
  /** For a call without an id. */
  callId(): string
}

export function decodePart(value: Json, reader: PartReader): Part | null {
  if (!isObject(value)) return null
  const fields = new Fields(value)
  const isThought = fields.boolean('thought') === true
  const signature = fields.text('thoughtSignature')
  const signed = signature && signature !== noSignature ? reader.read(signature) : undefined
  const part = isThought && fields.has('text') ? thoughtOf(fields) : dataOf(fields, reader)
  if (part === null) return { type: 'native', format, value }
  if (isThought && part.type !== 'reasoning') fields.put('thought', true)
  if (signed) sign(part, signed, reader)
  const rest = fields.rest()
  if (rest) part.extras = { format, fields: rest }
  return part
}

function sign(part: Known, signed: Signature, reader: PartReader): void {
  if ('thoughts' in signed) {
    if (part.type !== 'reasoning') return reader.carried(part, signed.thoughts)
    if (signed.thoughts[0]) prove(part, signed.thoughts[0].part)
  } else if (part.type !== 'toolResult') part.proof = signed.proof
}

type Known = Exclude<Part, { type: 'native' | 'refusal' }>

function thoughtOf(fields: Fields): Known | null {
  const text = fields.text('text')
  return text === undefined ? null : { type: 'reasoning', ...(text === '' ? {} : { text }) }
}

function dataOf(fields: Fields, reader: PartReader): Known | null {
  const text = fields.text('text')
  if (text !== undefined) return { type: 'text', text } satisfies TextPart
  for (const [name, decode] of readers) {
    const value = fields.object(name)
    if (!value) continue
    const data = new Fields(value)
    const part = decode(data, reader, fields)
    if (part) {
      fields.put(name, data.rest())
      return part
    }
  }
  return null
}

const readers: readonly [string, (data: Fields, reader: PartReader, beside: Fields) => Known | null][] = [
  ['functionCall', callOf], ['functionResponse', resultOf],
  ['inlineData', (data, _, beside) => mediaOf(data, { by: 'data', base64: data.text('data') ?? '' }, beside)],
  ['fileData', (data, _, beside) => mediaOf(data, fileOf(data.text('fileUri') ?? ''), beside)],
]

function callOf(data: Fields, reader: PartReader): ToolCallPart | null {
  const name = data.text('name')
  if (name === undefined) return null
  return { type: 'toolCall', id: data.text('id') || reader.callId(), name, arguments: JSON.stringify(data.object('args') ?? {}) }
}

/** Which call it answers is known from the conversation, where it has no id: `callId` is empty then. */
function resultOf(data: Fields, reader: PartReader): ToolResultPart {
  const response = data.object('response')
  const said = textOf(response ?? {})
  const parts: Part[] = said.text === null ? [] : [{ type: 'text', text: said.text }]
  for (const each of listOf(data.take('parts'))) {
    const part = decodePart(each, reader)
    if (part) parts.push(part)
  }
  const name = data.text('name')
  return { type: 'toolResult', callId: data.text('id') ?? '', ...(name === undefined ? {} : { name }), parts, ...(said.isError ? { isError: true } : {}) }
}

/** The end of a stream leaves such a part; Google and others refuse it in a turn of the model's. */
export const isEmpty = (part: Part): boolean => part.type === 'text' && part.text === '' && !part.proof && !part.extras

/** Google's own names for what a function says are `output` and `error`; whatever else it says is kept as JSON. */
function textOf(response: JsonObject): { text: string | null; isError: boolean } {
  const [name, ...others] = Object.keys(response)
  if (name === undefined) return { text: null, isError: false }
  const value = response[name]!
  if (others.length === 0 && typeof value === 'string') {
    if (name === 'error') return { text: value, isError: true }
    if (name === 'output' && !isJsonObject(value)) return { text: value, isError: false }
  }
  return { text: JSON.stringify(response), isError: false }
}

/** The other way: JSON that would be read as it is stands as it is. */
export function responseOf(text: string, isError: boolean): JsonObject {
  if (isError) return { error: text }
  return isJsonObject(text) ? (JSON.parse(text) as JsonObject) : { output: text }
}

/** The text of an object that has members, written as this writes it, so that nothing of it changes on the way. */
function isJsonObject(text: string): boolean {
  if (!text.startsWith('{"')) return false
  try {
    return JSON.stringify(JSON.parse(text)) === text
  } catch {
    return false
  }
}

function mediaOf(data: Fields, source: Source, beside: Fields): MediaPart {
  const mediaType = data.text('mimeType')
  const name = data.text('displayName')
  const part: MediaPart = { type: 'media', kind: kindOf(mediaType ?? ''), source, ...(mediaType === undefined ? {} : { mediaType }), ...(name === undefined ? {} : { name }) }
  const resolution = beside.object('mediaResolution')
  const detail = Object.keys(resolutions).find((each) => resolutions[each] === resolution?.['level'])
  if (detail === undefined) beside.put('mediaResolution', resolution)
  else {
    part.detail = detail
    const { level: _, ...rest } = resolution!
    beside.put('mediaResolution', rest)
  }
  return part
}

function kindOf(mediaType: string): MediaPart['kind'] {
  if (mediaType.startsWith('image/')) return 'image'
  if (mediaType.startsWith('audio/')) return 'audio'
  return mediaType.startsWith('video/') ? 'video' : 'document'
}

/** What Google keeps itself, and what it fetches from anywhere. */
const fileOf = (uri: string): Source =>
  (/^https?:\/\//.test(uri) && !uri.startsWith('https://generativelanguage.googleapis.com/') ? { by: 'url', url: uri } : { by: 'file', id: uri })
