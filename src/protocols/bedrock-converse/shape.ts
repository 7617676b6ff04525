/**
 * What bounds the cost of a request. Lists name what is known to be harmless; everything else (a block of a new kind, a new member, a
 * guardrail, a tool that Bedrock runs) counts as unbounded, since a strict budget has to hold for what AWS adds tomorrow as well.
 */
import { JsonCursor } from '../../wire/json-cursor.ts'
import type { JsonScanner } from '../../wire/json-scanner.ts'
import type { EndpointSpec, RequestShape } from '../protocol.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const harmless = words('inferenceConfig additionalModelResponseFieldPaths requestMetadata outputConfig modelId megarouter')
/** Of models: what changes the output, and not what is billed beside its tokens. */
const harmlessMore = words('top_k thinking output_config reasoning_config reasoningConfig reasoning_effort anthropic_beta tool_choice k p frequency_penalty presence_penalty seed')
/** Texts and marks, bounded by their bytes. */
const texts = words('text json cachePoint toolUse reasoningContent citationsContent searchResult')

const openBracket = 0x5b, openBrace = 0x7b

export function shapeOf(_endpoint: EndpointSpec, body: Buffer, { members }: JsonScanner): RequestShape {
  const shape: RequestShape = { messages: 0, tools: 0, prompts: 1, choices: 1, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null }
  for (const { key, valueStart } of members) {
    if (harmless.has(key)) continue
    const cursor = new JsonCursor(body, valueStart)
    const first = body[valueStart]
    if (key === 'messages' && first === openBracket) messages(shape, cursor)
    else if (key === 'system' && first === openBracket) {
      shape.messages++
      blocks(shape, cursor)
    } else if (key === 'toolConfig' && first === openBrace) tools(shape, cursor)
    else if (key === 'serviceTier' && first === openBrace) shape.serviceTier = textAt(cursor, 'type') || null
    else if (key === 'performanceConfig' && first === openBrace) optimized(shape, cursor)
    else if (key === 'additionalModelRequestFields' && first === openBrace) more(shape, cursor)
    // `null` switches nothing on.
    else if (first !== 0x6e) shape.extra ??= `the field "${key.slice(0, 40)}"`
  }
  return shape
}

/** The text of one member of the object that comes next. */
function textAt(cursor: JsonCursor, name: string): string {
  let text = ''
  for (cursor.enter(); cursor.more();) {
    if (cursor.key() === name) text = cursor.text()
    else cursor.skip()
  }
  return text
}

/** A faster model has a price of its own. */
function optimized(shape: RequestShape, cursor: JsonCursor): void {
  const latency = textAt(cursor, 'latency')
  if (latency !== 'standard' && latency !== '') shape.extra ??= `the latency "${latency.slice(0, 40)}"`
}

function more(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    const key = cursor.key()
    // Nova's settings; an output limit there would stand beside the one that is known.
    if (key === 'inferenceConfig' && cursor.peek() === openBrace) {
      for (cursor.enter(); cursor.more(); cursor.skip()) if (cursor.key() !== 'topK') shape.extra ??= 'settings of a model that bypass its limits'
    } else {
      if (!harmlessMore.has(key)) shape.extra ??= `the field "${key.slice(0, 40)}" of a model`
      cursor.skip()
    }
  }
}

function tools(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    const key = cursor.key()
    if (key !== 'tools' || cursor.peek() !== openBracket) {
      cursor.skip()
      continue
    }
    for (cursor.enter(); cursor.more();) {
      if (cursor.peek() !== openBrace) {
        cursor.skip()
        continue
      }
      for (cursor.enter(); cursor.more(); cursor.skip()) {
        const kind = cursor.key()
        if (kind === 'toolSpec') shape.tools++
        else if (kind !== 'cachePoint') shape.extra ??= `a tool of the kind "${kind.slice(0, 40)}"`
      }
    }
  }
}

function messages(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    shape.messages++
    if (cursor.peek() !== openBrace) {
      cursor.skip()
      continue
    }
    for (cursor.enter(); cursor.more();) {
      const key = cursor.key()
      if (key === 'content' && cursor.peek() === openBracket) blocks(shape, cursor)
      else {
        if (key !== 'role') shape.media ??= `the field "${key.slice(0, 40)}" of a message`
        cursor.skip()
      }
    }
  }
}

function blocks(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    if (cursor.peek() !== openBrace) {
      cursor.skip()
      continue
    }
    for (cursor.enter(); cursor.more();) block(shape, cursor, cursor.key())
  }
}

function block(shape: RequestShape, cursor: JsonCursor, kind: string): void {
  const isObject = cursor.peek() === openBrace
  const start = cursor.at
  if (kind === 'image' && isObject) image(shape, cursor)
  else if (kind === 'toolResult' && isObject) {
    for (cursor.enter(); cursor.more();) {
      const key = cursor.key()
      if (key === 'content' && cursor.peek() === openBracket) blocks(shape, cursor)
      else cursor.skip()
    }
  } else if (kind === 'guardContent' && isObject) {
    for (cursor.enter(); cursor.more();) {
      const key = cursor.key()
      if (key === 'image' && cursor.peek() === openBrace) image(shape, cursor)
      else cursor.skip()
    }
  } else if (kind === 'document' && isObject && isTextDocument(cursor)) return
  else {
    cursor.at = start
    cursor.skip()
    if (texts.has(kind)) return
    shape.media ??= `a part of the kind "${kind.slice(0, 40)}"`
    shape.mediaBytes += cursor.at - start
  }
}

/** By reference or in the body. */
function image(shape: RequestShape, cursor: JsonCursor): void {
  shape.images++
  for (cursor.enter(); cursor.more();) {
    const isSource = cursor.key() === 'source' && cursor.peek() === openBrace
    if (!isSource) cursor.skip()
    else for (cursor.enter(); cursor.more();) {
      const key = cursor.key()
      cursor.peek()
      const start = cursor.at
      cursor.skip()
      if (key === 'bytes') shape.imageBytes += cursor.at - start
    }
  }
}

/** Its source is a text, or a list of texts: bounded by their bytes. Leaves the document. */
function isTextDocument(cursor: JsonCursor): boolean {
  let isText = false
  for (cursor.enter(); cursor.more();) {
    const isSource = cursor.key() === 'source' && cursor.peek() === openBrace
    if (!isSource) cursor.skip()
    else for (cursor.enter(), isText = true; cursor.more(); cursor.skip()) {
      const key = cursor.key()
      isText &&= key === 'text' || key === 'content'
    }
  }
  return isText
}
