/**
 * What the events and answers of this format say to the gateway. Nearly all events are one piece of text and are not parsed. Usage is
 * told twice: the input in the first event, everything (mostly) in the last one, so that the first is remembered with the stream.
 */
import type { EventShape } from '../../wire/event-shape.ts'
import type { JsonScanner } from '../../wire/json-scanner.ts'
import type { SseEvent } from '../../wire/sse-scanner.ts'
import type { JsonObject } from '../canonical.ts'
import type { AnswerFacts, EventFacts } from '../protocol.ts'
import { faultOf } from './errors.ts'
import { isObject } from './fields.ts'
import { mergedUsage } from './usage.ts'

const nothing: EventFacts = { meaningful: false, finished: false, done: false, usage: null, serviceTier: null, usageOnly: false, error: null, outputChars: 0 }

/** A piece of text or thought without escapes, as the API spells it, with its padding. */
const plainPiece = /^\{"type":"content_block_delta","index":\d+,"delta":\{"type":"(?:text_delta","text|thinking_delta","thinking)":"([^"\\]+)"\} *\}$/

/** The usage of a stream's first event. */
const firstUsage = new WeakMap<EventShape, JsonObject>()

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null)

export function readEvent(event: SseEvent, shape: EventShape): EventFacts {
  if (event.oversize) return { ...nothing, meaningful: true, outputChars: event.end - event.start }
  const data = event.data
  if (data === null) return nothing
  const plain = plainPiece.exec(data)
  if (plain) return { ...nothing, meaningful: true, outputChars: plain[1]!.length }
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    // Not JSON: forwarded as it is, it just tells us nothing.
    return event.name === 'error' ? { ...nothing, error: { code: null, type: null, message: data.slice(0, 500), status: null } } : nothing
  }
  if (!isObject(value)) return nothing
  switch (value['type']) {
    case 'content_block_delta': return readDelta(value['delta'])
    case 'content_block_start': return readStart(value['content_block'])
    case 'message_start': return readBegin(value['message'], shape)
    case 'message_delta': return readEnd(value, shape)
    case 'message_stop': return { ...nothing, meaningful: true, done: true }
    default: return value['type'] === 'error' || event.name === 'error' ? { ...nothing, error: faultOf(value) } : nothing
  }
}

function readDelta(delta: unknown): EventFacts {
  if (!isObject(delta)) return nothing
  const { type, text, thinking, partial_json: json, content } = delta
  const piece = type === 'text_delta' ? text : type === 'thinking_delta' ? thinking : type === 'input_json_delta' ? json : type === 'compaction_delta' ? content : undefined
  const outputChars = typeof piece === 'string' ? piece.length : 0
  // A signature is no output, but says that there was thought.
  return { ...nothing, meaningful: outputChars > 0 || type === 'signature_delta' || type === 'citations_delta', outputChars }
}

/** A text begins empty; whatever else begins has a name, or is there as a whole. */
function readStart(block: unknown): EventFacts {
  if (!isObject(block)) return nothing
  const { type, text, name, content } = block
  const outputChars = (typeof text === 'string' ? text.length : 0) + (typeof name === 'string' ? name.length : 0) + (typeof content === 'string' ? content.length : 0)
  return { ...nothing, meaningful: outputChars > 0 || (type !== 'text' && type !== 'thinking'), outputChars }
}

function readBegin(message: unknown, shape: EventShape): EventFacts {
  if (!isObject(message)) return nothing
  const { usage, content, stop_reason: reason } = message
  const outputChars = Array.isArray(content) ? outputOf(content) : 0
  const facts: EventFacts = { ...nothing, meaningful: outputChars > 0, finished: typeof reason === 'string', outputChars }
  if (!isObject(usage)) return facts
  firstUsage.set(shape, usage)
  facts.usage = renamed(usage)
  facts.serviceTier = textOr(usage['service_tier'])
  return facts
}

function readEnd({ delta, usage }: JsonObject, shape: EventShape): EventFacts {
  const finished = isObject(delta) && typeof delta['stop_reason'] === 'string'
  const facts: EventFacts = { ...nothing, meaningful: finished, finished }
  if (!isObject(usage)) return facts
  facts.usage = renamed(mergedUsage(firstUsage.get(shape) ?? null, usage))
  facts.serviceTier = textOr(usage['service_tier'])
  return facts
}

/**
 * With the names of OpenAI's chat completions. What was spent before the answer (a compaction, the advice of another model) is told
 * apart from it, as iterations, and is billed all the same.
 */
function renamed(usage: JsonObject): JsonObject {
  const { input_tokens: input, output_tokens: output, cache_read_input_tokens: read, cache_creation_input_tokens: written, cache_creation: lifetimes, output_tokens_details: details, server_tool_use: tools, iterations } = usage
  const spent: JsonObject = {
    prompt_tokens: input ?? null,
    completion_tokens: output ?? null,
    prompt_tokens_details: { cached_tokens: read ?? null, cache_write_tokens: written ?? null },
  }
  if (isObject(lifetimes)) spent['cache_creation'] = lifetimes
  if (isObject(details)) spent['completion_tokens_details'] = { reasoning_tokens: details['thinking_tokens'] ?? null }
  if (isObject(tools)) spent['server_tool_use'] = tools
  return Array.isArray(iterations) ? withIterations(spent, iterations) : spent
}

function withIterations(spent: JsonObject, iterations: readonly unknown[]): JsonObject {
  const details = { ...(spent['prompt_tokens_details'] as JsonObject) }
  const added = { ...spent, prompt_tokens_details: details }
  for (const each of iterations) {
    if (!isObject(each) || (each['type'] !== 'compaction' && each['type'] !== 'advisor_message')) continue
    add(added, 'prompt_tokens', each['input_tokens'])
    add(added, 'completion_tokens', each['output_tokens'])
    add(details, 'cached_tokens', each['cache_read_input_tokens'])
    add(details, 'cache_write_tokens', each['cache_creation_input_tokens'])
  }
  return added
}

function add(to: JsonObject, key: string, value: unknown): void {
  const before = to[key]
  if (typeof value === 'number' && value > 0) to[key] = (typeof before === 'number' ? before : 0) + value
}

export function readAnswer(body: Buffer, scan: JsonScanner): AnswerFacts {
  const read = (key: string): unknown => {
    const member = scan.find(key)
    return member ? JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) : null
  }
  const usage = read('usage')
  const hasContent = scan.find('content') !== undefined
  const counted = isObject(usage) ? usage : null
  // Reading the output costs time and is needed only where the vendor's own count is missing or naught.
  const content = hasContent && !(Number(counted?.['output_tokens']) > 0) ? read('content') : null
  return {
    usage: counted && renamed(counted),
    serviceTier: textOr(counted?.['service_tier']),
    usageMember: scan.find('usage'),
    error: hasContent ? null : faultOf({ error: read('error'), message: read('message') }),
    outputChars: Array.isArray(content) ? outputOf(content) : 0,
  }
}

/** Characters that the model made: text, thought, names and inputs of calls. */
function outputOf(content: readonly unknown[]): number {
  let length = 0
  for (const block of content) {
    if (!isObject(block)) continue
    for (const key of ['text', 'thinking', 'name', 'content'] as const) {
      const value = block[key]
      if (typeof value === 'string') length += value.length
    }
    if (isObject(block['input'])) length += JSON.stringify(block['input']).length
  }
  return length
}
