/**
 * Writes a stream of this format: `message_start`, blocks one after the other, `message_delta`, `message_stop`. Why it stopped and what
 * was used is kept to the end, since the format says it once. Nearly all events are one piece of text, and are put together from strings.
 */
import type { ChatError, ChatEvent, ChatUsage, JsonObject, Part, Proof, StopReason } from '../canonical.ts'
import type { Client, StreamEncoder } from '../codec.ts'
import { sealProof } from '../proof.ts'
import { anthropic, AnswerBlocks, attached, unsaid, writeCitation } from './answer.ts'
import { beforeMark, behindMark } from './parts-in.ts'
import { kindOf, statusOfKind, writeStop } from './stops.ts'
import { writeUsage } from './usage.ts'

const framed = (name: string, data: JsonObject): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** What a piece of text is called in each kind of block. */
const pieces: Readonly<Record<string, string>> = {
  text: '{"type":"text_delta","text":', refusal: '{"type":"text_delta","text":', media: '{"type":"text_delta","text":', reasoning: '{"type":"thinking_delta","thinking":', toolCall: '{"type":"input_json_delta","partial_json":',
}

export class MessagesEncoder implements StreamEncoder {
  readonly #client: Client
  readonly #blocks: AnswerBlocks
  #index = 0
  #open: Part | null = null
  /** Before a piece of text of the open block; '' where it takes none. */
  #prefix = ''
  #hasText = false
  /** The open block is the call of a custom tool, whose free text is a member of its arguments. */
  #isFree = false
  /** Number of the last summary of the open thought. */
  #lastSummary = 0
  /** To be told behind the open block, or with it where thought is hidden. */
  #proof: Proof | null = null
  #stop: { stop: StopReason; stopSequence?: string; nativeStop?: string } | null = null
  #refused = false
  #usage: ChatUsage | undefined
  #serviceTier: string | undefined
  #over = false

  constructor(client: Client) {
    this.#client = client
    this.#blocks = new AnswerBlocks(client)
  }

  write(event: ChatEvent): string {
    if (this.#over || ('choice' in event && event.choice !== 0)) return ''
    switch (event.type) {
      case 'delta': return this.#text(event.text)
      case 'part': return this.#begin(event.part)
      case 'partEnd': return this.#close()
      case 'summary': return this.#summary(event.index, event.text)
      case 'proof': return this.#prove(event.proof)
      case 'citation': return this.#open?.type === 'text' ? this.#delta({ type: 'citations_delta', citation: writeCitation(event.citation) }) : ''
      case 'media': return event.transcript === undefined ? '' : this.#text(event.transcript)
      case 'start': return this.#start(event)
      case 'stop':
        this.#stop = event
        return ''
      case 'usage':
        this.#usage = event.usage
        this.#serviceTier = event.serviceTier ?? this.#serviceTier
        return ''
      case 'error': return this.#fail(event.error)
      case 'end': return this.#end()
      case 'logprobs': return ''
    }
  }

  #start({ id, model, usage, serviceTier }: Extract<ChatEvent, { type: 'start' }>): string {
    this.#usage = usage
    this.#serviceTier = serviceTier
    const message = {
      id: id || `msg_${this.#client.id}`, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null, stop_details: null, container: null,
      usage: writeUsage(usage, serviceTier, {}),
    }
    return framed('message_start', { type: 'message_start', message })
  }

  #begin(part: Part): string {
    let written = this.#close()
    this.#proof = part.type === 'text' || part.type === 'media' || part.type === 'reasoning' ? part.proof ?? null : null
    if (part.type === 'refusal') this.#refused = true
    this.#open = part
    // The format tells hidden thought in one event, which needs the proof.
    if (part.type === 'reasoning' && part.redacted) return written
    if (part.type === 'toolCall' && part.proof) written += this.#whole(attached(beforeMark, part.proof))
    const block = this.#blocks.block(emptied(part))
    if (!block) {
      this.#open = null
      return written
    }
    written += this.#startBlock(block)
    const piece = pieces[part.type]
    this.#prefix = piece === undefined ? '' : `event: content_block_delta\ndata: {"type":"content_block_delta","index":${this.#index},"delta":${piece}`
    this.#isFree = part.type === 'toolCall' && part.custom === true
    if (this.#isFree) written += this.#piece('{"input":"')
    return written + this.#saidAlready(part)
  }

  /** What stands in the part itself. */
  #saidAlready(part: Part): string {
    switch (part.type) {
      case 'text': return this.#text(part.text) + (part.citations ?? []).map((citation) => this.#delta({ type: 'citations_delta', citation: writeCitation(citation) })).join('')
      case 'refusal': return this.#text(part.text)
      case 'reasoning': return this.#text(part.text ?? part.summary?.join('\n\n') ?? '')
      case 'toolCall': return this.#text(part.arguments)
      case 'media': return this.#text(part.transcript ?? '')
      default: return ''
    }
  }

  #text(text: string): string {
    if (this.#prefix === '' || text === '') return ''
    this.#hasText = true
    return this.#piece(this.#isFree ? JSON.stringify(text).slice(1, -1) : text)
  }

  #piece(text: string): string {
    return `${this.#prefix}${JSON.stringify(text)}}}\n\n`
  }

  /** Summaries of one thought stand one below the other. */
  #summary(index: number, text: string): string {
    const isNext = index > this.#lastSummary
    this.#lastSummary = Math.max(index, this.#lastSummary)
    return this.#text(isNext && this.#hasText ? `\n\n${text}` : text)
  }

  #prove(proof: Proof): string {
    if (this.#open?.type === 'reasoning' && !this.#open.redacted) return this.#delta({ type: 'signature_delta', signature: sealProof(proof, anthropic) })
    this.#proof = proof
    return ''
  }

  #close(): string {
    const part = this.#open
    if (!part) return ''
    this.#open = null
    const proof = this.#proof
    this.#proof = null
    if (part.type === 'reasoning' && part.redacted) return this.#whole(this.#blocks.block(proof ? { ...part, proof } : part)!)
    let written = ''
    if (part.type === 'media' && !this.#hasText) written = this.#text(unsaid(part.kind))
    if (part.type === 'reasoning' && proof) written = this.#delta({ type: 'signature_delta', signature: sealProof(proof, anthropic) })
    if (this.#isFree) written += this.#piece('"}')
    this.#isFree = false
    written += this.#stopBlock()
    return part.type !== 'reasoning' && proof ? written + this.#whole(attached(behindMark, proof)) : written
  }

  #fail({ status, kind, message }: ChatError): string {
    const written = this.#close() + framed('error', { type: 'error', error: { type: kind !== null && statusOfKind(kind) > 0 ? kind : kindOf(status), message } })
    this.#over = true
    return written
  }

  #end(): string {
    const before = this.#close()
    this.#over = true
    const stop = this.#stop
    const delta = { stop_reason: stop && writeStop(stop.stop, stop.nativeStop, this.#refused), stop_sequence: stop?.stopSequence ?? null, stop_details: null, container: null }
    return before + framed('message_delta', { type: 'message_delta', delta, usage: writeUsage(this.#usage, this.#serviceTier, {}) }) + framed('message_stop', { type: 'message_stop' })
  }

  #startBlock(block: JsonObject): string {
    return framed('content_block_start', { type: 'content_block_start', index: this.#index, content_block: block })
  }

  #delta(delta: JsonObject): string {
    return framed('content_block_delta', { type: 'content_block_delta', index: this.#index, delta })
  }

  #stopBlock(): string {
    const written = `event: content_block_stop\ndata: {"type":"content_block_stop","index":${this.#index}}\n\n`
    this.#index++
    this.#prefix = ''
    this.#hasText = false
    this.#lastSummary = 0
    return written
  }

  #whole(block: JsonObject): string {
    return this.#startBlock(block) + this.#stopBlock()
  }
}

/** Without what deltas say. */
function emptied(part: Part): Part {
  switch (part.type) {
    case 'text': {
      const { citations: _, ...rest } = part
      return { ...rest, text: '' }
    }
    case 'refusal': return { ...part, text: '' }
    case 'reasoning': {
      const { text: _, summary: __, proof: ___, ...rest } = part
      return rest
    }
    case 'toolCall': return { ...part, arguments: '' }
    case 'media': return { ...part, transcript: '' }
    default: return part
  }
}
