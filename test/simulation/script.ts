/** What a simulated vendor does with one request: how long it takes, what it says byte by byte, and where it goes wrong. */
import type { Units } from './bill.ts'
import type { Dice } from './dice.ts'
import type { Faults } from './swarm.ts'

export interface VendorRules {
  id: string
  /** Charges the whole answer although its client has left. */
  billsAfterAbort: boolean
  /** Charges the input of an answer with an error status. */
  billsErrors: readonly number[]
  /** Every chunk carries the usage so far. */
  runningUsage: boolean
  promptIncludesCached: boolean
  completionIncludesReasoning: boolean
  /** Fields that bound its output. */
  limitFields: readonly string[]
  tokensPerByte: number
}

export const vendorRules: readonly VendorRules[] = [
  { id: 'alpha', billsAfterAbort: false, billsErrors: [], runningUsage: false, promptIncludesCached: true, completionIncludesReasoning: true, limitFields: ['max_tokens', 'max_completion_tokens'], tokensPerByte: 0.25 },
  { id: 'bravo', billsAfterAbort: true, billsErrors: [], runningUsage: false, promptIncludesCached: false, completionIncludesReasoning: false, limitFields: ['max_tokens'], tokensPerByte: 0.4 },
  { id: 'charlie', billsAfterAbort: false, billsErrors: [400, 408, 500, 529], runningUsage: true, promptIncludesCached: true, completionIncludesReasoning: true, limitFields: ['max_completion_tokens'], tokensPerByte: 0.15 },
]

/** Of every model here. */
export const modelOutputTokens = 6_000
export const charsPerToken = 4

export type Step =
  | { kind: 'head'; delayUs: number; status: number; contentType: string }
  /** `tokens`, `reasoning`: generated with these bytes. */
  | { kind: 'data'; delayUs: number; bytes: Buffer; tokens: number; reasoning: number }
  | { kind: 'end'; delayUs: number }
  | { kind: 'reset'; delayUs: number }
  | { kind: 'stall' }

export interface Script {
  steps: Step[]
  /** The whole answer. */
  units: Units
  /** Charged when all steps were taken: nothing for an error, what was generated for an answer cut short. */
  ending: 'complete' | 'generated' | 'error'
  /** Faults in it, for the count of what was exercised. */
  met: string[]
}

export interface Wanted {
  stream: boolean
  includeUsage: boolean
  choices: number
  limit: number | null
  bodyBytes: number
}

export function readRequest(body: Buffer, rules: VendorRules): Wanted {
  const said = JSON.parse(body.toString()) as Record<string, unknown>
  const limits = rules.limitFields.map((field) => said[field]).filter((value) => typeof value === 'number')
  const options = said['stream_options'] as { include_usage?: boolean } | null | undefined
  return { stream: said['stream'] === true, includeUsage: options?.include_usage === true, choices: Number(said['n'] ?? 1), limit: limits.length > 0 ? Math.min(...limits) : null, bodyBytes: body.length }
}

export function scriptFor(wanted: Wanted, rules: VendorRules, dice: Dice, faults: Faults): Script {
  const met: string[] = []
  const hit = (fault: keyof Faults['vendor']): boolean => {
    if (!dice.chance(faults.vendor[fault])) return false
    met.push(fault)
    return true
  }
  const headUs = dice.delayUs(200_000)
  if (hit('errorStatus')) return errorScript(dice, headUs, rules, wanted, met)
  const units = answerOf(wanted, rules, dice, hit('exceedsLimit'))
  if (hit('silent')) return { steps: [{ kind: 'stall' }], units, ending: 'complete', met }
  return wanted.stream ? new Stream(wanted, rules, dice, units, met, hit).script(headUs) : plainScript(wanted, rules, dice, units, met, hit, headUs)
}

function answerOf({ choices, limit, bodyBytes }: Wanted, { tokensPerByte }: VendorRules, dice: Dice, exceeds: boolean): Units {
  const prompt = Math.max(1, Math.floor(bodyBytes * tokensPerByte))
  const cached = dice.chance(0.3) ? dice.int(0, prompt) : 0
  const most = Math.min(limit ?? modelOutputTokens, modelOutputTokens)
  const wish = dice.chance(0.85) ? dice.int(1, 60) : dice.int(60, modelOutputTokens)
  const each = exceeds ? most + dice.int(1, 500) : Math.min(wish, most)
  const all = each * choices
  const reasoning = dice.chance(0.2) ? dice.int(0, all >> 1) : 0
  return { input: prompt - cached, cached, output: all - reasoning, reasoning, request: 1 }
}

function errorScript(dice: Dice, delayUs: number, { billsErrors }: VendorRules, { bodyBytes }: Wanted, met: string[]): Script {
  const status = dice.pick([400, 401, 404, 408, 429, 500, 502, 503, 529])
  const isBilled = billsErrors.includes(status)
  const bytes = Buffer.from(JSON.stringify({ error: { message: 'the vendor says no', type: 'error', code: `http_${status}` } }))
  const steps: Step[] = [{ kind: 'head', delayUs, status, contentType: 'application/json' }, { kind: 'data', delayUs: dice.delayUs(1_000), bytes, tokens: 0, reasoning: 0 }, { kind: 'end', delayUs: 0 }]
  return { steps, units: { input: isBilled ? Math.max(1, Math.floor(bodyBytes * 0.1)) : 0, cached: 0, output: 0, reasoning: 0, request: 0 }, ending: isBilled ? 'complete' : 'error', met }
}

export function usageOf(units: Units, rules: VendorRules): Record<string, unknown> {
  const prompt = units.input + (rules.promptIncludesCached ? units.cached : 0)
  const completion = units.output + (rules.completionIncludesReasoning ? units.reasoning : 0)
  return {
    prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion,
    ...(units.cached > 0 ? { prompt_tokens_details: { cached_tokens: units.cached } } : {}),
    ...(units.reasoning > 0 ? { completion_tokens_details: { reasoning_tokens: units.reasoning } } : {}),
  }
}

type Hit = (fault: keyof Faults['vendor']) => boolean

/** Usage that can't be true. */
const absurd = (dice: Dice): unknown => dice.pick<unknown>([
  { prompt_tokens: -5, completion_tokens: 3 }, { prompt_tokens: 'many', completion_tokens: null, total_tokens: 7 }, { prompt_tokens: 1e15, completion_tokens: 1e15 },
  { prompt_tokens: 0.5, completion_tokens: 1.5 }, { prompt_tokens: 3, completion_tokens: 0 }, {}, [], 'none',
])

function plainScript(wanted: Wanted, rules: VendorRules, dice: Dice, units: Units, met: string[], hit: Hit, headUs: number): Script {
  const inBand = hit('inBandError')
  const usage = hit('noUsage') ? undefined : hit('absurdUsage') ? absurd(dice) : usageOf(units, rules)
  const visible = 'x'.repeat(charsPerToken * units.output)
  const json = inBand ? { error: { message: 'overloaded', type: 'overloaded_error', code: null } }
    : { id: 'c', object: 'chat.completion', model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: visible }, finish_reason: 'stop' }], ...(usage === undefined ? {} : { usage }) }
  let body = Buffer.from(JSON.stringify(json))
  const isCut = hit('truncated')
  const isReset = !isCut && hit('reset')
  if (isCut || isReset) body = body.subarray(0, dice.int(0, body.length - 1))
  const steps: Step[] = [{ kind: 'head', delayUs: headUs, status: 200, contentType: 'application/json' }]
  // The whole answer is generated before its first byte.
  for (const bytes of cut(body, dice)) steps.push({ kind: 'data', delayUs: dice.delayUs(5_000), bytes, tokens: 0, reasoning: 0 })
  if (hit('stall')) steps.push({ kind: 'stall' })
  else steps.push({ kind: isReset ? 'reset' : 'end', delayUs: dice.delayUs(2_000) })
  return { steps, units, ending: inBand ? 'error' : 'complete', met }
}

/** Pieces of any sizes, a hundred at most. */
function cut(bytes: Buffer, dice: Dice): Buffer[] {
  const pieces: Buffer[] = []
  const most = Math.max(1, dice.chance(0.7) ? bytes.length : Math.ceil(bytes.length / 4))
  for (let at = 0; at < bytes.length;) {
    const length = dice.int(Math.ceil(bytes.length / 100), most)
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return pieces
}

class Stream {
  readonly #wanted: Wanted
  readonly #rules: VendorRules
  readonly #dice: Dice
  readonly #units: Units
  readonly #met: string[]
  readonly #hit: Hit
  readonly #steps: Step[] = []

  constructor(wanted: Wanted, rules: VendorRules, dice: Dice, units: Units, met: string[], hit: Hit) {
    this.#wanted = wanted
    this.#rules = rules
    this.#dice = dice
    this.#units = units
    this.#met = met
    this.#hit = hit
  }

  script(headUs: number): Script {
    const { output } = this.#units
    this.#steps.push({ kind: 'head', delayUs: headUs, status: 200, contentType: 'text/event-stream; charset=utf-8' })
    const inBand = this.#hit('inBandError') ? this.#dice.int(0, 8) : -1
    const cutAfter = inBand < 0 && (this.#hit('truncated') || this.#hit('reset')) ? this.#dice.int(0, 8) : -1
    const stallAfter = cutAfter < 0 && inBand < 0 && this.#hit('stall') ? this.#dice.int(0, 8) : -1
    const most = Math.max(1, this.#dice.pick([1, 3, 20, 300]), Math.ceil(output / 40))
    // Reasoning is not shown; it comes before the first chunk.
    let reasoning = this.#units.reasoning
    let made = 0
    for (let chunk = 0; made < output || chunk === 0; chunk++) {
      if (chunk === inBand) return this.#endsInError(made)
      if (chunk === cutAfter) return this.#endsShort()
      if (chunk === stallAfter) return this.#close({ kind: 'stall' }, 'complete')
      const tokens = Math.min(this.#dice.int(1, most), output - made)
      made += tokens
      this.#event({ choices: [{ index: chunk % this.#wanted.choices, delta: { content: 'x'.repeat(charsPerToken * tokens) }, finish_reason: null }], ...this.#runningUsage(made) }, tokens, reasoning)
      reasoning = 0
    }
    return this.#finish()
  }

  #finish(): Script {
    const usage = this.#hit('noUsage') ? undefined : this.#hit('absurdUsage') ? absurd(this.#dice) : usageOf(this.#units, this.#rules)
    const isLate = usage !== undefined && this.#hit('lateUsage')
    const inFinish = this.#rules.runningUsage || (!isLate && this.#dice.chance(0.2))
    const finish = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], ...(usage !== undefined && inFinish ? { usage } : {}) }
    this.#event(finish, 0, 0)
    const apart = usage !== undefined && !inFinish && this.#wanted.includeUsage ? { choices: [], usage } : null
    if (apart && !isLate) this.#event(apart, 0, 0)
    if (!this.#hit('noDone')) this.#push(Buffer.from('data: [DONE]\n\n'), 0, 0)
    if (apart && isLate) this.#event(apart, 0, 0)
    return this.#close(this.#hit('staysOpen') ? { kind: 'stall' } : { kind: 'end', delayUs: this.#dice.delayUs(2_000) }, 'complete')
  }

  #runningUsage(made: number): Record<string, unknown> {
    return this.#rules.runningUsage ? { usage: usageOf({ ...this.#units, output: made }, this.#rules) } : {}
  }

  #endsInError(made: number): Script {
    this.#event({ error: { message: 'the model broke', type: 'server_error', code: 'server_error' } }, 0, 0)
    return this.#close({ kind: 'end', delayUs: 0 }, made === 0 ? 'error' : 'generated')
  }

  #endsShort(): Script {
    return this.#close({ kind: this.#met.includes('reset') ? 'reset' : 'end', delayUs: this.#dice.delayUs(2_000) }, 'generated')
  }

  #close(step: Step, ending: Script['ending']): Script {
    this.#steps.push(step)
    return { steps: this.#steps, units: this.#units, ending, met: this.#met }
  }

  #event(json: unknown, tokens: number, reasoning: number): void {
    this.#push(Buffer.from(`data: ${JSON.stringify(json)}\n\n`), tokens, reasoning)
  }

  /** Now and then an event comes in two pieces. */
  #push(bytes: Buffer, tokens: number, reasoning: number): void {
    const delayUs = this.#dice.delayUs(30_000)
    const at = this.#dice.chance(0.15) ? this.#dice.int(1, bytes.length - 1) : bytes.length
    this.#steps.push({ kind: 'data', delayUs, bytes: bytes.subarray(0, at), tokens, reasoning })
    if (at < bytes.length) this.#steps.push({ kind: 'data', delayUs: this.#dice.delayUs(500), bytes: bytes.subarray(at), tokens: 0, reasoning: 0 })
  }
}
