/**
 * Streams whose frames wrap the events of another format, as Bedrock sends Claude's: they are unwrapped, and to a client of that format
 * they go as its own stream. An event that was too long to be read is left out, which the attempt notices by what is missing at the end.
 */
import { limits } from '../limits.ts'
import { unwrapInvoke } from '../protocols/bedrock-invoke.ts'
import type { Gate, Verdict } from '../wire/event-gate.ts'
import { scannerFor, type EventScanner, type Framing, type StreamEvent } from '../wire/event-scanner.ts'

/** The events of a vendor's stream, unwrapped where `own`, the framing of its format, is another one. */
export function eventsOf(framing: Framing, own: Framing, onEvent: (event: StreamEvent) => void): EventScanner {
  if (framing === own) return scannerFor(framing, limits.translatedEventBytes, onEvent)
  return scannerFor(framing, limits.translatedEventBytes, (event) => onEvent({ ...event, ...unwrapInvoke(event.name, event.data) ?? nothing }))
}

/** A frame without an event. */
const nothing = { name: '', data: null }

/** For a client that speaks the format of the events. */
export class UnwrappedStream implements Gate {
  /** Whole events are all that it writes. */
  readonly atBoundary = true
  readonly #scanner: EventScanner
  #out: Buffer[] = []

  constructor(framing: Framing, judge: (event: StreamEvent) => Verdict) {
    this.#scanner = eventsOf(framing, 'sse', (event) => {
      const verdict = judge(event)
      if (verdict === 'drop' || event.data === null) return
      this.#out.push(verdict === 'keep' ? Buffer.from(`event: ${event.name}\ndata: ${event.data}\n\n`) : verdict)
    })
  }

  push(chunk: Buffer): Buffer[] {
    this.#scanner.push(chunk)
    return this.#taken()
  }

  end(): Buffer[] {
    this.#scanner.end()
    return this.#taken()
  }

  #taken(): Buffer[] {
    const out = this.#out
    if (out.length > 0) this.#out = []
    return out
  }
}
