/** Reasons to stop, and errors by kind and by status: words of this format and what they mean elsewhere. */
import type { ChatError, JsonObject, StopReason } from '../canonical.ts'
import { isObject } from './fields.ts'

const stops: Readonly<Record<string, StopReason>> = {
  end_turn: 'end', max_tokens: 'length', stop_sequence: 'stop_sequence', tool_use: 'tool_calls', pause_turn: 'pause', refusal: 'refusal', model_context_window_exceeded: 'context_window',
}

/** Null: it goes on. A reason that has no word elsewhere is told as it came. */
export function readStop(reason: unknown): { stop: StopReason; nativeStop?: string } | null {
  if (typeof reason !== 'string' || reason === '') return null
  const stop = Object.hasOwn(stops, reason) ? stops[reason] : undefined
  return stop ? { stop } : { stop: 'other', nativeStop: reason }
}

const words: Readonly<Record<StopReason, string>> = {
  end: 'end_turn', length: 'max_tokens', stop_sequence: 'stop_sequence', tool_calls: 'tool_use', pause: 'pause_turn', refusal: 'refusal', content_filter: 'refusal', context_window: 'model_context_window_exceeded', other: 'end_turn',
}

/** `refused`: the answer has a refusal as a part of its own, which is text here. */
export function writeStop(stop: StopReason, nativeStop: string | undefined, refused: boolean): string {
  if (stop === 'other' && nativeStop === 'compaction') return nativeStop
  return refused && stop === 'end' ? 'refusal' : words[stop]
}

const kinds: Readonly<Record<string, number>> = {
  invalid_request_error: 400, authentication_error: 401, billing_error: 402, permission_error: 403, not_found_error: 404, conflict_error: 409, request_too_large: 413, rate_limit_error: 429, api_error: 500, timeout_error: 504, overloaded_error: 529,
}

/** 0: not known. */
export const statusOfKind = (kind: string | null): number => (kind !== null && Object.hasOwn(kinds, kind) ? kinds[kind]! : 0)

/** The kind that clients expect with a status. */
export function kindOf(status: number): string {
  const found = Object.keys(kinds).find((kind) => kinds[kind] === status)
  if (found) return found
  if (status === 408) return 'timeout_error'
  if (status === 503) return 'overloaded_error'
  return status >= 500 ? 'api_error' : 'invalid_request_error'
}

/** `error` of a body or event. */
export function readChatError(value: unknown): ChatError {
  const { type, message } = isObject(value) ? value : ({} as JsonObject)
  const kind = typeof type === 'string' ? type : null
  return { status: statusOfKind(kind) || 500, code: null, kind, message: typeof message === 'string' ? message : 'The upstream reported an error without a text.' }
}
