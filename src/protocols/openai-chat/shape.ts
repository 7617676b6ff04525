/**
 * What bounds the cost of an OpenAI-format request. Lists name what is known to be harmless; everything else (a part of a new
 * kind, a new field) counts as unbounded, since a strict budget has to hold for what vendors add tomorrow as well.
 */
import { JsonCursor } from '../../wire/json-cursor.ts'
import type { JsonScanner, Member } from '../../wire/json-scanner.ts'
import type { EndpointSpec, RequestShape } from '../protocol.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Fields that change what is generated, but not what is billed beyond the tokens of the request and its bounded output. */
const harmlessFields = words(`
  model stream stream_options max_tokens max_completion_tokens temperature top_p top_k min_p top_a typical_p seed random_seed stop stop_token_ids
  presence_penalty frequency_penalty repetition_penalty logit_bias logprobs top_logprobs response_format tool_choice parallel_tool_calls function_call
  user metadata store audio verbosity reasoning_effort reasoning reasoning_format include_reasoning thinking enable_thinking prompt_mode safe_prompt
  safety_identifier prompt_cache_key prompt_cache_retention megarouter suffix dimensions encoding_format truncate input_type output_dtype output_dimension
  chat_template_kwargs guided_json guided_regex guided_choice guided_grammar ignore_eos min_tokens skip_special_tokens keep_alive think`)
const counted = words('messages prompt input tools functions n best_of modalities service_tier')
const harmlessTools = words('function custom')

const textOfMessage = words('role name tool_calls tool_call_id function_call refusal reasoning reasoning_content reasoning_details annotations prefix cache_control index id status phase')
const textParts = words('text input_text output_text refusal thinking redacted_thinking reasoning')
const imageParts = words('image_url input_image')
const keysOfText = words('type text refusal thinking signature data summary cache_control annotations logprobs id index format closed')
const keysOfImage = words('type image_url detail cache_control id')

const openBracket = 0x5b, openBrace = 0x7b

export function shapeOf(endpoint: EndpointSpec, body: Buffer, { members }: JsonScanner): RequestShape {
  const shape: RequestShape = { messages: 0, tools: 0, prompts: 1, choices: 1, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null }
  for (const member of members) {
    if (counted.has(member.key)) count(shape, endpoint, body, member)
    else if (!harmlessFields.has(member.key) && !isOff(body, member)) shape.extra ??= `the field "${member.key.slice(0, 40)}"`
  }
  return shape
}

/** `null`, `false` and `[]` switch nothing on. */
function isOff(body: Buffer, { valueStart, valueEnd }: Member): boolean {
  if (body[valueStart] === openBracket) return new JsonCursor(body, valueStart + 1).peek() === 0x5d
  return valueEnd - valueStart <= 5 && /^(null|false)$/.test(body.toString('latin1', valueStart, valueEnd))
}

function count(shape: RequestShape, endpoint: EndpointSpec, body: Buffer, { key, valueStart, valueEnd }: Member): void {
  const cursor = new JsonCursor(body, valueStart)
  const isArray = body[valueStart] === openBracket
  switch (key) {
    case 'messages': return isArray ? messages(shape, cursor) : undefined
    case 'prompt': case 'input': return prompts(shape, cursor, endpoint, isArray)
    case 'tools': return isArray ? tools(shape, cursor) : undefined
    case 'functions': return isArray ? void (shape.tools += lengthOf(cursor)) : undefined
    case 'service_tier': return void (shape.serviceTier = cursor.text() || null)
    case 'modalities': return isArray ? modalities(shape, cursor) : undefined
    default: {
      const number = Number(body.toString('latin1', valueStart, valueEnd))
      if (number > shape.choices) shape.choices = Math.ceil(number)
    }
  }
}

function lengthOf(cursor: JsonCursor): number {
  let length = 0
  for (cursor.enter(); cursor.more(); cursor.skip()) length++
  return length
}

function modalities(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    const modality = cursor.text()
    if (modality !== 'text' && modality !== 'audio') shape.extra ??= `output of the modality "${modality.slice(0, 40)}"`
  }
}

/** Texts, or token numbers: an array of numbers is one prompt, an array of arrays is many. */
function prompts(shape: RequestShape, cursor: JsonCursor, { capability }: EndpointSpec, isArray: boolean): void {
  if (capability === 'chat') return void (shape.extra ??= 'a prompt beside messages')
  if (!isArray) return void shape.messages++
  let texts = 0
  for (cursor.enter(); cursor.more(); cursor.skip()) {
    const first = cursor.peek()
    if (first === openBrace) shape.media ??= 'an input that is no text'
    if (first === 0x22 || first === openBracket || first === openBrace) texts++
  }
  shape.messages += Math.max(1, texts)
  shape.prompts = Math.max(1, texts)
}

function tools(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    shape.tools++
    let type = ''
    if (cursor.peek() !== openBrace) cursor.skip()
    else for (cursor.enter(); cursor.more();) {
      if (cursor.key() !== 'type') cursor.skip()
      // Of two types the one that is billed counts.
      else if (type === '' || harmlessTools.has(type)) type = cursor.text()
      else cursor.skip()
    }
    if (!harmlessTools.has(type)) shape.extra ??= `a tool of the type "${type.slice(0, 40)}"`
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
        const isText = textOfMessage.has(key) || (key === 'content' && first === 0x22) || first === 0x6e
        if (!isText) shape.media ??= `the field "${key.slice(0, 40)}" of a message`
        cursor.skip()
      }
    }
  }
}

function content(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    if (cursor.peek() === openBrace) part(shape, cursor)
    else cursor.skip()
  }
}

/** A part counts as the dearest thing that its type or any of its keys says. */
function part(shape: RequestShape, cursor: JsonCursor): void {
  const start = cursor.at
  let type = ''
  let isText = true
  let isImage = true
  let images = 0
  let imageBytes = 0
  for (cursor.enter(); cursor.more();) {
    const key = cursor.key()
    if (key === 'type') {
      type = cursor.text()
      isText &&= textParts.has(type)
      isImage &&= imageParts.has(type)
      continue
    }
    isText &&= keysOfText.has(key)
    isImage &&= keysOfImage.has(key)
    if (key === 'image_url') {
      images++
      imageBytes += inlineBytes(cursor)
    } else cursor.skip()
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

/** Bytes of an image that stands here as a data URL: as a text, or under `url`. */
function inlineBytes(cursor: JsonCursor): number {
  if (cursor.peek() !== openBrace) return dataBytes(cursor)
  let bytes = 0
  for (cursor.enter(); cursor.more();) {
    if (cursor.key() === 'url') bytes += dataBytes(cursor)
    else cursor.skip()
  }
  return bytes
}

function dataBytes(cursor: JsonCursor): number {
  cursor.peek()
  const start = cursor.at
  return /^data:/i.test(cursor.text()) ? cursor.at - start : 0
}
