/** What metering and the pre-commit window read of streams and answers: nearly all events are a piece of text, which is measured without a parse. */
import type { EventShape } from '../../wire/event-shape.ts'
import { exceptionOf } from '../../wire/aws-event-stream.ts'
import type { JsonScanner } from '../../wire/json-scanner.ts'
import type { SseEvent } from '../../wire/sse-scanner.ts'
import type { Json, JsonObject } from '../canonical.ts'
import type { AnswerFacts, EventFacts } from '../protocol.ts'
import { errorOf, faultOf } from './errors.ts'
import { isObject, isText, parsed } from './json.ts'
import { renamedUsage } from './usage.ts'

const nothing: EventFacts = { meaningful: false, finished: false, done: false, usage: null, serviceTier: null, usageOnly: false, error: null, outputChars: 0 }

/** Quotes within texts are escaped, so that it can't stand inside of one. */
const textOpening = '"delta":{"text":"'

/** Characters of an event's text; −1: it has another form, or an escape. */
function textLength(data: string): number {
  const at = data.indexOf(textOpening)
  if (at < 0) return -1
  const from = at + textOpening.length
  const to = data.indexOf('"', from)
  const escape = data.indexOf('\\', from)
  return to < 0 || (escape >= 0 && escape < to) ? -1 : to - from
}

/** Padding makes every event another one: no shape is learnt. */
export function readEvent({ name, data, oversize, start, end }: SseEvent, _shape: EventShape): EventFacts {
  if (oversize) return { ...nothing, meaningful: true, outputChars: end - start }
  const exception = exceptionOf(name)
  if (exception !== null) {
    const { code, kind, message, status } = errorOf(exception, data ?? '{}')
    return { ...nothing, error: { code, type: kind, message, status } }
  }
  if (data === null) return nothing
  switch (name) {
    case 'contentBlockDelta': {
      const known = textLength(data)
      return known > 0 ? { ...nothing, meaningful: true, outputChars: known } : outputOf(parsed(data), 'delta')
    }
    case 'contentBlockStart': return outputOf(parsed(data), 'start')
    case 'messageStop': return { ...nothing, meaningful: true, finished: true }
    case 'metadata': return readMetadata(parsed(data))
    default: return nothing
  }
}

function outputOf(body: Json | undefined, key: 'delta' | 'start'): EventFacts {
  const length = isObject(body) ? outputLength(body[key], 0) : 0
  return length === 0 ? nothing : { ...nothing, meaningful: true, outputChars: length }
}

/** What says nothing of the size of an output. */
const unwritten = new Set(['signature', 'toolUseId', 'role', 'type', 'status', 'format'])

/** Characters of all texts below. */
function outputLength(value: Json | undefined, depth: number): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null || depth > 8) return 0
  let length = 0
  if (Array.isArray(value)) for (const each of value) length += outputLength(each, depth + 1)
  else for (const [key, each] of Object.entries(value)) if (!unwritten.has(key)) length += outputLength(each, depth + 1)
  return length
}

const tierOf = (tier: Json | undefined): string | null => (isObject(tier) && isText(tier['type']) ? tier['type'] : null)

/** `usageOnly`: it is the vendor's last word, for no other event has a usage. */
function readMetadata(body: Json | undefined): EventFacts {
  if (!isObject(body)) return nothing
  const usage = renamedUsage(body['usage'])
  return { ...nothing, usage, serviceTier: tierOf(body['serviceTier']), usageOnly: usage !== null }
}

export function readAnswer(body: Buffer, scan: JsonScanner): AnswerFacts {
  const read = (key: string): Json | undefined => {
    const member = scan.find(key)
    return member && (JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) as Json)
  }
  const usage = read('usage')
  const output = scan.find('output')
  const counted = isObject(usage) && Number(usage['outputTokens']) > 0
  return {
    usage: renamedUsage(usage),
    serviceTier: tierOf(read('serviceTier')),
    usageMember: scan.find('usage'),
    error: output ? null : faultOf(null, partOf({ message: read('message'), __type: read('__type') })),
    // Reading the output costs time and is needed only where the vendor's own count is missing.
    outputChars: output && !counted ? outputLength(read('output'), 0) : 0,
  }
}

const partOf = (fields: Record<string, Json | undefined>): JsonObject => Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, Json] => entry[1] !== undefined))
