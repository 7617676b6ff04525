/**
 * What bounds the cost of a request to the Responses API. Lists name what is known to be harmless; everything else (an item of a new
 * kind, a reference to what the vendor keeps, a tool that it runs) counts as unbounded, since a strict budget has to hold for it as well.
 */
import { JsonCursor } from '../../wire/json-cursor.ts'
import type { JsonScanner, Member } from '../../wire/json-scanner.ts'
import type { EndpointSpec, RequestShape } from '../protocol.ts'
import { words } from './json.ts'

/** Fields that change what is generated, but not what is billed beyond the tokens of the request and its bounded output. */
const harmlessFields = words(`
  model stream stream_options max_output_tokens max_tool_calls temperature top_p top_logprobs tool_choice parallel_tool_calls text include metadata store user safety_identifier
  prompt_cache_key prompt_cache_retention prompt_cache_options truncation client_metadata megarouter`)
/** What they refer to is added to the input, however long it is. */
const references = words('previous_response_id conversation prompt')
const counted = words('input instructions tools reasoning service_tier')
const harmlessTools = words('function custom')

const textItems = words(`
  message function_call function_call_output custom_tool_call custom_tool_call_output reasoning local_shell_call local_shell_call_output shell_call shell_call_output apply_patch_call apply_patch_call_output`)
const keysOfItem = words(`
  type role id status phase call_id name namespace arguments input output content summary encrypted_content action operation caller async created_by max_output_length
  internal_chat_message_metadata_passthrough`)
const textParts = words('input_text output_text text refusal reasoning_text summary_text')
const keysOfText = words('type text refusal annotations logprobs prompt_cache_breakpoint')
const keysOfImage = words('type image_url file_id detail prompt_cache_breakpoint')

const openBracket = 0x5b, openBrace = 0x7b, quote = 0x22, nullStart = 0x6e

export function shapeOf(_endpoint: EndpointSpec, body: Buffer, { members }: JsonScanner): RequestShape {
  const shape: RequestShape = { messages: 0, tools: 0, prompts: 1, choices: 1, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null }
  for (const member of members) {
    if (counted.has(member.key)) count(shape, body, member)
    else if (harmlessFields.has(member.key) || isOff(body, member)) continue
    else if (references.has(member.key)) shape.media ??= `what the field "${member.key}" refers to`
    else shape.extra ??= `the field "${member.key.slice(0, 40)}"`
  }
  return shape
}

/** `null`, `false` and `[]` switch nothing on. */
function isOff(body: Buffer, { valueStart, valueEnd }: Member): boolean {
  if (body[valueStart] === openBracket) return new JsonCursor(body, valueStart + 1).peek() === 0x5d
  return valueEnd - valueStart <= 5 && /^(null|false)$/.test(body.toString('latin1', valueStart, valueEnd))
}

function count(shape: RequestShape, body: Buffer, { key, valueStart }: Member): void {
  const cursor = new JsonCursor(body, valueStart)
  const first = body[valueStart]
  switch (key) {
    case 'input':
      if (first === openBracket) return items(shape, cursor)
      return void shape.messages++
    case 'instructions': return first === quote ? void shape.messages++ : undefined
    case 'tools': return first === openBracket ? tools(shape, cursor) : undefined
    case 'reasoning': return first === openBrace ? reasoning(shape, cursor) : undefined
    default: shape.serviceTier = cursor.text() || null
  }
}

/** Other modes than the usual one think several times over. */
function reasoning(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    const isMode = cursor.key() === 'mode'
    const mode = isMode ? cursor.text() : ''
    if (!isMode) cursor.skip()
    else if (mode !== '' && mode !== 'standard') shape.extra ??= `the reasoning mode "${mode.slice(0, 40)}"`
  }
}

function tools(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    if (cursor.peek() === openBrace) tool(shape, cursor)
    else {
      cursor.skip()
      shape.extra ??= 'a tool that is no object'
    }
  }
}

/** Of several types the one that is billed counts. */
function tool(shape: RequestShape, cursor: JsonCursor): void {
  shape.tools++
  let billed: string | null = null
  let isGroup = false
  let hasType = false
  for (cursor.enter(); cursor.more();) {
    const key = cursor.key()
    if (key === 'tools' && cursor.peek() === openBracket) tools(shape, cursor)
    else if (key === 'type') {
      const type = cursor.text()
      hasType = true
      if (type === 'namespace') isGroup = true
      else if (!harmlessTools.has(type)) billed ??= type
    } else cursor.skip()
  }
  if (!hasType && !isGroup) billed ??= ''
  if (billed !== null) shape.extra ??= `a tool of the type "${billed.slice(0, 40)}"`
}

function items(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    shape.messages++
    if (cursor.peek() === openBrace) item(shape, cursor)
    else cursor.skip()
  }
}

function item(shape: RequestShape, cursor: JsonCursor): void {
  const start = cursor.at
  let [type, hasRole, isEncrypted, isReasoning] = ['', false, false, false]
  let unknown: string | null = null
  for (cursor.enter(); cursor.more();) {
    const key = cursor.key()
    const first = cursor.peek()
    if (key === 'type') {
      const named = cursor.text()
      isReasoning ||= named === 'reasoning'
      // Of two types the one that is not known counts.
      if (type === '' || textItems.has(type)) type = named
      continue
    }
    hasRole ||= key === 'role'
    isEncrypted ||= key === 'encrypted_content' && first === quote
    if (!keysOfItem.has(key) && first !== nullStart) unknown ??= key
    if (first === openBracket && (key === 'content' || key === 'output')) parts(shape, cursor)
    else cursor.skip()
  }
  if (type === '' && hasRole) type = 'message'
  if (isReasoning && !isEncrypted) shape.media ??= 'reasoning that the vendor keeps'
  else if (!textItems.has(type)) shape.media ??= type === '' ? 'an item without a type' : `an item of the type "${type.slice(0, 40)}"`
  else if (unknown !== null) shape.media ??= `the field "${unknown.slice(0, 40)}" of an item`
  else return
  shape.mediaBytes += cursor.at - start
}

function parts(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    if (cursor.peek() === openBrace) part(shape, cursor)
    else cursor.skip()
  }
}

/** A part counts as the dearest thing that its type or any of its keys says. */
function part(shape: RequestShape, cursor: JsonCursor): void {
  const start = cursor.at
  let [type, isText, isImage] = ['', true, true]
  let images = 0
  let imageBytes = 0
  for (cursor.enter(); cursor.more();) {
    const key = cursor.key()
    if (key === 'type') {
      type = cursor.text()
      isText &&= textParts.has(type)
      isImage &&= type === 'input_image'
      continue
    }
    isText &&= keysOfText.has(key)
    isImage &&= keysOfImage.has(key)
    const from = key === 'image_url' && cursor.peek() === quote ? cursor.at : -1
    if (from < 0) {
      cursor.skip()
      continue
    }
    images++
    if (/^data:/i.test(cursor.text())) imageBytes += cursor.at - from
  }
  if (type !== '' && isText) return
  if (type !== '' && isImage) {
    shape.images += Math.max(1, images)
    shape.imageBytes += imageBytes
    return
  }
  shape.media ??= type === '' ? 'a part without a type' : `a part of the type "${type.slice(0, 40)}"`
  shape.mediaBytes += cursor.at - start
}
