/** Finds the events of a stream in its bytes, by how they are framed. All scanners give the same form of event for any chunking of the same bytes. */
import { AwsEventScanner } from './aws-event-stream.ts'
import { JsonArrayScanner } from './json-array-scanner.ts'
import { NdjsonScanner } from './ndjson-scanner.ts'
import { SseScanner, type SseEvent } from './sse-scanner.ts'

export type StreamEvent = SseEvent
export type Framing = 'sse' | 'aws-event-stream' | 'ndjson' | 'json-array'

export interface EventScanner {
  /** Offset of the byte after the last one that was pushed. */
  readonly offset: number
  /** Start of the event that is not complete yet. */
  readonly eventStart: number
  push(chunk: Buffer): void
  /** Passes over whole events that are known already. Only between events. */
  skip(length: number): void
  end(): void
}

export function scannerFor(framing: Framing, maxEventBytes: number, onEvent: (event: StreamEvent) => void): EventScanner {
  switch (framing) {
    case 'sse': return new SseScanner(maxEventBytes, onEvent)
    case 'aws-event-stream': return new AwsEventScanner(maxEventBytes, onEvent)
    case 'json-array': return new JsonArrayScanner(maxEventBytes, onEvent)
    case 'ndjson': return new NdjsonScanner(maxEventBytes, onEvent)
  }
}

/** Of what encoders write: binary frames are given as text of one character a byte. */
export const encodingOf = (framing: Framing): BufferEncoding => (framing === 'aws-event-stream' ? 'latin1' : 'utf8')

/** Of a stream that the gateway frames. */
export const contentTypes: Readonly<Record<Framing, string>> = { sse: 'text/event-stream; charset=utf-8', 'aws-event-stream': 'application/vnd.amazon.eventstream', ndjson: 'application/x-ndjson', 'json-array': 'application/json' }

/** Whether an answer of this content type is a stream so framed. One JSON array is told from one answer by nothing but what was asked. */
export function isFramed(framing: Framing, contentType: string, stream: boolean): boolean {
  switch (framing) {
    case 'sse': return /^text\/event-stream\b/i.test(contentType)
    case 'aws-event-stream': return /^application\/vnd\.amazon\.eventstream\b/i.test(contentType)
    case 'ndjson': return /^application\/(x-ndjson|jsonl)\b/i.test(contentType)
    case 'json-array': return stream && /^application\/json\b/i.test(contentType)
  }
}
