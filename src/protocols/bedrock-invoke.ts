/**
 * Streams of `invoke-with-response-stream`: each frame holds the model's own event, in base64. Claude's are those of Anthropic's API, so
 * that its protocol reads them once they are unwrapped; exceptions become the error events that it knows, and the other way round.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_PayloadPart.html
 */
import { damagedStream, encodeFrame, eventHeaders, exceptionOf } from '../wire/aws-event-stream.ts'
import { statusOfKind } from './anthropic-messages/stops.ts'
import { errorOf, writeError } from './bedrock-converse/errors.ts'
import { isObject, isText, parsed } from './bedrock-converse/json.ts'
import type { ChatError, Json } from './canonical.ts'

/** An event as Anthropic's own streams have it. */
export interface UnwrappedEvent { name: string; data: string }

const opening = '{"bytes":"'
const typeOpening = '{"type":"'

/** Null: the frame holds no event. */
export function unwrapInvoke(name: string, data: string | null): UnwrappedEvent | null {
  const exception = exceptionOf(name)
  // What is missing at the end tells it.
  if (exception === damagedStream) return null
  if (exception !== null) {
    const { message, status } = errorOf(exception, data ?? '{}')
    return { name: 'error', data: JSON.stringify({ type: 'error', error: { type: anthropicType(status), message } }) }
  }
  const base64 = data === null ? undefined : bytesOf(data)
  if (base64 === undefined) return null
  const event = Buffer.from(base64, 'base64').toString()
  return { name: typeOf(event), data: event }
}

const chunk = eventHeaders('chunk')

/** Null: Bedrock has no such event. */
export function wrapInvoke(name: string, data: string): Buffer | null {
  // Some servers end Anthropic's streams as OpenAI ends its own.
  if (name === 'ping' || data === '[DONE]') return null
  if (name === 'error') return Buffer.from(writeError(errorIn(parsed(data))), 'latin1')
  return encodeFrame(chunk, `{"bytes":"${Buffer.from(data).toString('base64')}"}`)
}

function errorIn(event: Json | undefined): ChatError {
  const error = isObject(event) && isObject(event['error']) ? event['error'] : {}
  const { type, message } = error
  return { status: statusOfKind(isText(type) ? type : null) || 500, code: null, kind: null, message: isText(message) ? message : 'The upstream reported an error without a text.' }
}

/** Base64 holds no quote and no escape. */
function bytesOf(data: string): string | undefined {
  if (data.startsWith(opening)) return data.slice(opening.length, data.indexOf('"', opening.length))
  const body = parsed(data)
  return isObject(body) && isText(body['bytes']) ? body['bytes'] : undefined
}

function typeOf(event: string): string {
  if (event.startsWith(typeOpening)) return event.slice(typeOpening.length, event.indexOf('"', typeOpening.length))
  const body = parsed(event)
  return isObject(body) && isText(body['type']) ? body['type'] : ''
}

/** https://docs.anthropic.com/en/api/errors */
function anthropicType(status: number): string {
  switch (status) {
    case 400: return 'invalid_request_error'
    case 401: return 'authentication_error'
    case 403: return 'permission_error'
    case 404: return 'not_found_error'
    case 408: return 'timeout_error'
    case 429: return 'rate_limit_error'
    case 503: return 'overloaded_error'
    default: return 'api_error'
  }
}
