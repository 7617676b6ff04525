/**
 * What bounds the cost of a request in this format. Lists name what is known to be harmless; everything else (a block of a new kind, a
 * new field, a tool that the vendor runs, faster or nearer inference) counts as unbounded: a strict budget has to hold for what is added tomorrow too.
 */
import { JsonCursor } from '../../wire/json-cursor.ts'
import type { JsonScanner, Member } from '../../wire/json-scanner.ts'
import type { EndpointSpec, RequestShape } from '../protocol.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const harmlessFields = words(`
  model stream max_tokens temperature top_p top_k stop_sequences metadata thinking output_config output_format tool_choice megarouter anthropic_version anthropic_beta betas
  cache_control user_profile_id diagnostics`)
const counted = words('messages system tools context_management service_tier speed inference_geo')
/** Edits that only take away from the context. */
const harmlessEdits = words('clear_thinking_20251015 clear_tool_uses_20250919')

const textOfMessage = words('role content output_config cache_control')
const textBlocks = words('text thinking redacted_thinking tool_use tool_result search_result tool_reference tool_addition tool_removal server_tool_use mcp_tool_use fallback')
const keysOfText = words(`type text citations cache_control thinking signature data id name input caller tool_use_id content is_error title source tool_name tool server_name from to trigger
  toolset_name`)
const keysOfMedia = words('type source cache_control title context citations')

const openBracket = 0x5b, openBrace = 0x7b, quote = 0x22

export function shapeOf(_endpoint: EndpointSpec, body: Buffer, { members }: JsonScanner): RequestShape {
  const shape: RequestShape = { messages: 0, tools: 0, prompts: 1, choices: 1, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null }
  for (const member of members) {
    if (counted.has(member.key)) count(shape, body, member)
    else if (!harmlessFields.has(member.key) && !isOff(body, member)) shape.extra ??= `the field "${member.key.slice(0, 40)}"`
  }
  return shape
}

/** `null`, `false` and `[]` switch nothing on. */
function isOff(body: Buffer, { valueStart, valueEnd }: Member): boolean {
  if (body[valueStart] === openBracket) return new JsonCursor(body, valueStart + 1).peek() === 0x5d
  return valueEnd - valueStart <= 5 && /^(null|false)$/.test(body.toString('latin1', valueStart, valueEnd))
}

function count(shape: RequestShape, body: Buffer, member: Member): void {
  const cursor = new JsonCursor(body, member.valueStart)
  const first = body[member.valueStart]
  switch (member.key) {
    case 'messages': return first === openBracket ? messages(shape, cursor) : undefined
    case 'system':
      if (isOff(body, member)) return
      shape.messages++
      return first === openBracket ? blocks(shape, cursor) : undefined
    case 'tools': return first === openBracket ? tools(shape, cursor) : undefined
    case 'context_management': return edits(shape, cursor)
    case 'service_tier': {
      const tier = cursor.text()
      // What is billed as usual.
      shape.serviceTier = tier === '' || tier === 'standard_only' ? null : tier
      return
    }
    default: {
      const value = cursor.text()
      if (!isOff(body, member) && value !== 'standard' && value !== 'global') shape.extra ??= `the field "${member.key}"`
    }
  }
}

function edits(shape: RequestShape, cursor: JsonCursor): void {
  if (cursor.peek() !== openBrace) return cursor.skip()
  for (cursor.enter(); cursor.more();) {
    if (cursor.key() !== 'edits' || cursor.peek() !== openBracket) {
      cursor.skip()
      continue
    }
    for (cursor.enter(); cursor.more();) {
      const type = typeOf(cursor, harmlessEdits)
      if (!harmlessEdits.has(type)) shape.extra ??= `an edit of the context of the type "${type.slice(0, 40)}"`
    }
  }
}

/** The `type` of the object that comes next, and past it. Of two types the one that is not in `harmless` counts. */
function typeOf(cursor: JsonCursor, harmless: ReadonlySet<string>): string {
  let type = ''
  if (cursor.peek() !== openBrace) cursor.skip()
  else for (cursor.enter(); cursor.more();) {
    if (cursor.key() !== 'type' || cursor.peek() !== quote) cursor.skip()
    else if (type === '' || harmless.has(type)) type = cursor.text()
    else cursor.skip()
  }
  return type
}

const harmlessTools = words('custom')

function tools(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    shape.tools++
    const type = typeOf(cursor, harmlessTools)
    if (type !== '' && !harmlessTools.has(type)) shape.extra ??= `a tool of the type "${type.slice(0, 40)}"`
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
        if (!textOfMessage.has(key) && cursor.peek() !== 0x6e) shape.media ??= `the field "${key.slice(0, 40)}" of a message`
        cursor.skip()
      }
    }
  }
}

function blocks(shape: RequestShape, cursor: JsonCursor): void {
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
  let isMedia = true
  const source: Source = { type: '', bytes: 0 }
  for (cursor.enter(); cursor.more();) {
    const key = cursor.key()
    isText &&= keysOfText.has(key)
    isMedia &&= keysOfMedia.has(key)
    if (key === 'type') {
      const found = cursor.text()
      if (type === '' || textBlocks.has(type)) type = found
      isText &&= textBlocks.has(found)
      isMedia &&= found === 'image' || found === 'document'
    } else if (key === 'content' && cursor.peek() === openBracket) blocks(shape, cursor)
    else if (key === 'source' && cursor.peek() === openBrace) readSource(shape, cursor, source)
    else cursor.skip()
  }
  if (isText && type !== '') return
  if (isMedia && type === 'image') {
    shape.images++
    shape.imageBytes += source.bytes
    return
  }
  // A document that is text, or blocks that were counted.
  if (isMedia && type === 'document' && (source.type === 'text' || source.type === 'content')) return
  shape.media ??= type === '' ? 'a block without a type' : type === 'document' ? 'a document' : `a block of the type "${type.slice(0, 40)}"`
  shape.mediaBytes += cursor.at - start
}

interface Source { type: string; bytes: number }

function readSource(shape: RequestShape, cursor: JsonCursor, source: Source): void {
  for (cursor.enter(); cursor.more();) {
    const key = cursor.key()
    if (key === 'content' && cursor.peek() === openBracket) blocks(shape, cursor)
    else if (key === 'type') {
      const type = cursor.text()
      // Of two types the one that is no text counts.
      if (source.type === '' || source.type === 'text' || source.type === 'content') source.type = type
    } else {
      cursor.peek()
      const start = cursor.at
      cursor.skip()
      if (key === 'data') source.bytes += cursor.at - start
    }
  }
}
