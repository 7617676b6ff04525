/**
 * What bounds the cost of a request. Lists name what is known to be harmless; everything else (a part of a new kind, a new field) counts as
 * unbounded, since a strict budget has to hold for what Google adds tomorrow as well. Names are read in camelCase and snake_case.
 */
import { JsonCursor } from '../../wire/json-cursor.ts'
import type { JsonScanner, Member } from '../../wire/json-scanner.ts'
import type { EndpointSpec, RequestShape } from '../protocol.ts'
import { camelCase } from './fields.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Fields that change what is generated, but not what is billed beyond the tokens of the request and its bounded output. */
const harmlessFields = words('model toolConfig safetySettings labels store megarouter')
const harmlessSettings = words(`
  temperature topP topK seed presencePenalty frequencyPenalty maxOutputTokens stopSequences responseMimeType responseSchema responseJsonSchema _responseJsonSchema responseLogprobs
  logprobs thinkingConfig speechConfig imageConfig mediaResolution audioTimestamp enableEnhancedCivicAnswers`)
const keysOfText = words('text thought thoughtSignature functionCall executableCode codeExecutionResult toolCall toolResponse partMetadata')
const keysOfResult = words('id name response willContinue scheduling')

const openBracket = 0x5b, openBrace = 0x7b, nothing = 0x6e

export function shapeOf(_endpoint: EndpointSpec, body: Buffer, { members }: JsonScanner): RequestShape {
  const shape: RequestShape = { messages: 0, tools: 0, prompts: 1, choices: 1, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null }
  for (const member of members) count(shape, body, member)
  return shape
}

function count(shape: RequestShape, body: Buffer, member: Member): void {
  const cursor = new JsonCursor(body, member.valueStart)
  const key = camelCase(member.key)
  switch (key) {
    case 'contents': case 'systemInstruction': return each(cursor, () => content(shape, cursor))
    case 'tools': return each(cursor, () => tool(shape, cursor))
    case 'generationConfig': return settings(shape, body, cursor)
    case 'serviceTier': return void (shape.serviceTier = cursor.text() || null)
    default: if (!harmlessFields.has(key) && !isOff(body, member)) shape.extra ??= `the field "${key.slice(0, 40)}"`
  }
}

/** `null`, `false`, `[]` and `{}` switch nothing on. */
function isOff(body: Buffer, { valueStart, valueEnd }: Member): boolean {
  const first = body[valueStart]
  if (first === openBracket || first === openBrace) return !new JsonCursor(body, valueStart + 1).more()
  return valueEnd - valueStart <= 5 && /^(null|false)$/.test(body.toString('latin1', valueStart, valueEnd))
}

/** Google takes one thing where a list is declared. */
function each(cursor: JsonCursor, take: () => void): void {
  if (cursor.peek() !== openBracket) return take()
  for (cursor.enter(); cursor.more();) take()
}

function settings(shape: RequestShape, body: Buffer, cursor: JsonCursor): void {
  if (cursor.peek() !== openBrace) return cursor.skip()
  for (cursor.enter(); cursor.more();) {
    const key = camelCase(cursor.key())
    const first = cursor.peek()
    if (key === 'candidateCount') {
      const choices = numberAt(body, cursor)
      if (choices > shape.choices) shape.choices = Math.ceil(choices)
    }
    else if (key === 'responseModalities') each(cursor, () => modality(shape, cursor))
    else {
      if (!harmlessSettings.has(key) && first !== nothing) shape.extra ??= `the setting "${key.slice(0, 40)}"`
      cursor.skip()
    }
  }
}

/** Numbers may stand as texts. NaN: it is none. */
export function numberAt(body: Buffer, cursor: JsonCursor): number {
  cursor.peek()
  const start = cursor.at
  cursor.skip()
  const text = body.toString('latin1', start, cursor.at).replace(/^"|"$/g, '')
  return text === '' ? Number.NaN : Number(text)
}

function modality(shape: RequestShape, cursor: JsonCursor): void {
  const first = cursor.peek()
  const name = cursor.text().toUpperCase()
  if (first !== nothing && name !== 'TEXT' && name !== 'AUDIO') shape.extra ??= `output of the modality "${name.slice(0, 40)}"`
}

function tool(shape: RequestShape, cursor: JsonCursor): void {
  if (cursor.peek() !== openBrace) return cursor.skip()
  for (cursor.enter(); cursor.more();) {
    const key = camelCase(cursor.key())
    if (key === 'functionDeclarations') {
      each(cursor, () => {
        shape.tools++
        cursor.skip()
      })
      continue
    }
    if (cursor.peek() !== nothing) {
      shape.tools++
      shape.extra ??= `the tool "${key.slice(0, 40)}"`
    }
    cursor.skip()
  }
}

function content(shape: RequestShape, cursor: JsonCursor): void {
  shape.messages++
  if (cursor.peek() !== openBrace) return cursor.skip()
  for (cursor.enter(); cursor.more();) {
    const key = camelCase(cursor.key())
    if (key === 'parts') each(cursor, () => part(shape, cursor))
    else {
      if (key !== 'role' && cursor.peek() !== nothing) shape.media ??= `the field "${key.slice(0, 40)}" of a content`
      cursor.skip()
    }
  }
}

/** A part counts as the dearest thing that any of its keys says. */
function part(shape: RequestShape, cursor: JsonCursor): void {
  if (cursor.peek() !== openBrace) return cursor.skip()
  const start = cursor.at
  let isText = true
  let what: string | null = null
  const images = { count: 0, bytes: 0 }
  for (cursor.enter(); cursor.more();) {
    const key = camelCase(cursor.key())
    const first = cursor.peek()
    if (key === 'functionResponse' && first === openBrace) result(shape, cursor)
    else if ((key === 'inlineData' || key === 'fileData') && first === openBrace) {
      isText = false
      const type = media(images, cursor)
      if (type !== null) what ??= `a part of the type "${type.slice(0, 40)}"`
    } else {
      // How closely an image is looked at is within what one is billed at most.
      if (!keysOfText.has(key) && key !== 'mediaResolution' && first !== nothing) what ??= `a part with "${key.slice(0, 40)}"`
      cursor.skip()
    }
  }
  if (what !== null) {
    shape.media ??= what
    shape.mediaBytes += cursor.at - start
  } else if (!isText) {
    shape.images += images.count
    shape.imageBytes += images.bytes
  }
}

/** Of a function: JSON, and media beside it. */
function result(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    const key = camelCase(cursor.key())
    if (key === 'parts') each(cursor, () => part(shape, cursor))
    else {
      if (!keysOfResult.has(key) && cursor.peek() !== nothing) shape.media ??= `the field "${key.slice(0, 40)}" of a function's response`
      cursor.skip()
    }
  }
}

/** Null: an image; else what it is instead. */
function media(images: { count: number; bytes: number }, cursor: JsonCursor): string | null {
  let type: string | null = null
  let other: string | null = null
  let bytes = 0
  for (cursor.enter(); cursor.more();) {
    const key = camelCase(cursor.key())
    cursor.peek()
    const start = cursor.at
    if (key === 'mimeType') {
      type = cursor.text()
      if (!type.startsWith('image/')) other ??= type
      continue
    }
    cursor.skip()
    if (key === 'data') bytes += cursor.at - start
  }
  images.count++
  images.bytes += bytes
  return other ?? (type === null ? 'unknown' : null)
}
