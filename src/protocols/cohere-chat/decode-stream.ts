/**
 * Events of a Cohere stream in the canonical form: https://docs.cohere.com/v2/docs/streaming. A text stays open behind its
 * `content-end`, since its citations may follow; calls that come at the same time are held back until the one before them has ended.
 */
import type { ChatEvent, Json, JsonObject, NativePart, Part } from '../canonical.ts'
import type { StreamDecoder } from '../codec.ts'
import { isNumber, isObject, isText, parsedObject } from '../members.ts'
import { logprobsFrom, stopFrom } from './answer.ts'
import { citationFrom, placeOf, strayCitation, type Place } from './citations.ts'
import { faultOf } from './errors.ts'
import { argumentsFrom } from './messages.ts'
import { nameFromCohere } from './tool-names.ts'
import { usageFrom } from './usage.ts'

interface Call { index: number; id: string; name: string; arguments: string; isOver: boolean }

export class CohereDecoder implements StreamDecoder {
  #isStarted = false
  #isOver = false
  /** What the open part is; null: none is open. */
  #open: Place['kind'] | 'call' | null = null
  #contentIndex = 0
  /** Of the open text: offsets of citations are into it. */
  #text = ''
  /** Begun calls in order, the first of which is open. */
  #calls: Call[] = []
  /** Arguments of the open call that may yet turn out to be `null`. */
  #held = ''
  #hasArguments = false
  #stray: NativePart[] = []

  event(_name: string, data: string, out: ChatEvent[]): void {
    if (this.#isOver) return
    if (data === '[DONE]') return this.#end(out)
    const event = parsedObject(data)
    if (!event) return
    const delta = objectIn(event, 'delta')
    const message = objectIn(delta, 'message')
    switch (event['type']) {
      case 'message-start': return this.#start(isText(event['id']) ? event['id'] : '', out)
      case 'content-start': case 'content-delta': return this.#content(event, objectIn(message, 'content'), out)
      case 'tool-plan-delta': return this.#piece('plan', message['tool_plan'], out)
      case 'tool-call-start': return this.#begin(event['index'], objectIn(message, 'tool_calls'), out)
      case 'tool-call-delta': return this.#arguments(event['index'], objectIn(objectIn(message, 'tool_calls'), 'function')['arguments'], out)
      case 'tool-call-end': return this.#endCall(event['index'], out)
      case 'citation-start': return this.#citation(objectIn(message, 'citations'), out)
      case 'message-end': return this.#finish(delta, out)
      case undefined: return this.#error(event, out)
    }
  }

  end(out: ChatEvent[]): void {
    if (!this.#isOver) this.#closeAll(out)
  }

  #start(id: string, out: ChatEvent[]): void {
    if (this.#isStarted) return
    this.#isStarted = true
    out.push({ type: 'start', id, model: '' })
  }

  #content(event: JsonObject, content: JsonObject, out: ChatEvent[]): void {
    const isThought = content['type'] === 'thinking' || (content['type'] === undefined && isText(content['thinking']))
    const kind = isThought ? 'thought' : 'text'
    const index = isNumber(event['index']) ? event['index'] : this.#contentIndex
    const text = content[isThought ? 'thinking' : 'text']
    const says = event['type'] === 'content-start' || (isText(text) && text !== '')
    if (says && (this.#open !== kind || this.#contentIndex !== index)) {
      this.#close(out)
      this.#contentIndex = index
      this.#part(kind, isThought ? { type: 'reasoning' } : { type: 'text', text: '' }, out)
    }
    this.#piece(kind, text, out)
    const tokens = event['logprobs'] === undefined ? undefined : logprobsFrom(Array.isArray(event['logprobs']) ? event['logprobs'] : [event['logprobs']])
    if (tokens) out.push({ type: 'logprobs', choice: 0, tokens })
  }

  /** More of a text, of which kind it is, opened where it is not. */
  #piece(kind: Place['kind'], text: Json | undefined, out: ChatEvent[]): void {
    if (!isText(text) || text === '') return
    if (this.#open !== kind) {
      this.#close(out)
      this.#part(kind, kind === 'thought' ? { type: 'reasoning' } : { type: 'text', text: '' }, out)
    }
    if (kind !== 'thought') this.#text += text
    out.push({ type: 'delta', choice: 0, text })
  }

  #part(kind: Place['kind'] | 'call', part: Part, out: ChatEvent[]): void {
    this.#start('', out)
    this.#open = kind
    this.#text = ''
    out.push({ type: 'part', choice: 0, part })
  }

  #close(out: ChatEvent[]): void {
    while (this.#calls.length > 0) this.#next(out)
    if (this.#open === null) return
    this.#open = null
    out.push({ type: 'partEnd', choice: 0 })
  }

  #begin(at: Json | undefined, call: JsonObject, out: ChatEvent[]): void {
    const called = objectIn(call, 'function')
    const index = isNumber(at) ? at : this.#calls.length
    const begun: Call = { index, id: isText(call['id']) ? call['id'] : `call_${index}`, name: isText(called['name']) ? nameFromCohere(called['name']) : '', arguments: isText(called['arguments']) ? called['arguments'] : '', isOver: false }
    this.#calls.push(begun)
    if (this.#calls.length === 1) this.#openCall(begun, out)
  }

  #openCall(call: Call, out: ChatEvent[]): void {
    if (this.#open !== null) out.push({ type: 'partEnd', choice: 0 })
    this.#part('call', { type: 'toolCall', id: call.id, name: call.name, arguments: '' }, out)
    this.#held = ''
    this.#hasArguments = false
    this.#more(call.arguments, out)
  }

  #arguments(at: Json | undefined, text: Json | undefined, out: ChatEvent[]): void {
    if (!isText(text)) return
    const call = isNumber(at) ? this.#calls.find(({ index }) => index === at) : this.#calls.at(-1)
    if (call === undefined) return
    if (call === this.#calls[0]) this.#more(text, out)
    else call.arguments += text
  }

  /** Of the open call. */
  #more(text: string, out: ChatEvent[]): void {
    if (this.#hasArguments) {
      if (text !== '') out.push({ type: 'delta', choice: 0, text })
      return
    }
    this.#held += text
    if ('null'.startsWith(this.#held)) return
    this.#hasArguments = true
    out.push({ type: 'delta', choice: 0, text: this.#held })
  }

  #endCall(at: Json | undefined, out: ChatEvent[]): void {
    const call = isNumber(at) ? this.#calls.find(({ index }) => index === at) : this.#calls[0]
    if (call) call.isOver = true
    while (this.#calls[0]?.isOver) this.#next(out)
  }

  /** The open call is over, and what was held of the next one is told. */
  #next(out: ChatEvent[]): void {
    if (!this.#hasArguments) out.push({ type: 'delta', choice: 0, text: argumentsFrom(this.#held) })
    out.push({ type: 'partEnd', choice: 0 })
    this.#open = null
    this.#calls.shift()
    const next = this.#calls[0]
    if (next) this.#openCall(next, out)
  }

  #citation(citation: JsonObject, out: ChatEvent[]): void {
    const { kind, index } = placeOf(citation)
    const isHere = this.#open === kind && kind !== 'thought' && (index === null || kind === 'plan' || index === this.#contentIndex)
    if (isHere) out.push({ type: 'citation', choice: 0, citation: citationFrom(citation, this.#text) })
    else this.#stray.push(strayCitation(citation))
  }

  #finish(delta: JsonObject, out: ChatEvent[]): void {
    this.#closeAll(out)
    const finish = delta['finish_reason']
    const usage = usageFrom(delta['usage'])
    if (finish === 'ERROR' || isText(delta['error'])) {
      if (usage) out.push({ type: 'usage', usage })
      out.push({ type: 'error', error: { status: 500, code: null, kind: isText(finish) ? finish : null, message: isText(delta['error']) ? delta['error'] : 'The generation failed.' } })
      this.#isOver = true
      return
    }
    if (isText(finish)) out.push({ type: 'stop', choice: 0, ...stopFrom(finish) })
    if (usage) out.push({ type: 'usage', usage })
    this.#end(out)
  }

  /** An error in the form of a whole answer's. */
  #error(event: JsonObject, out: ChatEvent[]): void {
    const fault = faultOf(event)
    if (fault) out.push({ type: 'error', error: { status: fault.status ?? 500, code: fault.code, kind: fault.type, message: fault.message } })
  }

  #closeAll(out: ChatEvent[]): void {
    this.#close(out)
    for (const part of this.#stray) out.push({ type: 'part', choice: 0, part }, { type: 'partEnd', choice: 0 })
    this.#stray = []
  }

  #end(out: ChatEvent[]): void {
    this.#closeAll(out)
    this.#isOver = true
    out.push({ type: 'end' })
  }
}

const nothing: JsonObject = {}
const objectIn = (value: JsonObject, key: string): JsonObject => {
  const member = value[key]
  return isObject(member) ? member : nothing
}
