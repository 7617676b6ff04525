/**
 * Canonical events as chunks. Nearly all of them are one piece of text, so what stands around it is made once. Lists that a client keeps
 * (`reasoning_details`, `annotations`) come in one chunk each where that is possible: some clients add such chunks up, others keep the last.
 */
import type { ChatEvent, ChatUsage, JsonObject, Part, ReasoningPart, ToolCallPart } from '../canonical.ts'
import type { Client, StreamEncoder } from '../codec.ts'
import { answerId, encodeAudio, encodeImage, encodeLogprobs, googleProof, tierOf } from './answer.ts'
import { CitationWriter } from './citations.ts'
import { isLegacy } from './decode-request.ts'
import { withExtras } from './members.ts'
import { detailMaker, encodeDetails, needsDetails, summaryGap } from './reasoning.ts'
import { encodeStop } from './stops.ts'
import { encodeUsage } from './usage.ts'

type EventOf<T extends ChatEvent['type']> = Extract<ChatEvent, { type: T }>

/** A choice as far as it was written. */
class Written {
  readonly head: string
  readonly citations = new CitationWriter()
  open: Part | null = null
  calls = 0
  images = 0
  details = 0
  /** Characters of text before the open part, and in all. */
  from = 0
  length = 0
  refuses = false
  hasThought = false
  /** The open thought is written as details while it comes. */
  isDetailed = false

  constructor(head: string) {
    this.head = head
  }
}

export class ChatEncoder implements StreamEncoder {
  readonly #client: Client
  readonly #legacy: boolean
  readonly #choices = new Map<number, Written>()
  #before = ''
  /** Behind a delta. */
  #tail: string
  #usage: ChatUsage | null = null
  #hasTier = false
  #isOver = false

  constructor(client: Client) {
    this.#client = client
    this.#legacy = isLegacy(client.request)
    this.#tail = `},"logprobs":null,"finish_reason":null}]${client.request.usageInStream ? ',"usage":null' : ''}}\n\n`
    this.#start({ type: 'start', id: '', model: client.request.model })
  }

  write(event: ChatEvent): string {
    if (this.#isOver) return ''
    switch (event.type) {
      case 'delta': return this.#delta(event)
      case 'start': return this.#start(event)
      case 'part': return this.#part(event)
      case 'partEnd': return this.#partEnd(this.#choice(event.choice))
      case 'usage':
        this.#usage = event.usage
        return this.#tier(event.serviceTier)
      case 'stop': return this.#stop(event)
      case 'error': return this.#error(event)
      case 'end': return this.#end()
      default: return this.#more(event)
    }
  }

  #start({ id, model, createdAt, serviceTier, fingerprint, usage }: EventOf<'start'>): string {
    const head = { id: answerId(id, this.#client), object: 'chat.completion.chunk', created: createdAt ?? this.#client.nowS, model, ...tierOf(serviceTier), ...fingerprint !== undefined && { system_fingerprint: fingerprint } }
    this.#before = `data: ${JSON.stringify(head).slice(0, -1)},`
    this.#hasTier = 'service_tier' in head
    this.#usage = usage ?? null
    return ''
  }

  /** Some vendors say it at the end alone. */
  #tier(serviceTier: string | undefined): string {
    const { service_tier: tier } = tierOf(serviceTier)
    if (tier !== undefined && !this.#hasTier) this.#before += `"service_tier":${JSON.stringify(tier)},`
    this.#hasTier ||= tier !== undefined
    return ''
  }

  #choice(index: number): Written {
    let choice = this.#choices.get(index)
    if (!choice) this.#choices.set(index, (choice = new Written(`${this.#before}"choices":[{"index":${index},"delta":{`)))
    return choice
  }

  /** With the role before the first of a choice. */
  #opened(index: number): { choice: Written; text: string } {
    const known = this.#choices.get(index)
    if (known) return { choice: known, text: '' }
    const choice = this.#choice(index)
    return { choice, text: `${choice.head}"role":"assistant","content":"","refusal":null${this.#tail}` }
  }

  /** A chunk of one member. `json` is its value. */
  #chunk(choice: Written, key: string, json: string): string {
    return `${choice.head}"${key}":${json}${this.#tail}`
  }

  #delta({ choice: index, text }: EventOf<'delta'>): string {
    const choice = this.#choice(index)
    const { open } = choice
    const json = JSON.stringify(text)
    switch (open?.type) {
      case 'text':
        choice.length += text.length
        return `${choice.head}"content":${json}${this.#tail}`
      case 'toolCall': return this.#called(choice, open, json)
      case 'reasoning': return this.#thought(choice, open, json, text, null)
      case 'refusal': return this.#chunk(choice, 'refusal', json)
      default: return ''
    }
  }

  #called(choice: Written, { custom }: ToolCallPart, json: string): string {
    if (this.#legacy) return choice.calls === 1 ? this.#chunk(choice, 'function_call', `{"arguments":${json}}`) : ''
    return this.#chunk(choice, 'tool_calls', `[{"index":${choice.calls - 1},${custom ? '"custom":{"input"' : '"function":{"arguments"'}:${json}}}]`)
  }

  /** `summary`: index of a summary, null: the thought itself. Where there are details they are exact, and the text beside them is for show. */
  #thought(choice: Written, open: ReasoningPart, json: string, text: string, summary: number | null): string {
    const isFirst = summary === null ? open.text === undefined : open.summary?.[summary] === undefined
    const isBegun = open.text !== undefined || open.summary !== undefined
    const at = choice.details + (summary ?? open.summary?.length ?? 0)
    if (summary === null) open.text = choice.isDetailed ? '' : (open.text ?? '') + text
    else {
      choice.isDetailed = true
      open.summary ??= []
      open.summary[summary] = ''
    }
    if (!choice.isDetailed) return this.#chunk(choice, 'reasoning_content', json)
    const hasGap = isFirst && (isBegun ? summary !== null : choice.hasThought)
    const shown = hasGap ? JSON.stringify(summaryGap + text) : json
    const [first] = isFirst ? encodeDetails(summary === null ? { ...headOf(open), text: '' } : { ...headOf(open), summary: [''] }, at, detailMaker) : []
    const { type: _, text: _text, summary: _summary, index: _index, ...common } = first ?? {}
    const more = JSON.stringify(common).slice(1, -1)
    const detail = `{"type":"reasoning.${summary === null ? 'text","text' : 'summary","summary'}":${json},${more === '' ? '' : `${more},`}"index":${at}}`
    return `${choice.head}"reasoning_content":${shown},"reasoning_details":[${detail}]${this.#tail}`
  }

  #part({ choice: index, part }: EventOf<'part'>): string {
    const { choice, text } = this.#opened(index)
    choice.open = part
    choice.from = choice.length
    switch (part.type) {
      case 'text': return text + this.#toText(choice, part.text)
      case 'refusal':
        choice.refuses = true
        return text + this.#cited(choice)
      case 'reasoning':
        choice.open = { ...part }
        choice.isDetailed = choice.hasThought || needsDetails(part)
        return text
      case 'toolCall': return text + this.#cited(choice) + this.#callBegins(choice, part)
      case 'native': return part.format === 'openai-chat' ? text + this.#chunk(choice, 'content', JSON.stringify([part.value])) : text
      case 'media': return part.kind === 'audio' || part.kind === 'image' ? text + this.#cited(choice) + this.#media(choice, part) : text
      default: return text
    }
  }

  #toText(choice: Written, text: string): string {
    if (text === '') return ''
    choice.length += text.length
    return this.#chunk(choice, 'content', JSON.stringify(text))
  }

  #callBegins(choice: Written, part: ToolCallPart): string {
    const { id, name, proof } = part
    choice.calls++
    if (this.#legacy) return choice.calls === 1 ? this.#chunk(choice, 'function_call', JSON.stringify({ name, arguments: part.arguments })) : ''
    const called = part.custom ? { type: 'custom', custom: { name, input: part.arguments } } : { type: 'function', function: { name, arguments: part.arguments } }
    return this.#chunk(choice, 'tool_calls', JSON.stringify([withExtras({ index: choice.calls - 1, id, ...called, ...proof && { extra_content: googleProof(proof) } }, part.extras)]))
  }

  #media(choice: Written, part: Extract<Part, { type: 'media' }>): string {
    if (part.kind === 'image') return this.#chunk(choice, 'images', JSON.stringify([encodeImage(part, choice.images++)]))
    const { expires_at: _, ...audio } = encodeAudio(part, this.#client)
    return this.#chunk(choice, 'audio', JSON.stringify(audio))
  }

  #partEnd(choice: Written): string {
    const { open } = choice
    choice.open = null
    if (open?.type === 'media' && open.kind === 'audio') return this.#chunk(choice, 'audio', JSON.stringify({ expires_at: encodeAudio(open, this.#client)['expires_at']! }))
    if (open?.type !== 'reasoning') return ''
    const { isDetailed } = choice
    choice.hasThought ||= open.text !== undefined || open.summary !== undefined
    if (!isDetailed && !needsDetails(open)) return ''
    const details = encodeDetails(open, choice.details, detailMaker)
    choice.details += details.length
    const last = details.at(-1)!
    // Of a thought that was told while it came the proof alone is left.
    const { text: _, ...proof } = last
    if (isDetailed && open.text !== undefined) return open.proof ? this.#details(choice, [proof]) : ''
    if (isDetailed && open.summary !== undefined) return open.proof ? this.#details(choice, [last]) : ''
    return this.#details(choice, details)
  }

  #details(choice: Written, details: JsonObject[]): string {
    return this.#chunk(choice, 'reasoning_details', JSON.stringify(details))
  }

  #more(event: EventOf<'summary' | 'proof' | 'citation' | 'logprobs' | 'media'>): string {
    const { choice, text } = this.#opened(event.choice)
    const { open } = choice
    switch (event.type) {
      case 'summary': return open?.type === 'reasoning' ? this.#thought(choice, open, JSON.stringify(event.text), event.text, event.index) : ''
      case 'citation':
        if (open?.type === 'text') choice.citations.add(event.citation, choice.from, choice.length - choice.from)
        return ''
      case 'proof':
        if (open?.type === 'reasoning') open.proof = event.proof
        if (open?.type === 'text') return this.#chunk(choice, 'extra_content', JSON.stringify(googleProof(event.proof)))
        return open?.type === 'toolCall' && !this.#legacy ? this.#chunk(choice, 'tool_calls', JSON.stringify([{ index: choice.calls - 1, extra_content: googleProof(event.proof) }])) : ''
      case 'logprobs': return `${text}${choice.head}},"logprobs":${JSON.stringify(encodeLogprobs(event.tokens))}${this.#tail.slice('},"logprobs":null'.length)}`
      case 'media': {
        if (open?.type !== 'media' || open.kind !== 'audio') return ''
        return this.#chunk(choice, 'audio', JSON.stringify({ ...event.base64 !== undefined && { data: event.base64 }, ...event.transcript !== undefined && { transcript: event.transcript } }))
      }
    }
  }

  /** Before something that is no text, and at the end. */
  #cited(choice: Written): string {
    const cited = choice.citations.take()
    return cited ? `${choice.head}${JSON.stringify(cited).slice(1, -1)}${this.#tail}` : ''
  }

  #stop(event: EventOf<'stop'>): string {
    const { choice, text } = this.#opened(event.choice)
    const { finish_reason: finish, ...more } = encodeStop(event, choice.refuses)
    const reason = this.#legacy && finish === 'tool_calls' ? 'function_call' : finish
    const said = JSON.stringify({ finish_reason: reason, ...more }).slice(1)
    return `${text}${this.#cited(choice)}${choice.head}},"logprobs":null,${said}]${this.#tail.slice(this.#tail.indexOf(']') + 1)}`
  }

  #error({ error }: EventOf<'error'>): string {
    this.#isOver = true
    const { message, kind, code, param = null } = error
    return `data: ${JSON.stringify({ error: { message, type: kind, param, code } })}\n\n`
  }

  #end(): string {
    this.#isOver = true
    let text = ''
    for (const choice of this.#choices.values()) text += this.#cited(choice)
    if (this.#usage && this.#client.request.usageInStream) text += `${this.#before}"choices":[],"usage":${JSON.stringify(encodeUsage(this.#usage))}}\n\n`
    return `${text}data: [DONE]\n\n`
  }
}

/** Of a thought: what is known before its text. */
function headOf(part: ReasoningPart): ReasoningPart {
  const { text: _, summary: _summary, proof: _proof, ...head } = part
  return head
}
