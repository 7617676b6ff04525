/**
 * How long a deployment takes, in three measures of the same answers: the peak, which jumps up at once and fades with time, is what
 * balancing compares; the usual, which only answers teach, tells when one is overdue; the latest times themselves tell when one is
 * late. Peak-EWMA as in Finagle.
 */
const fadeMs = 10_000
const usualWeight = 0.05
/** Latest times that are kept, and how many of them must be there to say when one is late. */
const keptTimes = 128
export const leastTimes = 20
/** What is late is worked out anew after so many. */
const renewedAfter = 8
/** Where the slow are more than one in twenty, the p95 is one of them, and waiting for it would wait for the slow. */
const timesP90 = 2

export class Latency {
  /** Answers that taught it. */
  answers = 0
  usualMs = 0
  #peakMs = 0
  #atMs = 0
  #times: Float32Array | null = null
  #count = 0
  #late = Infinity
  #lateSince = 0

  /** It took so long, or longer: also where no answer came of it. */
  waited(ms: number, nowMs: number): void {
    this.#peaked(ms, nowMs)
    // Of what was given up sooner than an answer is late nobody knows whether it would have been.
    if (ms >= this.lateMs) this.#keep(ms)
  }

  answered(ms: number, nowMs: number): void {
    this.#peaked(ms, nowMs)
    this.#keep(ms)
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

  /** The p95 of the latest times, or twice their p90 where that is less; Infinity while there are too few. */
  get lateMs(): number {
    if (this.#count < leastTimes) return Infinity
    if (this.#count - this.#lateSince >= renewedAfter || this.#late === Infinity) {
      const times = this.#times!.slice(0, Math.min(this.#count, keptTimes)).sort()
      const at = (share: number): number => times[Math.ceil(times.length * share) - 1]!
      this.#late = Math.min(at(0.95), timesP90 * at(0.9))
      this.#lateSince = this.#count
    }
    return this.#late
  }

  forget(): void {
    this.#peakMs = 0
  }

  #peaked(ms: number, nowMs: number): void {
    const kept = Math.exp((this.#atMs - nowMs) / fadeMs)
    const faded = this.#peakMs * kept
    this.#peakMs = ms > faded ? ms : faded + ms * (1 - kept)
    this.#atMs = nowMs
  }

  #keep(ms: number): void {
    this.#times ??= new Float32Array(keptTimes)
    this.#times[this.#count++ % keptTimes] = ms
  }
}
