/** Whole answers of Cohere's chat, both ways: https://docs.cohere.com/reference/chat. An answer names no model, and has one choice. */
import type { ChatAnswer, Choice, Json, JsonObject, MediaPart, Part, StopReason, TokenLogprob } from '../canonical.ts'
import type { Client } from '../codec.ts'
import { defined, isList, isNumber, isObject, isText, Members, own, sameJson } from '../members.ts'
import { citationTo } from './citations.ts'
import { argumentsFrom, assistantFrom, nativeKind } from './messages.ts'
import { nameForCohere } from './tool-names.ts'
import { usageFrom, usageTo } from './usage.ts'

const stops: Readonly<Record<string, StopReason>> = { COMPLETE: 'end', STOP_SEQUENCE: 'stop_sequence', MAX_TOKENS: 'length', TOOL_CALL: 'tool_calls' }
const finishes: Readonly<Record<StopReason, string>> = {
  end: 'COMPLETE', stop_sequence: 'STOP_SEQUENCE', length: 'MAX_TOKENS', context_window: 'MAX_TOKENS', tool_calls: 'TOOL_CALL', content_filter: 'ERROR', refusal: 'COMPLETE', pause: 'COMPLETE', other: 'ERROR',
}
/** Reasons that are kept by their own name, since no canonical one says them. */
const ownFinishes = new Set(['ERROR', 'TIMEOUT'])

/** An unknown reason is kept by its name. */
export const stopFrom = (finish: string): Pick<Choice, 'stop' | 'nativeStop'> & { stop: StopReason } => {
  const stop = own(stops, finish)
  return stop ? { stop } : { stop: 'other', nativeStop: finish }
}
export const finishOf = (stop: StopReason, nativeStop: string | undefined): string => (stop === 'other' && nativeStop !== undefined && ownFinishes.has(nativeStop) ? nativeStop : finishes[stop])

export function decodeAnswer(body: JsonObject): ChatAnswer {
  const members = new Members(body)
  const id = members.take('id', isText) ?? ''
  const finish = members.take('finish_reason', isText)
  const message = members.take('message', isObject)
  const usage = usageFrom(body['usage'])
  if (usage && sameJson(usageTo(usage), body['usage'])) members.take('usage', isObject)
  const logprobs = logprobsFrom(body['logprobs'])
  if (logprobs && sameJson(logprobsTo(logprobs), body['logprobs'])) members.take('logprobs', isList)
  const extras = members.extras('cohere-chat')
  return defined<ChatAnswer>({ id, model: '', choices: message ? [choiceFrom(message, finish, logprobs)] : [], usage, extras })
}

function choiceFrom(message: JsonObject, finish: string | undefined, logprobs: TokenLogprob[] | undefined): Choice {
  const members = new Members(message)
  members.take('role', (role): role is string => role === 'assistant')
  const parts = assistantFrom(members)
  for (const part of parts) if (part.type === 'toolCall') part.arguments = argumentsFrom(part.arguments)
  return defined<Choice>({ index: 0, parts, ...(finish === undefined ? {} : stopFrom(finish)), logprobs, extras: members.extras('cohere-chat') })
}

/** One item may stand for several tokens: their probabilities are one. The specification demands `token` and `logprob`, and describes `text` and `logprobs`. */
export function logprobsFrom(items: Json | undefined): TokenLogprob[] | undefined {
  if (!isList(items)) return undefined
  const known = items.filter(isObject).map(({ text, token, logprobs, logprob }) => ({
    token: [text, token].find(isText) ?? '', logprob: isList(logprobs) ? logprobs.filter(isNumber).reduce((sum, each) => sum + each, 0) : isNumber(logprob) ? logprob : 0,
  }))
  return known.length > 0 ? known : undefined
}

/** Numbers of tokens are Cohere's own. */
export const logprobsTo = (tokens: readonly TokenLogprob[]): JsonObject[] => tokens.map(({ token, logprob }) => ({ text: token, token_ids: [], logprobs: [logprob] }))

export function encodeAnswer(answer: ChatAnswer, client: Client): JsonObject {
  const choice = answer.choices.find(({ index }) => index === 0) ?? answer.choices[0]
  return defined<JsonObject>({
    id: answer.id || client.id,
    finish_reason: choice?.stop && finishOf(choice.stop, choice.nativeStop),
    message: messageOf(choice?.parts ?? [], choice?.extras?.format === 'cohere-chat' ? choice.extras.fields : {}),
    usage: answer.usage && usageTo(answer.usage),
    logprobs: choice?.logprobs && logprobsTo(choice.logprobs),
    ...(answer.extras?.format === 'cohere-chat' ? answer.extras.fields : {}),
  })
}

function messageOf(parts: readonly Part[], extras: JsonObject): JsonObject {
  const content: JsonObject[] = []
  const calls: JsonObject[] = []
  const citations: JsonObject[] = []
  const plan = parts.some(({ type }) => type === 'toolCall') ? parts.findLast((part) => part.type === 'text') : undefined
  for (const part of parts) {
    if (part.type === 'text') {
      for (const each of part.citations ?? []) citations.push(citationTo(each, part.text, content.length))
      if (part !== plan) content.push({ type: 'text', text: part.text })
    } else if (part.type === 'toolCall') {
      const { id, name, arguments: text, custom } = part
      calls.push({ id, type: 'function', function: { name: nameForCohere(name), arguments: custom ? JSON.stringify({ input: text }) : text }, ...(part.extras?.format === 'cohere-chat' ? part.extras.fields : {}) })
    } else if (part.type === 'native') {
      const kind = nativeKind(part)
      if (kind === 'citation') citations.push(part.value['citation'] as JsonObject)
      else if (kind === 'call') calls.push(part.value)
      else if (kind === 'block') content.push(part.value)
    } else {
      const block = blockOf(part)
      if (block) content.push(block)
    }
  }
  return defined<JsonObject>({
    role: 'assistant', content: content.length > 0 ? content : undefined, tool_plan: plan?.text, tool_calls: calls.length > 0 ? calls : undefined, citations: citations.length > 0 ? citations : undefined, ...extras,
  })
}

/** In the place of a medium of which nothing is said. */
export const unsaid = ({ kind }: MediaPart): string => `[${kind === 'image' || kind === 'audio' ? 'an' : 'a'} ${kind} that this format cannot carry]`

/** Hidden thoughts and media have no place in an answer; what is said in audio has. */
function blockOf(part: Part): JsonObject | null {
  if (part.type === 'refusal') return { type: 'text', text: part.text }
  if (part.type === 'media') return { type: 'text', text: part.transcript ?? unsaid(part) }
  const thought = part.type === 'reasoning' ? part.text ?? part.summary?.join('\n\n') : undefined
  return thought === undefined || thought === '' ? null : { type: 'thinking', thinking: thought }
}
