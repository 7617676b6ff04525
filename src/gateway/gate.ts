/** What stands between a vendor's stream and the client: its bytes pass as they came, or are translated event by event. */
import { limits } from '../limits.ts'
import { EventGate, type Gate, type Verdict } from '../wire/event-gate.ts'
import { isFramed, type StreamEvent } from '../wire/event-scanner.ts'
import { UnwrappedStream } from './unwrap.ts'
import type { AttemptOptions } from './attempt-options.ts'

/** Null: the answer is no stream. */
export function gateFor({ framing, stream, translation, protocol }: AttemptOptions, contentType: unknown, judge: (event: StreamEvent) => Verdict, knows: (bytes: Buffer) => boolean): Gate | null {
  if (!isFramed(framing, String(contentType ?? ''), stream)) return null
  if (translation) return translation.gate(judge)
  return framing !== protocol.framing ? new UnwrappedStream(framing, judge) : new EventGate(framing, protocol.eventBytes ?? limits.eventScanBytes, limits.usageEventBytes, judge, knows)
}
