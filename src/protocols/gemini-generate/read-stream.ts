/**
 * Streams: every event is a whole answer with the pieces that are new. Nothing marks the end of a part, and some models name a finish
 * reason in every event, so what ends is told once another part begins or the connection ends; without a reason there is no stop.
 */
import type { ChatEvent, Json, JsonObject, ToolCallPart } from '../canonical.ts'
import type { StreamDecoder } from '../codec.ts'
import { AnswerReader, tokensOf, type AskedSource } from './answer.ts'
import { faultOf } from './errors.ts'
import { isObject, listOf } from './fields.ts'
import { blockOf, reasonIn, stopOf } from './finish.ts'
import { citationsOf } from './grounding.ts'
import { PartialArgs } from './partial-args.ts'
import { decodePart } from './parts.ts'
import { counts, searchesIn, tierIn, usageOf } from './usage.ts'

/** What is open of one candidate. */
interface Running {
  choice: number
  open: 'text' | 'reasoning' | 'audio' | null
  /** A signature closes its part: what follows is another one. */
  isSigned: boolean
  /** Of the open text, since citations count from its beginning. */
  text: string
  /** Of the open audio: a coding alone, so that its pieces can be put together, and the bytes that three don't divide. */
  mimeType: string
  carried: Buffer
  call: { part: ToolCallPart; args: PartialArgs } | null
  hasCalls: boolean
  reason: string | null
  blocked: string | null
  grounding: JsonObject | undefined
  recited: JsonObject | undefined
}

const noBytes = Buffer.alloc(0)

/** Keeps a connection alive, and is no answer yet. */
function isSilent({ candidates, usageMetadata, promptFeedback, responseId, modelVersion }: JsonObject): boolean {
  if (usageMetadata || promptFeedback || responseId || modelVersion) return false
  const [first] = listOf(candidates)
  if (!isObject(first) || first['finishReason']) return !isObject(first)
  return isObject(first['content']) && listOf(first['content']['parts']).every((part) => isObject(part) && part['text'] === '' && !part['thoughtSignature'])
}

export class Decoder implements StreamDecoder {
  readonly #source: AskedSource
  #reader: AnswerReader | null = null
  readonly #running: Running[] = []
  #usage: JsonObject | null = null
  #model = ''
  #searches = 0

  constructor(source: AskedSource) {
    this.#source = source
  }

  event(_name: string, data: string, out: ChatEvent[]): void {
    let chunk: unknown
    try {
      chunk = JSON.parse(data)
    } catch {
      return
    }
    if (Array.isArray(chunk)) for (const each of chunk) this.#take(each, out)
    else this.#take(chunk, out)
  }

  #take(chunk: unknown, out: ChatEvent[]): void {
    if (!isObject(chunk)) return
    const { candidates, usageMetadata, promptFeedback, error } = chunk
    if (error !== undefined && error !== null) {
      const { code, type, message, status } = faultOf(error)
      out.push({ type: 'error', error: { status: status ?? 500, code, kind: type, message } })
      return
    }
    if (!this.#reader) {
      if (isSilent(chunk)) return
      this.#start(chunk, out)
    }
    if (isObject(usageMetadata) && (counts(usageMetadata) || !this.#usage)) this.#usage = usageMetadata
    if (Array.isArray(candidates)) for (let i = 0; i < candidates.length; i++) this.#candidate(candidates[i], i, out)
    const block = isObject(promptFeedback) ? reasonIn(promptFeedback['blockReason']) : null
    if (block !== null && this.#running.length === 0) this.#of(0).blocked = block
  }

  #start(chunk: JsonObject, out: ChatEvent[]): void {
    const { responseId, modelVersion, createTime, usageMetadata } = chunk
    const id = typeof responseId === 'string' ? responseId : ''
    this.#reader = new AnswerReader(id, this.#source)
    this.#model = typeof modelVersion === 'string' ? modelVersion : ''
    const createdAt = typeof createTime === 'string' ? Math.floor(Date.parse(createTime) / 1000) : Number.NaN
    const serviceTier = tierIn(usageMetadata)
    out.push({
      type: 'start', id, model: this.#model,
      ...(Number.isNaN(createdAt) ? {} : { createdAt }), ...(serviceTier === null ? {} : { serviceTier }), ...(counts(usageMetadata) ? { usage: usageOf(usageMetadata, 0) } : {}),
    })
  }

  #of(choice: number): Running {
    for (const each of this.#running) if (each.choice === choice) return each
    const running: Running = {
      choice, open: null, isSigned: false, text: '', mimeType: '', carried: noBytes, call: null, hasCalls: false, reason: null, blocked: null, grounding: undefined, recited: undefined,
    }
    this.#running.push(running)
    return running
  }

  #candidate(candidate: Json | undefined, position: number, out: ChatEvent[]): void {
    if (!isObject(candidate)) return
    const { content, index, finishReason, groundingMetadata, citationMetadata, logprobsResult } = candidate
    const running = this.#of(typeof index === 'number' ? index : position)
    const parts = isObject(content) ? content['parts'] : undefined
    if (Array.isArray(parts)) for (let i = 0; i < parts.length; i++) this.#part(running, parts[i]!, i > 0, out)
    if (finishReason !== undefined) running.reason = reasonIn(finishReason) ?? running.reason
    if (isObject(logprobsResult)) out.push({ type: 'logprobs', choice: running.choice, tokens: tokensOf(logprobsResult) })
    if (isObject(citationMetadata)) running.recited = citationMetadata
    if (isObject(groundingMetadata)) {
      running.grounding = groundingMetadata
      this.#searches = Math.max(this.#searches, searchesIn(this.#model, groundingMetadata))
    }
  }

  /** `isNext`: another part of this event stood before it, so that it is not the rest of one. */
  #part(running: Running, value: Json, isNext: boolean, out: ChatEvent[]): void {
    if (!isObject(value)) return
    const { text, thought, thoughtSignature, functionCall, inlineData } = value
    if (typeof text === 'string') return this.#text(running, value, text, thought === true ? 'reasoning' : 'text', isNext, out)
    if (isObject(functionCall) && (functionCall['partialArgs'] !== undefined || functionCall['willContinue'] === true || functionCall['name'] === undefined)) {
      return this.#piece(running, functionCall, typeof thoughtSignature === 'string' ? thoughtSignature : undefined, out)
    }
    if (isObject(inlineData) && this.#audio(running, value, out)) return
    this.#close(running, out)
    const part = decodePart(value, this.#reader!)
    if (!part) return
    if (part.type === 'toolCall') this.#call(running, part, out)
    else out.push({ type: 'part', choice: running.choice, part }, { type: 'partEnd', choice: running.choice })
  }

  #text(running: Running, value: JsonObject, text: string, kind: 'text' | 'reasoning', isNext: boolean, out: ChatEvent[]): void {
    const { choice } = running
    const signature = value['thoughtSignature']
    const isSigned = typeof signature === 'string' && signature !== ''
    if (text === '' && !isSigned) return
    // A signature in a part without a text belongs to the text before it.
    if (running.open !== kind || (text !== '' && (running.isSigned || isNext)) || (running.isSigned && isSigned)) {
      this.#close(running, out)
      running.open = kind
      out.push({ type: 'part', choice, part: kind === 'text' ? { type: 'text', text: '' } : { type: 'reasoning' } })
    }
    if (text !== '') {
      if (kind === 'text') running.text += text
      out.push({ type: 'delta', choice, text })
    }
    if (isSigned) {
      running.isSigned = true
      out.push({ type: 'proof', choice, proof: this.#reader!.read(signature).proof })
    }
  }

  #call(running: Running, said: ToolCallPart, out: ChatEvent[]): void {
    const { choice } = running
    const part = this.#reader!.called(said)
    running.hasCalls = true
    out.push({ type: 'part', choice, part: { ...part, arguments: '' } }, { type: 'delta', choice, text: part.arguments }, { type: 'partEnd', choice })
  }

  /** A call whose arguments come in pieces is told when it is whole. */
  #piece(running: Running, call: JsonObject, signature: string | undefined, out: ChatEvent[]): void {
    if (typeof call['name'] === 'string') {
      this.#close(running, out)
      const { partialArgs: _, willContinue: __, ...whole } = call
      const part = decodePart({ functionCall: whole, ...(signature === undefined ? {} : { thoughtSignature: signature }) }, this.#reader!)
      if (part?.type === 'toolCall') running.call = { part, args: new PartialArgs() }
    }
    running.call?.args.take(call['partialArgs'])
    if (call['willContinue'] !== true) this.#endCall(running, out)
  }

  #endCall(running: Running, out: ChatEvent[]): void {
    const { call } = running
    if (!call) return
    running.call = null
    this.#call(running, { ...call.part, arguments: call.args.json() }, out)
  }

  /** Speech comes in many parts of raw samples, which are one. Whole files (WAV, MP3) can't be put together. */
  #audio(running: Running, part: JsonObject, out: ChatEvent[]): boolean {
    const { mimeType, data, ...more } = part['inlineData'] as JsonObject
    if (typeof mimeType !== 'string' || typeof data !== 'string' || !/^audio\/(l16|pcm)\b/i.test(mimeType) || Object.keys(more).length > 0 || Object.keys(part).length > 1) return false
    if (running.open !== 'audio' || running.mimeType !== mimeType) {
      this.#close(running, out)
      running.open = 'audio'
      running.mimeType = mimeType
      out.push({ type: 'part', choice: running.choice, part: { type: 'media', kind: 'audio', source: { by: 'data', base64: '' }, mediaType: mimeType } })
    }
    const bytes = Buffer.concat([running.carried, Buffer.from(data, 'base64')])
    const whole = bytes.length - bytes.length % 3
    running.carried = bytes.subarray(whole)
    if (whole > 0) out.push({ type: 'media', choice: running.choice, base64: bytes.toString('base64', 0, whole) })
    return true
  }

  #close(running: Running, out: ChatEvent[]): void {
    const { choice, open, carried } = running
    this.#endCall(running, out)
    if (open === null) return
    if (open === 'text' && (running.grounding || running.recited)) {
      const texts = [{ index: 0, text: running.text }]
      for (const { citation } of citationsOf(running.grounding, running.recited, texts)) out.push({ type: 'citation', choice, citation })
      running.grounding = running.recited = undefined
    }
    if (carried.length > 0) out.push({ type: 'media', choice, base64: carried.toString('base64') })
    out.push({ type: 'partEnd', choice })
    running.open = null
    running.isSigned = false
    running.text = ''
    running.carried = noBytes
  }

  end(out: ChatEvent[]): void {
    let isOver = false
    for (const running of this.#running) {
      this.#close(running, out)
      const { choice, reason, blocked, hasCalls } = running
      if (blocked === null && reason === null) continue
      isOver = true
      out.push({ type: 'stop', choice, ...(blocked === null ? stopOf(reason!, hasCalls) : blockOf(blocked)) })
    }
    if (counts(this.#usage)) {
      const serviceTier = tierIn(this.#usage)
      out.push({ type: 'usage', usage: usageOf(this.#usage, this.#searches), ...(serviceTier === null ? {} : { serviceTier }) })
    }
    if (isOver) out.push({ type: 'end' })
  }
}

