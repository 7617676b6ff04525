/** Why an answer ended, by name and, where a client of Vertex asks for numbers, by number. */
import type { StopReason } from '../canonical.ts'

/** Those that canonical reasons say fully. */
const plain: Readonly<Record<string, StopReason>> = { STOP: 'end', MAX_TOKENS: 'length', SAFETY: 'content_filter', OTHER: 'other', CONTINUATION: 'pause' }
/** Those that need their own name besides. */
const named: Readonly<Record<string, StopReason>> = {
  RECITATION: 'content_filter', LANGUAGE: 'content_filter', BLOCKLIST: 'content_filter', PROHIBITED_CONTENT: 'content_filter', SPII: 'content_filter', IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter', IMAGE_RECITATION: 'content_filter', MODEL_ARMOR: 'content_filter',
  MALFORMED_FUNCTION_CALL: 'other', UNEXPECTED_TOOL_CALL: 'other', TOO_MANY_TOOL_CALLS: 'other', IMAGE_OTHER: 'other', NO_IMAGE: 'other', MALFORMED_RESPONSE: 'other', MISSING_THOUGHT_SIGNATURE: 'other',
}
/** Beyond these the numbers of AI Studio and Vertex differ. */
const numbered = ['', 'STOP', 'MAX_TOKENS', 'SAFETY', 'RECITATION', 'OTHER']

const reasons: Readonly<Record<StopReason, string>> = {
  end: 'STOP', stop_sequence: 'STOP', tool_calls: 'STOP', length: 'MAX_TOKENS', context_window: 'MAX_TOKENS', content_filter: 'SAFETY', refusal: 'SAFETY', pause: 'CONTINUATION', other: 'OTHER',
}

/** The name of a reason; null: it goes on. */
export function reasonIn(value: unknown): string | null {
  const name = typeof value === 'number' ? numbered[value] ?? `FINISH_REASON_${value}` : value
  return typeof name === 'string' && name !== '' && name !== 'FINISH_REASON_UNSPECIFIED' ? name : null
}

interface Stop { stop: StopReason; nativeStop?: string }

export function stopOf(reason: string, hasCalls: boolean): Stop {
  const stop = plain[reason]
  if (stop === 'end' && hasCalls) return { stop: 'tool_calls' }
  return stop ? { stop } : { stop: named[reason] ?? 'other', nativeStop: reason }
}

export function reasonOf(stop: StopReason, nativeStop: string | undefined): string {
  return nativeStop !== undefined && (nativeStop in named || nativeStop in plain || nativeStop.startsWith('FINISH_REASON_')) ? nativeStop : reasons[stop]
}

const blocked = 'prompt '

/** A prompt that was blocked ends the answer before it begins: why stands in the vendor's own reason. */
export const blockOf = (reason: string): Stop => ({ stop: 'content_filter', nativeStop: blocked + reason })

/** Why a prompt was blocked; null: it was not. */
export const blockIn = (nativeStop: string | undefined): string | null => (nativeStop?.startsWith(blocked) ? nativeStop.slice(blocked.length) : null)
