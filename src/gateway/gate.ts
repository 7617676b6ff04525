/** What stands between a vendor's stream and the client: its bytes pass as they came, watched where they are events, or are translated event by event. */
import { limits } from '../limits.ts'
import { ByteGate } from '../wire/byte-gate.ts'
import { EventGate, type Gate, type Verdict } from '../wire/event-gate.ts'
import { isFramed, type StreamEvent } from '../wire/event-scanner.ts'
import type { AttemptOptions } from './attempt-options.ts'
import { ReframedStream, unwrapped } from './reframe.ts'

/** Null: the answer is no stream. */
export function gateFor({ framings, stream, whole, bytes, translation, protocol }: AttemptOptions, contentType: unknown, judge: (event: StreamEvent) => Verdict, knows: (bytes: Buffer) => boolean): Gate | null {
  const { framing, ownFraming, clientFraming } = framings
  const type = String(contentType ?? '')
  if (whole) return null
  if (!isFramed(framing, type, stream)) return bytes && !/^application\/([\w.+-]*\+)?json\b/i.test(type) ? new ByteGate() : null
  if (translation) return translation.gate(judge)
  if (framing !== clientFraming) return new ReframedStream(framings, judge)
  if (framing !== ownFraming) return new EventGate(framing, limits.translatedEventBytes, limits.usageEventBytes, (event) => judge(unwrapped(event)))
  return new EventGate(framing, protocol.eventBytes ?? limits.eventScanBytes, limits.usageEventBytes, judge, knows)
}
