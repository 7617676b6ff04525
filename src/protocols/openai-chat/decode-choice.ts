/** One choice of a stream: which part is open, and what waits for it to end. */
import type { ChatEvent, Citation, Json, JsonObject, Part, Proof, ReasoningPart, ToolCallPart } from '../canonical.ts'
import { decodeGoogle, decodeImage, namedCall } from './assistant.ts'
import { decodeLogprob } from './answer.ts'
import { decodeCitations } from './citations.ts'
import { compact, isObject, Members } from './members.ts'
import { madeCallId, type ToolNames } from './names.ts'
import { decodePart } from './parts.ts'
import { decodeDetail, joins } from './reasoning.ts'
import { decodeStop, type Stop } from './stops.ts'

/** A call on its way. */
interface Call {
  /** As the wire counts it. */
  key: number | string
  id: string
  name: string
  custom: boolean
  proof: Proof | undefined
  arguments: string
  /** Last character of the arguments, blanks apart. */
  last: string
  /** Length of the arguments when they were last found to be unfinished, and how often they were. */
  unfinished: number
  doubts: number
}

type Kind = 'text' | 'reasoning' | 'refusal' | 'audio' | 'call'

export class DecodedChoice {
  readonly index: number
  stop: Stop | null = null

  readonly #answer: string
  readonly #maker: string
  readonly #names: ToolNames | null
  #open: Kind | null = null
  #openCall: Call | null = null
  readonly #calls: Call[] = []
  /** Calls before this one have begun. */
  #begun = 0
  /** What was said while a call was unfinished. */
  #later: JsonObject[] = []
  #refuses = false
  /** The open thought as far as its details tell it, and all of its text. */
  #thought: ReasoningPart | null = null
  #thoughtText = ''
  #summaries: number[] = []
  /** Google's endpoint ends a thought with a tag at the beginning of the answer. */
  #inTags = false

  constructor(index: number, answer: string, maker: string, names: ToolNames | null) {
    this.index = index
    this.#answer = answer
    this.#maker = maker
    this.#names = names
  }

  take(raw: JsonObject, out: ChatEvent[]): void {
    const delta = raw['delta'] ?? raw['message']
    if (isObject(delta)) this.#delta(delta, out)
    const logprobs = raw['logprobs']
    if (isObject(logprobs) && Array.isArray(logprobs['content']) && logprobs['content'].length > 0) out.push({ type: 'logprobs', choice: this.index, tokens: logprobs['content'].map(decodeLogprob) })
    if (raw['finish_reason']) this.stop = decodeStop(new Members(raw, null), this.#refuses) ?? this.stop
  }

  /** Everything that is open or waits is told. `found`: what the vendor's search found, for the text. */
  close(out: ChatEvent[], found: readonly Citation[]): void {
    if (this.#open === 'text') for (const citation of found) out.push({ type: 'citation', choice: this.index, citation })
    while (this.#begun < this.#calls.length) this.#openNext(out)
    this.#end(out)
    this.#sayLater(out)
    this.#end(out)
  }

  #delta(delta: JsonObject, out: ChatEvent[]): void {
    if (this.#openCall === null) this.#say(delta, out)
    else if (saysMore(delta)) {
      this.#later.push(delta)
      if (isFinished(this.#openCall)) this.#sayLater(out)
    }
    const { tool_calls: calls, function_call: called } = delta
    if (Array.isArray(calls)) for (const each of calls) if (isObject(each)) this.#call(each, out)
    if (isObject(called)) this.#call({ index: 'function_call', function: called }, out)
  }

  #sayLater(out: ChatEvent[]): void {
    for (const delta of this.#later.splice(0)) this.#say(delta, out)
  }

  /** All but calls. */
  #say(delta: JsonObject, out: ChatEvent[]): void {
    const { content, reasoning_details: details, refusal } = delta
    const isTold = Array.isArray(details) && details.length > 0 && this.#details(details, delta, out)
    if (!isTold) {
      const thought = delta['reasoning_content'] || delta['reasoning']
      if (typeof thought === 'string' && thought !== '') this.#said('reasoning', thought, out)
    }
    const google = delta['extra_content'] ? decodeGoogle(new Members(delta, null)) : null
    if (typeof content === 'string') {
      if (content !== '') this.#content(content, google?.thought === true, out)
    } else if (Array.isArray(content)) this.#list(content, out)
    if (google?.proof) this.#textProof(google.proof, out)
    if (typeof refusal === 'string' && refusal !== '') {
      this.#refuses = true
      this.#said('refusal', refusal, out)
    }
    if (delta['annotations'] || delta['document_citations']) this.#cite(decodeCitations(new Members(delta, null)), out)
    if (isObject(delta['audio'])) this.#audio(delta['audio'], out)
    if (Array.isArray(delta['images'])) for (const each of delta['images']) this.#whole(decodeImage(each), out)
  }

  #content(text: string, isThought: boolean, out: ChatEvent[]): void {
    if (isThought) {
      const inner = this.#inTags ? text : text.replace(/^<thought>/, '')
      this.#inTags = true
      return this.#said('reasoning', inner, out)
    }
    const answer = this.#inTags ? text.replace(/^<\/thought>/, '') : text
    this.#inTags = false
    this.#said('text', answer, out)
  }

  /** Mistral's parts of a content. */
  #list(content: readonly Json[], out: ChatEvent[]): void {
    for (const each of content) {
      const part = decodePart(each, null)
      if (part?.type === 'text' || part?.type === 'reasoning') this.#said(part.type, part.text ?? '', out)
      else this.#whole(part, out)
    }
  }

  /** More of a text of some kind, which is opened where it is not. What has its proof is complete. */
  #said(kind: 'text' | 'reasoning' | 'refusal', text: string, out: ChatEvent[]): void {
    if (text === '') return
    if (this.#open !== kind || this.#thought?.proof) this.#begin(kind, kind === 'reasoning' ? { type: kind } : { type: kind, text: '' }, out)
    if (kind === 'reasoning') this.#thoughtText += text
    out.push({ type: 'delta', choice: this.index, text })
  }

  #begin(kind: Kind, part: Part, out: ChatEvent[]): void {
    this.#end(out)
    this.#open = kind
    out.push({ type: 'part', choice: this.index, part })
  }

  #end(out: ChatEvent[]): void {
    if (this.#open === null) return
    this.#open = null
    this.#openCall = null
    this.#thought = null
    this.#thoughtText = ''
    this.#summaries = []
    out.push({ type: 'partEnd', choice: this.index })
  }

  #whole(part: Part | null, out: ChatEvent[]): void {
    if (!part) return
    this.#end(out)
    out.push({ type: 'part', choice: this.index, part }, { type: 'partEnd', choice: this.index })
  }

  #cite(citations: readonly Citation[], out: ChatEvent[]): void {
    if (citations.length === 0) return
    if (this.#open !== 'text') this.#begin('text', { type: 'text', text: '' }, out)
    for (const citation of citations) out.push({ type: 'citation', choice: this.index, citation })
  }

  #textProof(proof: Proof, out: ChatEvent[]): void {
    if (this.#open !== 'text' && this.#open !== 'reasoning') this.#begin('text', { type: 'text', text: '' }, out)
    out.push({ type: 'proof', choice: this.index, proof })
  }

  /** False: they hold no text, which then stands beside them if there is one. */
  #details(details: readonly Json[], delta: JsonObject, out: ChatEvent[]): boolean {
    let isTold = false
    for (const raw of details) {
      if (!isObject(raw)) continue
      const detail = decodeDetail(raw, this.#maker)
      isTold ||= detail.text !== undefined || detail.summary !== undefined
      this.#detail(detail, raw, delta, out)
    }
    return isTold
  }

  #detail(detail: ReasoningPart, raw: JsonObject, delta: JsonObject, out: ChatEvent[]): void {
    const choice = this.index
    const index = typeof raw['index'] === 'number' ? raw['index'] : 0
    const thought = this.#open === 'reasoning' ? this.#thought : null
    // Of a thought in pieces the first names form and id. The text was streamed without details, and is told once more beside its proof.
    const isRecord = this.#open === 'reasoning' && thought === null && detail.text === this.#thoughtText && !delta['reasoning_content'] && !delta['reasoning']
    if (!isRecord && !this.#continues(thought, raw['format'] === undefined && thought?.id !== undefined ? { id: thought.id, ...detail } : detail, index)) {
      const { text: _, summary: _summary, proof: _proof, extras: _extras, ...head } = detail
      this.#begin('reasoning', head, out)
      this.#thought = { ...head }
    }
    const open = (this.#thought ??= { type: 'reasoning' })
    if (detail.summary) {
      const at = this.#summaries.indexOf(index)
      open.summary = []
      out.push({ type: 'summary', choice, index: at < 0 ? this.#summaries.push(index) - 1 : at, text: detail.summary[0]! })
    } else if (detail.text !== undefined) {
      open.text = ''
      if (!isRecord) this.#said('reasoning', detail.text, out)
    }
    if (detail.proof) {
      open.proof = detail.proof
      out.push({ type: 'proof', choice, proof: detail.proof })
    }
  }

  /** Whether a detail is more of the open thought. */
  #continues(thought: ReasoningPart | null, detail: ReasoningPart, index: number): boolean {
    if (thought === null || thought.proof !== undefined || detail.id !== thought.id) return false
    if (detail.text !== undefined && thought.text !== undefined) return true
    return (detail.summary !== undefined && this.#summaries.includes(index)) || joins(thought, detail)
  }

  #audio(audio: JsonObject, out: ChatEvent[]): void {
    const { id, data, transcript } = audio
    const isSaid = (typeof data === 'string' && data !== '') || (typeof transcript === 'string' && transcript !== '')
    if (this.#open !== 'audio') {
      if (!isSaid && typeof id !== 'string') return
      this.#begin('audio', compact<Part & { type: 'media' }>({ type: 'media', kind: 'audio', source: { by: 'data', base64: '' }, id: typeof id === 'string' ? id : undefined }), out)
    }
    if (isSaid) out.push({ type: 'media', choice: this.index, ...typeof data === 'string' && { base64: data }, ...typeof transcript === 'string' && { transcript } })
  }

  #call(raw: JsonObject, out: ChatEvent[]): void {
    const call = this.#find(raw)
    const { function: called, custom, id, extra_content: extra } = raw
    const said = isObject(custom) ? custom : isObject(called) ? called : {}
    if (isObject(custom)) call.custom = true
    if (typeof id === 'string' && call.id === '') call.id = id
    if (typeof said['name'] === 'string' && call.name === '') call.name = said['name']
    const proof = extra ? decodeGoogle(new Members(raw, null)).proof : undefined
    const given = isObject(custom) ? custom['input'] : said['arguments']
    const text = typeof given === 'string' ? given : isObject(given) ? JSON.stringify(given) : ''
    call.arguments += text
    call.last = text.trimEnd().at(-1) ?? call.last
    if (this.#openCall === call) {
      if (proof) out.push({ type: 'proof', choice: this.index, proof })
      if (text !== '') out.push({ type: 'delta', choice: this.index, text })
      return
    }
    call.proof ??= proof
    while (this.#begun < this.#calls.length && (this.#openCall === null || isFinished(this.#openCall)) && this.#calls[this.#begun]!.name !== '') this.#openNext(out)
  }

  /** By its index, which some vendors leave out, or repeat for another call; by its id; a name without either begins another one. */
  #find({ index, id, function: called }: JsonObject): Call {
    const hasId = typeof id === 'string' && id !== ''
    const isNamed = isObject(called) && typeof called['name'] === 'string' && called['name'] !== ''
    const last = this.#calls.at(-1)
    const key = typeof index === 'number' || typeof index === 'string' ? index : hasId ? id : isNamed && last?.name ? `#${this.#calls.length}` : last?.key ?? 0
    const call = this.#calls.findLast((each) => each.key === key)
    if (call && !(hasId && call.id !== '' && call.id !== id && isNamed)) return call
    const made: Call = { key, id: '', name: '', custom: false, proof: undefined, arguments: '', last: '', unfinished: -1, doubts: 0 }
    this.#calls.push(made)
    return made
  }

  #openNext(out: ChatEvent[]): void {
    const call = this.#calls[this.#begun]!
    const id = call.id || madeCallId(this.#answer, this.index, this.#begun)
    this.#begun++
    this.#begin('call', compact<ToolCallPart>({ type: 'toolCall', id, ...namedCall(call.name, this.#names), arguments: '', custom: call.custom || undefined, proof: call.proof }), out)
    this.#openCall = call
    if (call.arguments !== '') out.push({ type: 'delta', choice: this.index, text: call.arguments })
  }
}

const saysMore = (delta: JsonObject): boolean => sayings.some((key) => (Array.isArray(delta[key]) ? delta[key].length > 0 : Boolean(delta[key])))
const sayings = ['content', 'reasoning_content', 'reasoning', 'reasoning_details', 'refusal', 'annotations', 'document_citations', 'audio', 'images', 'extra_content']

/** Looking again and again at arguments that grow costs more the longer they are. */
const mostDoubts = 16

/** Its arguments are a whole JSON value: no more of them can come. */
function isFinished(call: Call): boolean {
  if (call.custom || call.unfinished === call.arguments.length || call.doubts >= mostDoubts) return false
  if (call.last !== '}' && call.last !== ']') return false
  call.unfinished = call.arguments.length
  try {
    JSON.parse(call.arguments)
    call.unfinished = -1
    return true
  } catch {
    // More of it is to come.
    call.doubts++
    return false
  }
}
