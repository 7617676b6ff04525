/** Answers that come whole. What of them says nothing to other formats (metrics, trace, …) is kept as it came. */
import type { ChatAnswer, Choice, Json, JsonObject, Part, StopReason } from '../canonical.ts'
import type { Client, Source } from '../codec.ts'
import { decodeParts } from './decode-parts.ts'
import { encodeParts } from './encode-parts.ts'
import { besides, extrasOf, format, isObject, isText, under } from './json.ts'
import { answerTool } from './tools.ts'
import { decodeUsage, encodeUsage } from './usage.ts'
import { withExtras, writingForClient } from './writing.ts'

const reasons: Readonly<Record<string, StopReason>> = {
  end_turn: 'end', tool_use: 'tool_calls', max_tokens: 'length', stop_sequence: 'stop_sequence', content_filtered: 'content_filter', guardrail_intervened: 'content_filter',
  model_context_window_exceeded: 'context_window', malformed_model_output: 'other', malformed_tool_use: 'other', refusal: 'refusal', pause_turn: 'pause',
}
/** The reason that stands for each; others come with their own name. */
const usual: Readonly<Record<StopReason, string>> = {
  end: 'end_turn', tool_calls: 'tool_use', length: 'max_tokens', stop_sequence: 'stop_sequence', content_filter: 'content_filtered', context_window: 'model_context_window_exceeded',
  // Its own list has neither, although models say them.
  refusal: 'content_filtered', pause: 'end_turn', other: 'end_turn',
}

/** `additional`: what the model says beside; Claude which stop sequence it was. */
export function decodeStop(reason: Json | undefined, additional: Json | undefined): Pick<Choice, 'stop' | 'stopSequence' | 'nativeStop'> {
  if (!isText(reason)) return {}
  const stop = Object.hasOwn(reasons, reason) ? reasons[reason]! : 'other'
  const fields = isObject(additional) ? (isObject(additional['delta']) ? additional['delta'] : additional) : {}
  const sequence = fields['stop_sequence']
  return { stop, ...(isText(sequence) ? { stopSequence: sequence } : {}), ...(usual[stop] === reason ? {} : { nativeStop: reason }) }
}

export const encodeStop = ({ stop = 'other', nativeStop }: Pick<Choice, 'stop' | 'nativeStop'>): string => (nativeStop !== undefined && reasons[nativeStop] === stop ? nativeStop : usual[stop])

/** An answer by a schema that came as the arguments of a tool is the text that was asked for. */
function answered(parts: Part[]): { parts: Part[]; isAnswer: boolean } {
  if (!parts.some((part) => part.type === 'toolCall' && part.name === answerTool)) return { parts, isAnswer: false }
  const texts = parts.map((part): Part => (part.type === 'toolCall' && part.name === answerTool ? { type: 'text', text: part.arguments } : part))
  return { parts: texts, isAnswer: !texts.some((part) => part.type === 'toolCall') }
}

export function decodeAnswer(body: JsonObject, { proofs }: Source): ChatAnswer {
  const { output, stopReason, usage, serviceTier, additionalModelResponseFields: additional, trace } = body
  const message = isObject(output) ? output['message'] : undefined
  const answer: ChatAnswer = { id: '', model: invokedModel(trace), choices: [] }
  const left = besides(body, 'output', 'stopReason', 'usage', 'serviceTier', 'additionalModelResponseFields')
  if (additional !== undefined) Object.assign(left, isObject(additional) ? under('additionalModelResponseFields', besides(additional, ...(isText(additional['stop_sequence']) ? ['stop_sequence'] : []))) : { additionalModelResponseFields: additional })
  if (isObject(message)) {
    const { parts, isAnswer } = answered(decodeParts(message['content'], (value) => ({ by: proofs, value })))
    const stop = decodeStop(stopReason, additional)
    if (isAnswer && stop.stop === 'tool_calls') stop.stop = 'end'
    answer.choices.push({ index: 0, parts, ...stop, ...extrasOf(besides(message, 'role', 'content')) })
    Object.assign(left, under('output', besides(output as JsonObject, 'message')))
  } else if (output !== undefined) Object.assign(left, { output })
  if (isObject(usage)) {
    const counts = decodeUsage(usage)
    answer.usage = counts.usage
    Object.assign(left, under('usage', counts.left))
  }
  if (isObject(serviceTier) && isText(serviceTier['type'])) answer.serviceTier = serviceTier['type']
  return { ...answer, ...extrasOf(left) }
}

/** A router of prompts says which model it chose. */
function invokedModel(trace: Json | undefined): string {
  const router = isObject(trace) ? trace['promptRouter'] : undefined
  return isObject(router) && isText(router['invokedModelId']) ? router['invokedModelId'] : ''
}

/** The stop sequence stands there as it does in a stream. */
function saysDelta(extras: ChatAnswer['extras']): boolean {
  const fields = extras?.format === format ? extras.fields['additionalModelResponseFields'] : undefined
  return isObject(fields) && Object.hasOwn(fields, 'delta')
}

/** Other vendors' tiers are none of its own. */
export const tierOf = (tier: string | undefined): JsonObject => (tier !== undefined && ['priority', 'default', 'flex', 'reserved'].includes(tier) ? { type: tier } : {})

export function encodeAnswer({ choices, usage, serviceTier, extras }: ChatAnswer, _client: Client): JsonObject {
  const writing = writingForClient()
  const [choice] = choices
  const message: JsonObject = { role: 'assistant', content: choice ? encodeParts(writing, choice.parts, 'assistant') : [] }
  const told = choice?.stopSequence === undefined || saysDelta(extras) ? {} : { additionalModelResponseFields: { stop_sequence: choice.stopSequence } }
  const body: JsonObject = {
    ...(choice === undefined ? {} : { output: { message: withExtras(writing, message, choice.extras, 'a message') } }),
    ...(choice?.stop === undefined ? {} : { stopReason: encodeStop(choice) }),
    ...(usage === undefined ? {} : { usage: encodeUsage(usage) }), ...told,
    ...under('serviceTier', tierOf(serviceTier)),
  }
  return withExtras(writing, body, extras, '')
}
