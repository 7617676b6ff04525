/** What bounds the cost of a request to Ollama's chat. Lists name what is known to be harmless; everything else counts as unbounded. */
import { JsonCursor } from '../../wire/json-cursor.ts'
import type { JsonScanner, Member } from '../../wire/json-scanner.ts'
import type { EndpointSpec, RequestShape } from '../protocol.ts'

const harmlessFields = new Set(['model', 'stream', 'format', 'options', 'keep_alive', 'think', 'truncate', 'shift', 'logprobs', 'top_logprobs', '_debug_render_only', 'megarouter'])
const textOfMessage = new Set(['role', 'content', 'thinking', 'tool_calls', 'tool_name', 'tool_call_id'])

const openBracket = 0x5b, openBrace = 0x7b, letterN = 0x6e

export function shapeOf(_endpoint: EndpointSpec, body: Buffer, { members }: JsonScanner): RequestShape {
  const shape: RequestShape = { messages: 0, tools: 0, prompts: 1, choices: 1, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null }
  for (const member of members) {
    if (member.key === 'messages') messages(shape, body, member)
    else if (member.key === 'tools') tools(shape, body, member)
    else if (!harmlessFields.has(member.key) && !isOff(body, member)) shape.extra ??= `the field "${member.key.slice(0, 40)}"`
  }
  return shape
}

/** `null`, `false` and `[]` switch nothing on. */
function isOff(body: Buffer, { valueStart, valueEnd }: Member): boolean {
  if (body[valueStart] === openBracket) return new JsonCursor(body, valueStart + 1).peek() === 0x5d
  return valueEnd - valueStart <= 5 && /^(null|false)$/.test(body.toString('latin1', valueStart, valueEnd))
}

/** Only functions can be described. */
function tools(shape: RequestShape, body: Buffer, { valueStart }: Member): void {
  if (body[valueStart] !== openBracket) return
  const cursor = new JsonCursor(body, valueStart)
  for (cursor.enter(); cursor.more(); cursor.skip()) shape.tools++
}

function messages(shape: RequestShape, body: Buffer, { valueStart }: Member): void {
  if (body[valueStart] !== openBracket) return
  const cursor = new JsonCursor(body, valueStart)
  for (cursor.enter(); cursor.more();) {
    shape.messages++
    if (cursor.peek() !== openBrace) {
      cursor.skip()
      continue
    }
    for (cursor.enter(); cursor.more();) {
      const key = cursor.key()
      const first = cursor.peek()
      if (key === 'images' && first === openBracket) images(shape, cursor)
      else {
        if (!textOfMessage.has(key) && first !== letterN) shape.media ??= `the field "${key.slice(0, 40)}" of a message`
        cursor.skip()
      }
    }
  }
}

function images(shape: RequestShape, cursor: JsonCursor): void {
  for (cursor.enter(); cursor.more();) {
    cursor.peek()
    const start = cursor.at
    cursor.skip()
    shape.images++
    shape.imageBytes += cursor.at - start
  }
}
