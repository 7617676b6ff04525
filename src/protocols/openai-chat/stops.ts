/** Why an answer ended: reasons of this format and of its dialects. What `finish_reason` can't say stands in `native_finish_reason`, as OpenRouter does it, and a stop sequence in `stop_reason`, as vLLM does it. */
import type { Choice, JsonObject, StopReason } from '../canonical.ts'
import type { Members } from './members.ts'

const reasons: Readonly<Record<string, StopReason>> = {
  stop: 'end', length: 'length', tool_calls: 'tool_calls', function_call: 'tool_calls', content_filter: 'content_filter',
  // Mistral, Z.ai and Anthropic's name of it.
  model_length: 'context_window', model_context_window_exceeded: 'context_window',
  // Z.ai; Gemini by its native name.
  sensitive: 'content_filter', SAFETY: 'content_filter', RECITATION: 'content_filter', PROHIBITED_CONTENT: 'content_filter', BLOCKLIST: 'content_filter', SPII: 'content_filter',
  eos: 'end', end_turn: 'end', completed: 'end', STOP: 'end', max_tokens: 'length', MAX_TOKENS: 'length', max_output_tokens: 'length', tool_use: 'tool_calls',
  // Said by this gateway.
  refusal: 'refusal', pause: 'pause', context_window: 'context_window', stop_sequence: 'stop_sequence', other: 'other',
}
const plain: Readonly<Partial<Record<StopReason, string>>> = { end: 'stop', length: 'length', tool_calls: 'tool_calls', content_filter: 'content_filter' }
/** The nearest that `finish_reason` can say. */
const nearest: Readonly<Partial<Record<StopReason, string>>> = { context_window: 'length', refusal: 'content_filter', stop_sequence: 'stop', pause: 'stop', other: 'stop' }

export type Stop = Pick<Choice, 'stop' | 'stopSequence' | 'nativeStop'>

const reasonOf = (reason: string): StopReason | undefined => (Object.hasOwn(reasons, reason) ? reasons[reason] : undefined)

/** Of the members of a choice, whole or in a stream; null: nothing is said. */
export function decodeStop(choice: Members, refuses: boolean): Stop | null {
  const finish = choice.text('finish_reason')
  const native = choice.text('native_finish_reason')
  const sequence = choice.text('stop_reason') ?? choice.text('matched_stop')
  if (finish === undefined || finish === '') return null
  const known = reasonOf(finish)
  // A vendor behind the vendor may say more than one of the five reasons; a word of its own for the same says nothing.
  const meant = native === undefined ? undefined : reasonOf(native)
  const isOurs = native !== undefined && native === meant && plain[meant] === undefined
  if (isOurs && (native === 'stop_sequence' || nearest[meant] === finish)) return { stop: meant, ...sequence !== undefined && { stopSequence: sequence } }
  if (sequence !== undefined && known === 'end') return { stop: 'stop_sequence', stopSequence: sequence, ...native !== undefined && { nativeStop: native } }
  const stop = meant === 'context_window' ? meant : known === 'end' && refuses ? 'refusal' : known ?? 'other'
  const nativeStop = native ?? (plain[stop] === finish || stop === 'refusal' || finish === 'function_call' ? undefined : finish)
  return { stop, ...nativeStop !== undefined && { nativeStop } }
}

/** Members of a choice. `refuses`: the answer says so in words. */
export function encodeStop({ stop, stopSequence, nativeStop }: Stop, refuses: boolean): JsonObject & { finish_reason: string | null } {
  if (stop === undefined) return { finish_reason: null }
  const isSaid = plain[stop] !== undefined || (stop === 'refusal' && refuses) || (stop === 'stop_sequence' && stopSequence !== undefined)
  const finish = plain[stop] ?? (stop === 'refusal' && refuses ? 'stop' : nearest[stop]!)
  const native = nativeStop ?? (isSaid ? undefined : stop)
  return { finish_reason: finish, ...native !== undefined && { native_finish_reason: native }, ...stopSequence !== undefined && { stop_reason: stopSequence } }
}
