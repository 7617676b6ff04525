/**
 * Whole answers. A client gets the fields that most of them know: `reasoning_content` for thought, `reasoning_details` where it has proofs,
 * `annotations` for citations, `images` as OpenRouter has them. An answer that is no answer decodes to one without choices.
 */
import type { ChatAnswer, Choice, Json, JsonObject, MediaPart, Part, ReasoningPart, TokenLogprob, ToolCallPart } from '../canonical.ts'
import type { Client, Source } from '../codec.ts'
import { decodeAssistant, type Reading } from './assistant.ts'
import { CitationWriter, foundSources } from './citations.ts'
import { isLegacy } from './decode-request.ts'
import { compact, isObject, Members, withExtras } from './members.ts'
import { madeCallId, toolNames } from './names.ts'
import { detailMaker, encodeDetails, flatTextOf, needsDetails } from './reasoning.ts'
import { sealProof } from '../proof.ts'
import { decodeStop, encodeStop } from './stops.ts'
import { decodeUsage, encodeUsage } from './usage.ts'

export function decodeAnswer(body: JsonObject, source: Source): ChatAnswer {
  if (!isObject(body)) return { id: '', model: '', choices: [] }
  const members = new Members(body, null)
  const object = members.text('object')
  if (object !== undefined && object !== 'chat.completion') members.putBack('object', object)
  const found = foundSources(body)
  const counted = members.any('usage')
  const usage = decodeUsage(counted, source.usage)
  members.putBack('usage', usage ? usage.left : counted)
  const id = members.text('id') ?? ''
  const reading: Reading = { maker: source.proofs, names: toolNames(source.request), callId: () => '' }
  const choices = (members.list('choices') ?? []).filter(isObject).map((each, index) => {
    reading.callId = (call) => madeCallId(id || (source.id ?? ''), index, call)
    return decodeChoice(each, index, reading)
  })
  for (const { parts } of found.length > 0 ? choices : []) {
    const text = parts.find((part) => part.type === 'text')
    if (text?.type === 'text') text.citations = [...text.citations ?? [], ...found]
  }
  return compact<ChatAnswer>({
    id, model: members.text('model') ?? '', createdAt: members.number('created'), choices, usage: usage?.usage,
    serviceTier: members.text('service_tier'), fingerprint: members.text('system_fingerprint') || undefined, extras: members.extras(),
  })
}

function decodeChoice(raw: JsonObject, position: number, reading: Reading): Choice {
  const members = new Members(raw, null)
  const message = members.within('message')
  const role = message?.text('role')
  if (role !== undefined && role !== 'assistant') message?.putBack('role', role)
  const parts = message ? decodeAssistant(message, reading) : []
  const told = members.maybeWithin('logprobs')
  const logprobs = told?.list('content')?.map(decodeLogprob)
  if (!told?.has('refusal')) told?.any('refusal')
  return compact<Choice>({
    index: members.number('index') ?? position, parts, ...decodeStop(members, parts.some(({ type }) => type === 'refusal')),
    logprobs: logprobs && logprobs.length > 0 ? logprobs : undefined, extras: members.extras(),
  })
}

export function decodeLogprob(raw: Json): TokenLogprob {
  const { token, logprob, bytes, top_logprobs: top } = isObject(raw) ? raw : {}
  const head = { token: typeof token === 'string' ? token : '', logprob: typeof logprob === 'number' ? logprob : 0, ...Array.isArray(bytes) && { bytes: bytes as number[] } }
  return Array.isArray(top) && top.length > 0 ? { ...head, top: top.map((each) => { const { top: _, ...rest } = decodeLogprob(each); return rest }) } : head
}

export function encodeLogprobs(tokens: readonly TokenLogprob[]): JsonObject {
  const one = ({ token, logprob, bytes }: TokenLogprob): JsonObject => ({ token, logprob, bytes: bytes ?? null })
  return { content: tokens.map((each) => ({ ...one(each), top_logprobs: (each.top ?? []).map(one) })), refusal: null }
}

const tiers: ReadonlySet<string> = new Set(['auto', 'default', 'flex', 'scale', 'priority', 'fast'])
/** Words of other vendors for what is usual. */
const usualTiers: ReadonlySet<string> = new Set(['standard', 'on_demand', 'on-demand'])

/** As OpenAI calls it; a tier that it does not have is not named. */
export function tierOf(tier: string | undefined): { service_tier?: string } {
  if (tier === undefined) return {}
  return tiers.has(tier) ? { service_tier: tier } : usualTiers.has(tier.toLowerCase()) ? { service_tier: 'default' } : {}
}

/** Ids of vendors are kept; one is made of the exchange's where there is none. */
export const answerId = (id: string, client: Client): string => id || `chatcmpl-${client.id}`

export function encodeAnswer(answer: ChatAnswer, client: Client): JsonObject {
  const keepsLists = answer.extras?.format === 'openai-chat'
  const body: JsonObject = {
    id: answerId(answer.id, client), object: 'chat.completion', created: answer.createdAt ?? client.nowS, model: answer.model,
    // Clients take the first for the one of index 0; in a stream another may have begun before it.
    choices: answer.choices.toSorted((a, b) => a.index - b.index).map((choice) => encodeChoice(choice, client, keepsLists)),
    ...answer.usage && { usage: encodeUsage(answer.usage) },
    ...tierOf(answer.serviceTier), ...answer.fingerprint !== undefined && { system_fingerprint: answer.fingerprint },
  }
  return withExtras(body, answer.extras)
}

function encodeChoice(choice: Choice, client: Client, keepsLists: boolean): JsonObject {
  const { index, parts, logprobs } = choice
  const refuses = parts.some(({ type }) => type === 'refusal')
  const legacy = isLegacy(client.request)
  const message = encodeMessage(parts, client, legacy, keepsLists)
  const { finish_reason: finish, ...stop } = encodeStop(choice, refuses)
  const reason = legacy && finish === 'tool_calls' ? 'function_call' : finish
  return withExtras({ index, message, logprobs: logprobs ? encodeLogprobs(logprobs) : null, finish_reason: reason, ...stop }, choice.extras)
}

function encodeMessage(parts: readonly Part[], client: Client, legacy: boolean, keepsLists: boolean): JsonObject {
  let content: string | null = null
  let refusal: string | null = null
  const more: JsonObject = {}
  const citations = new CitationWriter()
  const thoughts: ReasoningPart[] = []
  const calls: ToolCallPart[] = []
  const images: JsonObject[] = []
  const list: JsonObject[] = []
  for (const part of parts) {
    switch (part.type) {
      case 'native': if (part.format === 'openai-chat') list.push(part.value); break
      case 'text':
        list.push({ type: 'text', text: part.text })
        citations.addAll(part, content?.length ?? 0, keepsLists)
        content = (content ?? '') + part.text
        if (part.proof) more['extra_content'] = googleProof(part.proof)
        break
      case 'refusal': refusal = (refusal ?? '') + part.text; break
      case 'reasoning': thoughts.push(part); break
      case 'toolCall': calls.push(part); break
      case 'media': if (part.kind === 'audio') more['audio'] = encodeAudio(part, client); else if (part.kind === 'image') images.push(encodeImage(part, images.length))
    }
  }
  const flat = flatTextOf(thoughts)
  const details: JsonObject[] = []
  if (thoughts.some(needsDetails)) for (const thought of thoughts) details.push(...encodeDetails(thought, details.length, detailMaker))
  const called = calls.map(encodeToolCall)
  // Clients read an answer that says nothing as a text.
  if (content === null && refusal === null && called.length === 0 && more['audio'] === undefined) content = ''
  return {
    // Only what came in this format has parts that are no text; clients expect a text.
    role: 'assistant', content: parts.some((part) => part.type === 'native' && part.format === 'openai-chat') ? list : content, refusal, ...flat !== '' && { reasoning_content: flat }, ...details.length > 0 && { reasoning_details: details },
    ...citations.take(), ...images.length > 0 && { images }, ...more, ...called.length > 0 && (legacy ? { function_call: called[0]!['function']! } : { tool_calls: called }),
  }
}

/** Where clients of this format keep what Google signed, and send it back; a proof of anybody else travels there sealed. */
export const googleProof = (proof: NonNullable<ToolCallPart['proof']>): JsonObject => ({ google: { thought_signature: sealProof(proof, 'google') } })

function encodeToolCall(part: ToolCallPart): JsonObject {
  const { id, name, proof } = part
  const called = part.custom ? { type: 'custom', custom: { name, input: part.arguments } } : { type: 'function', function: { name, arguments: part.arguments } }
  return withExtras({ id, ...called, ...proof && { extra_content: googleProof(proof) } }, part.extras)
}

const addressOfImage = ({ source, mediaType = 'image/png' }: MediaPart): string => (source.by === 'data' ? `data:${mediaType};base64,${source.base64}` : source.by === 'url' ? source.url : '')

export const encodeImage = (part: MediaPart, index: number): JsonObject => ({ type: 'image_url', image_url: { url: addressOfImage(part) }, index })

export function encodeAudio(part: MediaPart, client: Client): JsonObject {
  const { id, source, transcript = '' } = part
  // The gateway keeps no sound: it can't be referred to later.
  const audio = withExtras({ id: id ?? `audio_${client.id}`, data: source.by === 'data' ? source.base64 : '', transcript }, part.extras)
  return { ...audio, expires_at: audio['expires_at'] ?? client.nowS }
}
