/**
 * How long a deployment takes, in two measures of the same answers: the peak, which jumps up at once and fades with time, is what
 * balancing compares; the usual, which only answers teach, tells when one is overdue. Peak-EWMA as in Finagle.
 */
const fadeMs = 10_000
const usualWeight = 0.05

export class Latency {
  /** Answers that taught it. */
  answers = 0
  usualMs = 0
  #peakMs = 0
  #atMs = 0

  /** It took so long, or longer: also where no answer came of it. */
  waited(ms: number, nowMs: number): void {
    const kept = Math.exp((this.#atMs - nowMs) / fadeMs)
    const faded = this.#peakMs * kept
    this.#peakMs = ms > faded ? ms : faded + ms * (1 - kept)
    this.#atMs = nowMs
  }

  answered(ms: number, nowMs: number): void {
    this.waited(ms, nowMs)
    this.answers++
    this.usualMs = ms > this.usualMs ? ms : this.usualMs + (ms - this.usualMs) * usualWeight
  }

  /** Fades while nothing is measured, so that a deployment that was slow is tried again. 0: never measured, or long ago. */
  peakMs(nowMs: number): number {
    return this.#peakMs === 0 ? 0 : this.#peakMs * Math.exp((this.#atMs - nowMs) / fadeMs)
  }

  get isKnown(): boolean {
    return this.#peakMs > 0
  }

  forget(): void {
    this.#peakMs = 0
  }
}
