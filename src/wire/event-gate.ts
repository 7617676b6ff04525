/**
 * Forwards an event stream byte for byte while each complete event is judged: kept, dropped, or replaced. An event that is not
 * complete yet is held back up to a bound, so that a stream that breaks in the middle of one can still end cleanly.
 */
import { ownBytes } from './own-bytes.ts'
import { scannerFor, type EventScanner, type Framing, type StreamEvent } from './event-scanner.ts'

export type Verdict = 'keep' | 'drop' | Buffer

/** Between the bytes of a vendor and those for the client. */
export interface Gate {
  /** True when everything that was forwarded ends with a whole event: the place for a comment or an event of ours. */
  readonly atBoundary: boolean
  /** What passes is no events: nothing can be said in between, and its end is that of the answer. */
  readonly isOpaque?: true
  /** What to forward now. */
  push(chunk: Buffer): Buffer[]
  /** The stream has ended. `complete` tells whether it ended as it should. */
  end(complete: () => boolean): Buffer[]
}

export class EventGate implements Gate {
  readonly #scanner: EventScanner
  readonly #maxHeldBytes: number
  readonly #knows: (bytes: Buffer) => boolean
  #verdicts: { end: number; verdict: Verdict }[] = []
  #held: Buffer[] = []
  #heldBytes = 0
  /** The present event was too long to hold: its bytes pass as they come. */
  #passing = false

  /** `knows`: whether whole events need no verdict, since they are of a kind that is kept. It is asked for bytes that begin with an event. */
  constructor(framing: Framing, maxEventBytes: number, maxHeldBytes: number, judge: (event: StreamEvent) => Verdict, knows: (bytes: Buffer) => boolean = () => false) {
    this.#maxHeldBytes = maxHeldBytes
    this.#knows = knows
    this.#scanner = scannerFor(framing, maxEventBytes, (event) => this.#verdicts.push({ end: event.end, verdict: judge(event) }))
  }

  get atBoundary(): boolean {
    return !this.#passing
  }

  push(chunk: Buffer): Buffer[] {
    const base = this.#scanner.offset
    if (this.#held.length === 0 && this.#scanner.eventStart === base && this.#knows(chunk)) {
      this.#scanner.skip(chunk.length)
      return [chunk]
    }
    this.#scanner.push(chunk)
    const verdicts = this.#takeVerdicts()
    // The usual chunk: one event, and nothing of another.
    if (verdicts.length === 1 && verdicts[0]!.verdict === 'keep' && verdicts[0]!.end - base === chunk.length && this.#held.length === 0 && !this.#passing) return [chunk]
    const out: Buffer[] = []
    let from = 0
    for (const { end, verdict } of verdicts) {
      this.#settle(chunk.subarray(from, end - base), verdict, out)
      from = end - base
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from), out)
    return out
  }

  /** A last event without its blank line is forwarded where the stream is complete. */
  end(complete: () => boolean): Buffer[] {
    this.#scanner.end()
    const out: Buffer[] = []
    const verdict = this.#takeVerdicts().at(-1)?.verdict ?? 'keep'
    if (complete()) this.#settle(Buffer.alloc(0), verdict, out)
    return out
  }

  #takeVerdicts(): { end: number; verdict: Verdict }[] {
    if (this.#verdicts.length === 0) return this.#verdicts
    const taken = this.#verdicts
    this.#verdicts = []
    return taken
  }

  #settle(last: Buffer, verdict: Verdict, out: Buffer[]): void {
    if (verdict === 'keep' || this.#passing) out.push(...this.#held, last)
    else if (verdict !== 'drop') out.push(verdict)
    this.#held = []
    this.#heldBytes = 0
    this.#passing = false
  }

  #hold(part: Buffer, out: Buffer[]): void {
    if (this.#passing) return void out.push(part)
    this.#held.push(ownBytes(part))
    this.#heldBytes += part.length
    if (this.#heldBytes <= this.#maxHeldBytes) return
    out.push(...this.#held)
    this.#held = []
    this.#passing = true
  }
}
