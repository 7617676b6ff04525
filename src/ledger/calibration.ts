/**
 * Ratios that each deployment teaches by the usage it reports: input tokens per byte of a body, output tokens per character
 * delivered. They give upper estimates for holds and for what was never reported; they bound nothing. Lost with the process.
 */

/** Running mean and mean deviation, weighted towards the last samples. */
class Ratio {
  #samples = 0
  #mean = 0
  #deviation = 0

  learn(value: number): void {
    const weight = Math.max(1 / ++this.#samples, lastWeight)
    const off = value - this.#mean
    this.#mean += weight * off
    // The first sample has nothing to deviate from.
    if (this.#samples > 1) this.#deviation += weight * (Math.abs(off) - this.#deviation)
  }

  /** What few samples exceed; `fallback` until there are enough. */
  upper(fallback: number, floor: number): number {
    return this.#samples < enoughSamples ? fallback : Math.max(floor, this.#mean + 3 * this.#deviation)
  }
}

interface Learned { input: Ratio; output: Ratio }

/** Weight of a new sample once there are many: about the last 64 count. */
const lastWeight = 1 / 64
const enoughSamples = 16
/** Deployments kept: their names can come from clients. */
const mostDeployments = 10_000

const unlearned = { tokensPerByte: 0.5, tokensPerChar: 0.5 }
const floors = { tokensPerByte: 0.05, tokensPerChar: 0.1 }
/** Ratios outside say that something else was billed: an image behind a link, hidden reasoning, a base64 file. */
const plausible = { tokensPerByte: [0.02, 4], tokensPerChar: [0.02, 4] } as const

const isWithin = (value: number, [least, most]: readonly [number, number]): boolean => value >= least && value <= most

export class Calibration {
  readonly #learned = new Map<string, Learned>()

  /** Of a complete answer: bytes of a body of text, characters delivered, and what the vendor reported for both (without hidden reasoning). A sample that can't be true is left out. */
  learn(deploymentId: string, bytes: number, inputTokens: number, chars: number, outputTokens: number): void {
    const input = inputTokens / bytes
    const output = outputTokens / chars
    const hasInput = isWithin(input, plausible.tokensPerByte)
    const hasOutput = isWithin(output, plausible.tokensPerChar)
    if (!hasInput && !hasOutput) return
    let learned = this.#learned.get(deploymentId)
    if (!learned) {
      if (this.#learned.size >= mostDeployments) this.#learned.clear()
      this.#learned.set(deploymentId, (learned = { input: new Ratio(), output: new Ratio() }))
    }
    if (hasInput) learned.input.learn(input)
    if (hasOutput) learned.output.learn(output)
  }

  inputTokens(deploymentId: string, bytes: number): number {
    const learned = this.#learned.get(deploymentId)
    return Math.ceil(bytes * (learned ? learned.input.upper(unlearned.tokensPerByte, floors.tokensPerByte) : unlearned.tokensPerByte))
  }

  /** `events`: how many pieces the characters came in; none is less than a token. `most`: the limit that the vendor was given. */
  outputTokens(deploymentId: string, chars: number, events: number, most = Infinity): number {
    const learned = this.#learned.get(deploymentId)
    return Math.max(events, Math.min(most, Math.ceil(chars * (learned ? learned.output.upper(unlearned.tokensPerChar, floors.tokensPerChar) : unlearned.tokensPerChar))))
  }
}
