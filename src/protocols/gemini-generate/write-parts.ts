/** Canonical parts as Google's parts. What the format has no place for is told to the writer, never left out silently. */
import type { Extras, JsonObject, MediaPart, Part, Proof, ReasoningPart, ToolCallPart, ToolResultPart } from '../canonical.ts'
import { named } from '../members.ts'
import { isObject, merged } from './fields.ts'
import { format, madeUp, resolutions, responseOf } from './parts.ts'
import { saidOf } from './signature.ts'

export interface PartWriter {
  /** What stands for a proof on this way; null: it does not travel. */
  signatureOf(proof: Proof, part: Part): string | null
  /** Of a tool, in a call. */
  toolName(name: string, namespace: string | undefined): string
  /** Of the tool whose result it is. */
  nameOfCall(callId: string): string
  /** Calls and results may have ids. */
  takesIds: boolean
  /** Results may hold media, and media a resolution each: from Gemini 3 on. */
  isThird: boolean
  lose(what: string, kind: 'hint' | 'meaning'): void
}

const usualTypes = { image: 'image/jpeg', audio: 'audio/mpeg', video: 'video/mp4', document: 'application/pdf' } as const
const byEnding: Readonly<Record<string, string>> = {
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp', gif: 'image/gif', heic: 'image/heic', pdf: 'application/pdf', txt: 'text/plain', csv: 'text/csv',
  html: 'text/html', md: 'text/md', mp3: 'audio/mp3', wav: 'audio/wav', ogg: 'audio/ogg', flac: 'audio/flac', mp4: 'video/mp4', mov: 'video/mov', webm: 'video/webm',
}

/** What one part becomes; nothing, where it can't be said. */
export function encodePart(part: Part, writer: PartWriter): JsonObject[] {
  if ('cache' in part && part.cache) writer.lose('a cache mark', 'hint')
  switch (part.type) {
    case 'text':
      if (part.citations) writer.lose('citations of a text', 'hint')
      if (part.phase !== undefined) writer.lose('the phase of a text', 'hint')
      return [signed({ text: part.text }, part, writer)]
    case 'refusal': return [{ text: part.text }]
    case 'reasoning': return thought(part, writer)
    case 'media': return media(part, writer)
    case 'toolCall': return [call(part, writer)]
    case 'toolResult': return result(part, writer)
    case 'native':
      if (part.format === format) return [part.value]
      writer.lose(`a part of ${part.format} ("${(named(part.value['type']) ?? Object.keys(part.value)[0] ?? '').slice(0, 40)}")`, 'meaning')
      return []
  }
}

/** Members that only their own format knows. */
export function withExtras(value: JsonObject, extras: Extras | undefined, of: string, lose: PartWriter['lose']): JsonObject {
  if (!extras) return value
  if (extras.format === format) return merged(value, extras.fields)
  for (const key of Object.keys(extras.fields)) lose(`the field "${key.slice(0, 40)}" of ${of}`, 'hint')
  return value
}

function signed(data: JsonObject, part: Exclude<Part, { type: 'native' | 'refusal' | 'toolResult' }>, writer: PartWriter): JsonObject {
  const signature = part.proof ? writer.signatureOf(part.proof, part) : null
  return withExtras(signature === null ? data : { ...data, thoughtSignature: signature }, part.extras, 'a part', writer.lose)
}

function thought(part: ReasoningPart, writer: PartWriter): JsonObject[] {
  const text = saidOf(part) ?? ''
  const written = signed({ text, thought: true }, part, writer)
  return text === '' && written['thoughtSignature'] === undefined ? [] : [written]
}

function call(part: ToolCallPart, writer: PartWriter): JsonObject {
  const { id, name, namespace, arguments: text, custom } = part
  const args = custom ? { input: text } : argumentsOf(text, writer.lose)
  const hasId = writer.takesIds && id !== '' && !id.startsWith(madeUp)
  return signed({ functionCall: { ...(hasId ? { id } : {}), name: writer.toolName(name, namespace), args } }, part, writer)
}

/** Google wants an object. What is none stands in one, under a name that no tool has. */
export function argumentsOf(text: string, lose: PartWriter['lose']): JsonObject {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
    // So some models call a tool that takes nothing.
    if (value === null) return {}
  } catch {
    // Told below.
  }
  lose('arguments that are no JSON object (sent as a text under "_arguments")', 'hint')
  return { _arguments: text }
}

function result(part: ToolResultPart, writer: PartWriter): JsonObject[] {
  const { callId, name, parts, isError, extras } = part
  const texts: string[] = []
  const others: JsonObject[] = []
  for (const each of parts) {
    if (each.type === 'text') {
      if (each.cache) writer.lose('a cache mark', 'hint')
      texts.push(each.text)
    } else if (each.type === 'media' || each.type === 'native') others.push(...encodePart(each, writer))
    else writer.lose(`a part of the type "${each.type}" in a tool’s result`, 'meaning')
  }
  if (texts.length > 1) writer.lose('the borders between texts of a tool’s result', 'hint')
  const response = texts.length === 0 && !isError ? {} : responseOf(texts.join('\n'), isError === true)
  const id = writer.takesIds && callId !== '' && !callId.startsWith(madeUp) ? { id: callId } : {}
  const nested = writer.isThird && others.length > 0 ? { parts: others } : {}
  const written = withExtras({ functionResponse: { ...id, name: name ?? writer.nameOfCall(callId), response, ...nested } }, extras, 'a tool’s result', writer.lose)
  if (others.length > 0 && !writer.isThird) writer.lose('that media belong to a tool’s result (sent beside it)', 'hint')
  return writer.isThird ? [written] : [written, ...others]
}

function media(part: MediaPart, writer: PartWriter): JsonObject[] {
  const { source, name, context, cites, detail, transcript } = part
  if (context !== undefined) writer.lose('the context of a document', 'meaning')
  if (cites) writer.lose('citations from a document', 'hint')
  const mimeType = mediaTypeOf(part)
  const title = name === undefined ? {} : { displayName: name }
  let data: JsonObject
  switch (source.by) {
    case 'data': data = { inlineData: { mimeType, data: source.base64, ...title } }; break
    case 'text': data = { inlineData: { mimeType: 'text/plain', data: Buffer.from(source.text).toString('base64'), ...title } }; break
    case 'url': data = { fileData: { mimeType, fileUri: source.url, ...title } }; break
    case 'file':
      if (!/:\/\/|^files\//.test(source.id)) {
        writer.lose('a file that another vendor keeps', 'meaning')
        return []
      }
      data = { fileData: { ...(part.mediaType === undefined ? {} : { mimeType }), fileUri: source.id, ...title } }
      break
    case 'parts':
      writer.lose('the borders of a document', 'hint')
      return source.parts.flatMap((each) => encodePart(each, writer))
  }
  const written = signed({ ...data, ...resolutionOf(detail, writer) }, part, writer)
  return transcript === undefined ? [written] : [written, { text: transcript }]
}

function resolutionOf(detail: string | undefined, { isThird, lose }: PartWriter): JsonObject {
  if (detail === undefined || detail === 'auto') return {}
  const level = resolutions[detail]
  if (level !== undefined && isThird) return { mediaResolution: { level } }
  lose('how closely an image is looked at', 'hint')
  return {}
}

function mediaTypeOf({ mediaType, source, kind }: MediaPart): string {
  if (mediaType !== undefined) return mediaType
  const ending = source.by === 'url' ? /\.([a-z0-9]+)(?:[?#]|$)/i.exec(source.url)?.[1]?.toLowerCase() : undefined
  return byEnding[ending ?? ''] ?? usualTypes[kind]
}
