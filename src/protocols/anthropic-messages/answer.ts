/** Whole answers, read and written. A body that is none gives an answer without choices; what a client's SDK reads without looking is always written. */
import type { ChatAnswer, Choice, Citation, Json, JsonObject, Part, Proof } from '../canonical.ts'
import type { Client, Source } from '../codec.ts'
import { sealProof } from '../proof.ts'
import { Fields, format, isObject, ownFields, put } from './fields.ts'
import { writeId, writeName } from './names.ts'
import { beforeMark, behindMark, readOutput } from './parts-in.ts'
import { objectOf } from './parts-out.ts'
import { readStop, writeStop } from './stops.ts'
import { readUsage, writeUsage } from './usage.ts'

export function decodeAnswer(body: JsonObject, source: Source): ChatAnswer {
  const fields = new Fields(body)
  const answer: ChatAnswer = { id: fields.text('id') ?? '', model: fields.text('model') ?? '', choices: [] }
  const content = fields.list('content')
  if (content) answer.choices.push(readAnswered(content, fields, source))
  const usage = fields.object('usage')
  const left: JsonObject = {}
  if (usage) {
    put(answer, 'usage', readUsage(usage, left))
    if (typeof usage['service_tier'] === 'string') answer.serviceTier = usage['service_tier']
  }
  fields.drop('type', 'role')
  const extras = { ...fields.left()?.fields, ...(Object.keys(left).length > 0 && { usage: left }) }
  if (Object.keys(extras).length > 0) answer.extras = { format, fields: extras }
  return answer
}

function readAnswered(content: Json[], fields: Fields, source: Source): Choice {
  const choice: Choice = { index: 0, parts: [] }
  for (const block of content) if (isObject(block)) choice.parts.push(readOutput(block, source.proofs))
  Object.assign(choice, readStop(fields.text('stop_reason')))
  put(choice, 'stopSequence', fields.text('stop_sequence'))
  const details = fields.object('stop_details')
  if (details) choice.extras = { format, fields: { stop_details: details } }
  return choice
}

export function encodeAnswer(answer: ChatAnswer, client: Client): JsonObject {
  const choice = answer.choices.find(({ index }) => index === 0) ?? answer.choices[0]
  const { usage, ...own } = ownFields(answer.extras) ?? {}
  const blocks = new AnswerBlocks(client)
  return {
    id: answer.id || `msg_${client.id}`,
    type: 'message',
    role: 'assistant',
    model: answer.model,
    content: choice?.parts.flatMap((part) => blocks.of(part)) ?? [],
    stop_reason: choice?.stop ? writeStop(choice.stop, choice.nativeStop, choice.parts.some(({ type }) => type === 'refusal')) : null,
    stop_sequence: choice?.stopSequence ?? null,
    stop_details: null,
    container: null,
    usage: writeUsage(answer.usage, answer.serviceTier, isObject(usage) ? usage : {}),
    ...own,
    ...ownFields(choice?.extras),
  }
}

export const anthropic = 'anthropic'

/** Content blocks for a client. They are numbered, for sources that give calls no id. */
export class AnswerBlocks {
  readonly #client: Client
  #calls = 0

  constructor(client: Client) {
    this.#client = client
  }

  of(part: Part): JsonObject[] {
    const block = this.block(part)
    if (!block) return []
    if (part.type === 'toolCall' && part.proof) return [attached(beforeMark, part.proof), block]
    return (part.type === 'text' || part.type === 'media') && part.proof ? [block, attached(behindMark, part.proof)] : [block]
  }

  #call(id: string, name: string, namespace: string | undefined, input: JsonObject): JsonObject {
    this.#calls++
    return { type: 'tool_use', id: id === '' ? `toolu_${writeId(this.#client.id)}_${this.#calls}` : writeId(id), name: writeName(name, namespace), input, caller: { type: 'direct' } }
  }

  /** Null: there is none for it. */
  block(part: Part): JsonObject | null {
    switch (part.type) {
      case 'text': return { type: 'text', text: part.text, citations: part.citations?.map(writeCitation) ?? null, ...ownFields(part.extras) }
      case 'refusal': return { type: 'text', text: part.text, citations: null }
      case 'reasoning': {
        const sealed = part.proof ? sealProof(part.proof, anthropic) : ''
        const own = ownFields(part.extras)
        return part.redacted ? { type: 'redacted_thinking', data: sealed, ...own } : { type: 'thinking', thinking: part.text ?? part.summary?.join('\n\n') ?? '', signature: sealed, ...own }
      }
      case 'toolCall': {
        const input = part.custom ? { input: part.arguments } : objectOf(part.arguments) ?? { raw_arguments: part.arguments }
        return { ...this.#call(part.id, part.name, part.namespace, input), ...ownFields(part.extras) }
      }
      case 'media': return { type: 'text', text: part.transcript ?? unsaid(part.kind), citations: null }
      case 'native': return part.format === format ? part.value : null
      case 'toolResult': return null
    }
  }
}

/** In the place of what this format's answers have no block for. */
export const unsaid = (kind: string): string => `[${kind === 'image' || kind === 'audio' ? 'an' : 'a'} ${kind} that this format cannot carry]`

export const attached = (mark: string, proof: Proof): JsonObject => ({ type: 'redacted_thinking', data: mark + sealProof(proof, '') })

/** Those of other formats are results of a search, the only ones here that have an address. */
export function writeCitation(citation: Citation): JsonObject {
  const { native } = citation
  if (native?.format === format) return native.value
  return { type: 'web_search_result_location', url: citation.url ?? '', title: citation.title ?? null, cited_text: citation.quote ?? '', encrypted_index: '' }
}
