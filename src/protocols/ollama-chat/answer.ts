/** Whole answers of Ollama's chat, both ways: https://docs.ollama.com/api/chat. An answer has no id and one choice; that it waits for tools is told by its calls alone. */
import type { ChatAnswer, ChatUsage, Choice, Json, JsonObject, Part, StopReason, TokenLogprob } from '../canonical.ts'
import type { Client } from '../codec.ts'
import { defined, isCount, isList, isNumber, isObject, isText, Members, sameJson } from '../members.ts'
import { argumentsOf, callFrom, madeUpId } from './calls.ts'
import { partsFrom } from './decode-request.ts'

/** An answer that ends for no reason has none; an unknown reason is kept by its name. */
export function stopFrom(reason: Json | undefined, hasCalls: boolean): { stop: StopReason; nativeStop?: string } | null {
  if (!isText(reason) || reason === '') return null
  if (reason === 'stop') return { stop: hasCalls ? 'tool_calls' : 'end' }
  return reason === 'length' ? { stop: 'length' } : { stop: 'other', nativeStop: reason }
}

export const reasonOf = (stop: StopReason, nativeStop: string | undefined): string => (stop === 'length' || stop === 'context_window' ? 'length' : stop === 'other' && nativeStop !== undefined ? nativeStop : 'stop')

/** Of a model's thoughts nothing is told apart. Counts of 0 are left out by the server. */
export function usageFrom({ prompt_eval_count: input, eval_count: output }: JsonObject): ChatUsage | undefined {
  return isCount(input) || isCount(output) ? { input: isCount(input) ? input : 0, output: isCount(output) ? output : 0 } : undefined
}

export function usageTo({ input, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, audioIn = 0, imageIn = 0, output, reasoning = 0, audioOut = 0, imageOut = 0, costNano }: ChatUsage): { prompt_eval_count: number; eval_count: number; cost_usd?: number } {
  return { prompt_eval_count: input + cacheRead + cacheWrite5m + cacheWrite1h + audioIn + imageIn, eval_count: output + reasoning + audioOut + imageOut, ...(costNano !== undefined && { cost_usd: costNano / 1e9 }) }
}

export function secondsOf(time: Json | undefined): number | undefined {
  const ms = isText(time) ? Date.parse(time) : Number.NaN
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000)
}

export const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

/** Calls that have no id get one of the time, which differs from answer to answer, and of their number. */
export const callReader = (createdAt: Json | undefined, first: number) => (value: Json, position: number): Part =>
  callFrom(value, madeUpId(`${isText(createdAt) ? createdAt.replace(/\D/g, '') : '0'}-${first + position}`), first + position)

export function decodeAnswer(body: JsonObject): ChatAnswer {
  const members = new Members(body)
  const model = members.take('model', isText) ?? ''
  const createdAt = secondsOf(body['created_at'])
  if (createdAt !== undefined && timeOf(createdAt) === body['created_at']) members.take('created_at', isText)
  members.take('done', (done): done is boolean => done === true)
  const reason = members.take('done_reason', isText)
  const message = members.take('message', isObject)
  const usage = usageFrom(body)
  if (usage) for (const key of ['prompt_eval_count', 'eval_count']) members.take(key, isCount)
  const logprobs = logprobsFrom(body['logprobs'])
  if (logprobs && sameJson(logprobsTo(logprobs), body['logprobs'])) members.take('logprobs', isList)
  const extras = members.extras('ollama-chat')
  return defined<ChatAnswer>({ id: '', model, createdAt, choices: message ? [choiceFrom(message, reason, body['created_at'], logprobs)] : [], usage, extras })
}

function choiceFrom(message: JsonObject, reason: string | undefined, createdAt: Json | undefined, logprobs: TokenLogprob[] | undefined): Choice {
  const members = new Members(message)
  members.take('role', (role): role is string => role === 'assistant')
  const parts = partsFrom(members, callReader(createdAt, 0))
  return defined<Choice>({ index: 0, parts, ...stopFrom(reason, parts.some(({ type }) => type === 'toolCall')), logprobs, extras: members.extras('ollama-chat') })
}

export function logprobsFrom(items: Json | undefined): TokenLogprob[] | undefined {
  const known = isList(items) ? items.filter(isObject).map((item): TokenLogprob => {
    const { top_logprobs: top } = item
    return isList(top) ? { ...tokenFrom(item), top: top.filter(isObject).map(tokenFrom) } : tokenFrom(item)
  }) : []
  return known.length > 0 ? known : undefined
}

function tokenFrom({ token, logprob, bytes }: JsonObject): { token: string; logprob: number; bytes?: number[] } {
  const known = { token: isText(token) ? token : '', logprob: isNumber(logprob) ? logprob : 0 }
  return isList(bytes) && bytes.every(isNumber) ? { ...known, bytes } : known
}

export function logprobsTo(tokens: readonly TokenLogprob[]): JsonObject[] {
  return tokens.map(({ top, ...token }) => defined<JsonObject>({ ...tokenTo(token), top_logprobs: top?.map(tokenTo) }))
}

const tokenTo = ({ token, logprob, bytes }: TokenLogprob): JsonObject => defined<JsonObject>({ token, logprob, bytes: bytes ?? undefined })

export function encodeAnswer(answer: ChatAnswer, client: Client): JsonObject {
  const choice = answer.choices.find(({ index }) => index === 0) ?? answer.choices[0]
  const { parts = [], stop, nativeStop, logprobs, extras } = choice ?? {}
  return defined<JsonObject>({
    model: answer.model || client.request.model,
    created_at: timeOf(answer.createdAt ?? client.nowS),
    message: { ...messageOf(parts), ...(extras?.format === 'ollama-chat' ? extras.fields : {}) },
    done: true,
    done_reason: stop && reasonOf(stop, nativeStop),
    ...(answer.usage && usageTo(answer.usage)),
    logprobs: logprobs && logprobsTo(logprobs),
    ...(answer.extras?.format === 'ollama-chat' ? answer.extras.fields : {}),
  })
}

function messageOf(parts: readonly Part[]): JsonObject {
  let content = ''
  const thoughts: string[] = []
  const images: string[] = []
  const calls: JsonObject[] = []
  for (const part of parts) {
    if (part.type === 'text' || part.type === 'refusal') content += part.text
    else if (part.type === 'toolCall') {
      const { id, name } = part
      calls.push({ id, function: { index: calls.length, name, arguments: argumentsOf(part) }, ...(part.extras?.format === 'ollama-chat' ? part.extras.fields : {}) })
    } else if (part.type === 'reasoning') thoughts.push(part.text ?? part.summary?.join('\n\n') ?? '')
    else if (part.type === 'native' && part.format === 'ollama-chat') calls.push(part.value)
    else if (part.type === 'media') {
      content += part.transcript ?? ''
      if (part.kind === 'image' && part.source.by === 'data') images.push(part.source.base64)
    }
  }
  const thinking = thoughts.filter((text) => text !== '').join('\n\n')
  return defined<JsonObject>({ role: 'assistant', content, thinking: thinking === '' ? undefined : thinking, images: images.length > 0 ? images : undefined, tool_calls: calls.length > 0 ? calls : undefined })
}
