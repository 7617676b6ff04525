/** What bounds the cost of a request to Cohere's chat. Lists name what is known to be harmless; everything else counts as unbounded, since a strict budget has to hold for what is added tomorrow as well. */
import { JsonCursor } from '../../wire/json-cursor.ts'
import type { JsonScanner, Member } from '../../wire/json-scanner.ts'
import type { EndpointSpec, RequestShape } from '../protocol.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const harmlessFields = words(`
  model stream strict_tools citation_options response_format safety_mode max_tokens stop_sequences temperature seed frequency_penalty presence_penalty k p logprobs
  tool_choice thinking priority megarouter`)
const textOfMessage = words('role tool_calls tool_call_id tool_plan citations')
const textBlocks = words('text thinking document')
const keysOfText = words('type text thinking document')
const keysOfImage = words('type image_url')

const openBracket = 0x5b, openBrace = 0x7b, quote = 0x22, letterN = 0x6e

export function shapeOf(_endpoint: EndpointSpec, body: Buffer, { members }: JsonScanner): RequestShape {
  const shape: RequestShape = { messages: 0, tools: 0, prompts: 1, choices: 1, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null }
  for (const member of members) {
    if (member.key === 'messages' || member.key === 'tools' || member.key === 'documents') count(shape, body, member)
    else if (!harmlessFields.has(member.key) && !isOff(body, member)) shape.extra ??= `the field "${member.key.slice(0, 40)}"`
  }
  return shape
}

/** `null`, `false` and `[]` switch nothing on. */
function isOff(body: Buffer, { valueStart, valueEnd }: Member): boolean {
  if (body[valueStart] === openBracket) return new JsonCursor(body, valueStart + 1).peek() === 0x5d
  return valueEnd - valueStart <= 5 && /^(null|false)$/.test(body.toString('latin1', valueStart, valueEnd))
}

function count(shape: RequestShape, body: Buffer, { key, valueStart }: Member): void {
  if (body[valueStart] !== openBracket) return
  const cursor = new JsonCursor(body, valueStart)
  if (key === 'messages') return messages(shape, cursor)
  if (key === 'tools') return tools(shape, cursor)
  // Each document is a text with a template of its own around it, as a message is.
  for (cursor.enter(); cursor.more(); cursor.skip()) shape.messages++
}

function tools(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    shape.tools++
    let type = ''
    if (cursor.peek() !== openBrace) cursor.skip()
    else for (cursor.enter(); cursor.more();) {
      // Of two types the one that may be billed counts.
      if (cursor.key() === 'type' && (type === '' || type === 'function')) type = cursor.text()
      else cursor.skip()
    }
    if (type !== 'function') shape.extra ??= `a tool of the type "${type.slice(0, 40)}"`
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
      const first = cursor.peek()
      if (key === 'content' && first === openBracket) content(shape, cursor)
      else {
        if (!textOfMessage.has(key) && !(key === 'content' && first === quote) && first !== letterN) shape.media ??= `the field "${key.slice(0, 40)}" of a message`
        cursor.skip()
      }
    }
  }
}

function content(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    if (cursor.peek() === openBrace) block(shape, cursor)
    else cursor.skip()
  }
}

/** A block counts as the dearest thing that its type or any of its keys says. */
function block(shape: RequestShape, cursor: JsonCursor): void {
  const start = cursor.at
  let type = ''
  let isText = true
  let isImage = true
  let imageBytes = 0
  for (cursor.enter(); cursor.more();) {
    const key = cursor.key()
    if (key === 'type') {
      type = cursor.text()
      isText &&= textBlocks.has(type)
      isImage &&= type === 'image_url'
      continue
    }
    isText &&= keysOfText.has(key)
    isImage &&= keysOfImage.has(key)
    if (key === 'image_url') imageBytes += inlineBytes(cursor)
    else cursor.skip()
  }
  if (type !== '' && isText) return
  if (type !== '' && isImage) {
    shape.images++
    shape.imageBytes += imageBytes
    return
  }
  shape.media ??= type === '' ? 'a part without a type' : `a part of the type "${type.slice(0, 40)}"`
  shape.mediaBytes += cursor.at - start
}

/** Bytes of an image that stands here as a data URL, under `url`. */
function inlineBytes(cursor: JsonCursor): number {
  if (cursor.peek() !== openBrace) {
    cursor.skip()
    return 0
  }
  let bytes = 0
  for (cursor.enter(); cursor.more();) {
    const isUrl = cursor.key() === 'url'
    cursor.peek()
    const start = cursor.at
    if (!isUrl) cursor.skip()
    else if (/^data:/i.test(cursor.text())) bytes += cursor.at - start
  }
  return bytes
}
