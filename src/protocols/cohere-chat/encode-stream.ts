/** Canonical events as a Cohere stream: https://docs.cohere.com/v2/docs/streaming. Its usage and its reason to stop are one event, the last. */
import type { ChatEvent, JsonObject, Part } from '../canonical.ts'
import type { Client, StreamEncoder } from '../codec.ts'
import { defined } from '../members.ts'
import { finishOf, logprobsTo, unsaid } from './answer.ts'
import { citationTo } from './citations.ts'
import { nativeKind } from './messages.ts'
import { nameForCohere } from './tool-names.ts'
import { usageTo } from './usage.ts'

const framed = (type: string, json: string): string => `event: ${type}\ndata: ${json}\n\n`

export class CohereEncoder implements StreamEncoder {
  readonly #client: Client
  /** Index of the next block of content, of the next call, of the next citation. */
  #content = 0
  #calls = 0
  #citations = 0
  /** What stands before and behind the text of a delta of the open part; '' where it has none. */
  #before = ''
  #after = ''
  /** Of the open part. */
  #ending = ''
  #isThought = false
  /** Of the open text. */
  #text = ''
  #finish: string | undefined
  #usage: JsonObject | undefined
  #hasFailed = false
  /** The open part is the call of a custom tool, whose free text is a member of its arguments. */
  #isFree = false

  constructor(client: Client) {
    this.#client = client
  }

  write(event: ChatEvent): string {
    if (this.#hasFailed || ('choice' in event && event.choice !== 0)) return ''
    switch (event.type) {
      case 'delta': return this.#delta(event.text)
      case 'part': return this.#part(event.part)
      case 'partEnd': return this.#partEnd()
      case 'start': return framed('message-start', JSON.stringify({ type: 'message-start', id: event.id || this.#client.id, delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } } }))
      case 'summary': return this.#isThought ? this.#delta(event.text) : ''
      case 'media': return event.transcript === undefined ? '' : this.#delta(event.transcript)
      case 'citation': return this.#citation(citationTo(event.citation, this.#text, Math.max(0, this.#content - 1)))
      case 'logprobs': return logprobsTo(event.tokens).map((logprobs) => framed('content-delta', JSON.stringify({ type: 'content-delta', index: Math.max(0, this.#content - 1), delta: { message: { content: { text: '' } } }, logprobs }))).join('')
      case 'stop':
        this.#finish = finishOf(event.stop, event.nativeStop)
        return ''
      case 'usage':
        this.#usage = usageTo(event.usage)
        return ''
      case 'error':
        this.#hasFailed = true
        return this.#end({ error: event.error.message, finish_reason: 'ERROR' })
      case 'end': return `${this.#end({ finish_reason: this.#finish, usage: this.#usage })}data: [DONE]\n\n`
      case 'proof': return ''
    }
  }

  #end(delta: Record<string, unknown>): string {
    return framed('message-end', JSON.stringify({ type: 'message-end', delta: defined(delta) }))
  }

  /** Nearly all events of a stream. */
  #delta(text: string): string {
    if (this.#before === '' || text === '') return ''
    this.#text += text
    return this.#piece(this.#isFree ? JSON.stringify(text).slice(1, -1) : text)
  }

  #piece(text: string): string {
    return this.#before + JSON.stringify(text) + this.#after
  }

  #part(part: Part): string {
    this.#text = ''
    this.#isFree = part.type === 'toolCall' && part.custom === true
    this.#isThought = part.type === 'reasoning'
    switch (part.type) {
      case 'text': case 'refusal': return this.#begin('text') + this.#delta(part.text)
      case 'reasoning': return this.#begin('thinking') + this.#delta(part.text ?? '')
      case 'toolCall': return this.#call(part.id, part.name) + (this.#isFree ? this.#piece('{"input":"') : '') + this.#delta(part.arguments)
      // Of audio the words are still to come.
      case 'media': return this.#begin('text') + this.#delta(part.transcript ?? (part.kind === 'audio' ? '' : unsaid(part)))
      case 'native': return nativeKind(part) === 'citation' ? this.#citation(part.value['citation'] as JsonObject) : ''
      case 'toolResult': return ''
    }
  }

  #begin(kind: 'text' | 'thinking'): string {
    const index = this.#content++
    this.#before = `event: content-delta\ndata: {"type":"content-delta","index":${index},"delta":{"message":{"content":{"${kind}":`
    this.#after = '}}}}\n\n'
    this.#ending = framed('content-end', `{"type":"content-end","index":${index}}`)
    return framed('content-start', `{"type":"content-start","index":${index},"delta":{"message":{"content":{"type":"${kind}","${kind}":""}}}}`)
  }

  #call(id: string, name: string): string {
    const index = this.#calls++
    this.#before = `event: tool-call-delta\ndata: {"type":"tool-call-delta","index":${index},"delta":{"message":{"tool_calls":{"function":{"arguments":`
    this.#after = '}}}}}\n\n'
    this.#ending = framed('tool-call-end', `{"type":"tool-call-end","index":${index}}`)
    return framed('tool-call-start', JSON.stringify({ type: 'tool-call-start', index, delta: { message: { tool_calls: { id, type: 'function', function: { name: nameForCohere(name), arguments: '' } } } } }))
  }

  #partEnd(): string {
    const ending = (this.#isFree ? this.#piece('"}') : '') + this.#ending
    this.#isFree = false
    this.#before = this.#ending = ''
    return ending
  }

  #citation(citation: JsonObject): string {
    const index = this.#citations++
    return framed('citation-start', JSON.stringify({ type: 'citation-start', index, delta: { message: { citations: citation } } })) + framed('citation-end', `{"type":"citation-end","index":${index}}`)
  }
}
