/**
 * What a request is about, in microseconds: soft task types, how hard it looks for its kind, and its language. One small object per
 * request is made; learning and the decision record keep it. It cannot fail, it can only be unsure.
 */
import { headCount, outputCount, type Artefact } from './artefact.ts'
import { contextWeight, Features, formCount } from './features.ts'
import { wantedText } from './prompt-text.ts'
import { languages, taskCount, taskTypes, wordTasks, type Language } from './tasks.ts'

/** Tasks that count for a request, at most, and how likely one must be. */
export const topTasks = 4
const leastLikely = 0.04
/** What the residual of an arm sees: a constant, the heads, figures of form, task types. */
export const signalCount = 1 + headCount + formCount + taskCount

export interface Understanding {
  /** The likeliest tasks, most likely first, with weights that add up to 1. */
  tasks: number[]
  weights: number[]
  /** How much it is easy, medium and hard; they add up to 1. */
  hardness: [number, number, number]
  signals: Float32Array
  language: Language
  /** Characters of the text that was looked at, after what tools had put around it. */
  chars: number
}

/** Of a stored decision; null: it was made by a version with other signals or tasks. */
export function understandingOf({ tasks, weights, hardness, language, chars }: Omit<Understanding, 'signals'>, base64: string): Understanding | null {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'))
  if (bytes.length !== signalCount * Float32Array.BYTES_PER_ELEMENT || !tasks.every((task) => task >= 0 && task < taskCount)) return null
  const signals = new Float32Array(bytes.buffer)
  return signals.every((each) => Number.isFinite(each)) ? { tasks, weights, hardness, signals, language, chars } : null
}

/** What is known without reading. */
export interface Hints { tools: boolean; images: boolean }
export const noHints: Hints = { tools: false, images: false }

export class Understander {
  readonly #artefact: Artefact
  readonly #features = new Features()
  readonly #outputs = new Float32Array(outputCount)
  readonly #sums = new Float64Array(outputCount)
  constructor(artefact: Artefact) {
    this.#artefact = artefact
  }

  understand(text: string, hints: Hints = noHints): Understanding {
    const wanted = wantedText(text)
    this.#features.read(wanted)
    this.#score()
    const signals = new Float32Array(signalCount)
    this.#softmax(signals)
    const at = 1 + headCount + formCount
    // What it carries is certain; its words say the rest.
    if (hints.tools) mix(signals, at, taskTypes.indexOf('tool_use'), 0.6)
    if (hints.images) mix(signals, at, taskTypes.indexOf('vision'), 0.6)
    signals[0] = 1
    let sum = 0
    for (let head = 0; head < headCount; head++) {
      const value = Math.max(-2, Math.min(2, this.#outputs[wordTasks + head] as number))
      signals[1 + head] = value
      sum += value
    }
    signals.set(this.#features.form, 1 + headCount)
    const tasks: number[] = []
    const weights: number[] = []
    pickTop(signals, at, tasks, weights)
    return { tasks, weights, hardness: this.#hardness(sum / headCount), signals, language: languages[this.#features.language] as Language, chars: wanted.length }
  }

  #score(): void {
    const { rows, factors, form, bias } = this.#artefact
    const { grams, gramCount, endCount, scale, form: figures } = this.#features
    const sums = this.#sums
    const outputs = this.#outputs
    sums.fill(0)
    rows.add(grams, 0, endCount, 1, sums)
    rows.add(grams, endCount, gramCount, contextWeight, sums)
    for (let output = 0; output < outputCount; output++) {
      let value = sums[output]! * (factors[output] as number) * scale + (bias[output] as number)
      for (let figure = 0, at = output; figure < formCount; figure++, at += outputCount) value += (figures[figure] as number) * (form[at] as number)
      outputs[output] = value
    }
  }

  #softmax(signals: Float32Array): void {
    const outputs = this.#outputs
    let most = -Infinity
    for (let task = 0; task < wordTasks; task++) most = Math.max(most, outputs[task] as number)
    let sum = 0
    const at = 1 + headCount + formCount
    for (let task = 0; task < wordTasks; task++) sum += signals[at + task] = Math.exp((outputs[task] as number) - most)
    for (let task = 0; task < wordTasks; task++) signals[at + task]! /= sum
  }

  /** Between the middles of two neighbours it belongs to both in part. */
  #hardness(chance: number): [number, number, number] {
    const { easy, medium, hard } = this.#artefact.difficulty
    if (chance >= medium) {
      const part = Math.min(1, (chance - medium) / (easy - medium))
      return [part, 1 - part, 0]
    }
    const part = Math.min(1, (medium - chance) / (medium - hard))
    return [0, 1 - part, part]
  }
}

function mix(signals: Float32Array, at: number, task: number, share: number): void {
  for (let each = 0; each < taskCount; each++) signals[at + each]! *= 1 - share
  signals[at + task]! += share
}

function pickTop(signals: Float32Array, at: number, tasks: number[], weights: number[]): void {
  let sum = 0
  for (let place = 0; place < topTasks; place++) {
    let best = -1
    for (let task = 0; task < taskCount; task++) if ((best < 0 || signals[at + task]! > signals[at + best]!) && !tasks.includes(task)) best = task
    const weight = signals[at + best] as number
    if (place > 0 && weight < leastLikely) break
    tasks.push(best)
    weights.push(weight)
    sum += weight
  }
  for (let place = 0; place < weights.length; place++) weights[place]! /= sum
}
