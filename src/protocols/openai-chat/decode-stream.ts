/**
 * A stream of chunks as canonical events. Vendors differ in everything: usage before or behind the finish or in every chunk, two finishes,
 * text behind the finish, calls without index or id, calls in turns. So reasons and usage are told at the end, and of what comes in turns
 * one part at a time is passed on and the others wait. What is no chunk is skipped.
 */
import type { ChatEvent, ChatUsage, Citation, Json, JsonObject } from '../canonical.ts'
import type { Source, StreamDecoder } from '../codec.ts'
import { foundSources } from './citations.ts'
import { DecodedChoice } from './decode-choice.ts'
import { faultOf } from './errors.ts'
import { isObject } from './members.ts'
import { toolNames, type ToolNames } from './names.ts'
import { decodeUsage } from './usage.ts'

const textOr = <T>(value: Json | undefined, other: T): string | T => (typeof value === 'string' && value !== '' ? value : other)

export class ChatDecoder implements StreamDecoder {
  readonly #source: Source
  readonly #names: ToolNames | null
  readonly #choices: DecodedChoice[] = []
  #id = ''
  #hasBegun = false
  #isOver = false
  #usage: ChatUsage | null = null
  #serviceTier: string | undefined
  #found: Citation[] = []

  constructor(source: Source) {
    this.#source = source
    this.#names = toolNames(source.request)
  }

  event(name: string, data: string, out: ChatEvent[]): void {
    if (this.#isOver) return
    if (data === '[DONE]') return this.#finish(out, true)
    let chunk: unknown
    try {
      chunk = JSON.parse(data)
    } catch {
      if (name === 'error') this.#fail(data, out)
      return
    }
    if (!isObject(chunk)) return
    const groq = chunk['x_groq']
    const error = chunk['error'] ?? (isObject(groq) ? groq['error'] : undefined) ?? (name === 'error' ? chunk : null)
    if (error) return this.#fail(error, out)
    const choices = chunk['choices']
    if (!this.#hasBegun) this.#begin(chunk, out)
    const usage = chunk['usage'] ?? (isObject(groq) ? groq['usage'] : undefined)
    if (usage) this.#usage = decodeUsage(usage, this.#source.usage)?.usage ?? this.#usage
    this.#serviceTier = textOr(chunk['service_tier'], this.#serviceTier)
    // Perplexity sends all of what it found with each chunk.
    if (chunk['search_results'] || chunk['citations']) this.#found = foundSources(chunk)
    if (Array.isArray(choices)) for (let i = 0; i < choices.length; i++) this.#choice(choices[i], i, out)
  }

  end(out: ChatEvent[]): void {
    if (!this.#isOver) this.#finish(out, false)
  }

  /** Azure and GitHub begin with a chunk about the prompt, without an id. */
  #begin(chunk: JsonObject, out: ChatEvent[]): void {
    const id = textOr(chunk['id'], '')
    const choices = chunk['choices']
    if (id === '' && !(Array.isArray(choices) && choices.length > 0)) return
    this.#hasBegun = true
    this.#id = id
    const { created, service_tier: tier, system_fingerprint: print } = chunk
    out.push({
      type: 'start', id, model: textOr(chunk['model'], ''), ...typeof created === 'number' && { createdAt: created },
      ...typeof tier === 'string' && { serviceTier: tier }, ...typeof print === 'string' && print !== '' && { fingerprint: print },
    })
  }

  #choice(raw: Json | undefined, position: number, out: ChatEvent[]): void {
    if (!isObject(raw)) return
    const index = typeof raw['index'] === 'number' ? raw['index'] : position
    let choice: DecodedChoice | undefined
    for (const each of this.#choices) if (each.index === index) choice = each
    if (!choice) this.#choices.push((choice = new DecodedChoice(index, this.#id || (this.#source.id ?? ''), this.#source.proofs, this.#names)))
    choice.take(raw, out)
  }

  #fail(error: unknown, out: ChatEvent[]): void {
    const fault = faultOf(error)
    if (!fault) return
    this.#isOver = true
    for (const choice of this.#choices) choice.close(out, [])
    out.push({ type: 'error', error: { status: fault.status ?? 500, code: fault.code, kind: fault.type, message: fault.message } })
  }

  /** `isSaid`: by the format's own end. A stream whose answers all have a reason to end is complete without one. */
  #finish(out: ChatEvent[], isSaid: boolean): void {
    this.#isOver = true
    for (const choice of this.#choices) choice.close(out, this.#found)
    let isComplete = this.#choices.length > 0
    for (const { index, stop } of this.#choices) {
      if (stop?.stop === undefined) isComplete = false
      else out.push({ type: 'stop', choice: index, ...stop, stop: stop.stop })
    }
    if (this.#usage) out.push({ type: 'usage', usage: this.#usage, ...this.#serviceTier !== undefined && { serviceTier: this.#serviceTier } })
    if (isSaid || isComplete) out.push({ type: 'end' })
  }
}
