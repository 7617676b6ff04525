/**
 * Streams whose frames wrap the events of another format, as Bedrock sends Claude's: they are unwrapped to be read, and events go to each
 * client in the frames that it knows. An event that was too long to be read is left out, which the attempt notices by what is missing at the end.
 */
import { limits } from '../limits.ts'
import { unwrapInvoke, wrapInvoke } from '../protocols/bedrock-invoke.ts'
import { eventFrame } from '../wire/aws-event-stream.ts'
import type { Gate, Verdict } from '../wire/event-gate.ts'
import { scannerFor, type EventScanner, type Framing, type StreamEvent } from '../wire/event-scanner.ts'

/** How a vendor frames its stream, how its format is framed by itself, and how the client's is. */
export interface Framings { framing: Framing; ownFraming: Framing; clientFraming: Framing }

/** The events of a vendor's stream, unwrapped where the framing of its format is another one. */
export function eventsOf({ framing, ownFraming }: Framings, onEvent: (event: StreamEvent) => void): EventScanner {
  return scannerFor(framing, limits.translatedEventBytes, framing === ownFraming ? onEvent : (event) => onEvent(unwrapped(event)))
}

export const unwrapped = (event: StreamEvent): StreamEvent => ({ ...event, ...unwrapInvoke(event.name, event.data) ?? { data: null } })

/** An event for the client; null: its framing has none such. */
export function framed({ ownFraming, clientFraming }: Framings, name: string, data: string): Buffer | null {
  if (clientFraming === 'aws-event-stream') return ownFraming === clientFraming ? eventFrame(name, data) : wrapInvoke(name, data)
  return Buffer.from(clientFraming === 'ndjson' ? `${data}\n` : `${name === '' ? '' : `event: ${name}\n`}data: ${data}\n\n`)
}

/** For a client that speaks the format of the events, in other frames. */
export class ReframedStream implements Gate {
  /** Whole events are all that it writes. */
  readonly atBoundary = true
  readonly #scanner: EventScanner
  #out: Buffer[] = []

  constructor(framings: Framings, judge: (event: StreamEvent) => Verdict) {
    this.#scanner = eventsOf(framings, (event) => {
      const verdict = judge(event)
      if (verdict === 'drop' || event.data === null) return
      const bytes = verdict === 'keep' ? framed(framings, event.name, event.data) : verdict
      if (bytes !== null) this.#out.push(bytes)
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
