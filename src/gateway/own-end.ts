/**
 * Whether an answer may be given again: the model came to its own end. One that was cut at a limit, withheld or declined was the vendor's
 * mood of the moment; so was one that cannot be read.
 */
import type { ChatEvent, JsonObject, StopReason } from '../protocols/canonical.ts'
import type { Exchange } from './exchange.ts'
import { eventsOf } from './reframe.ts'

const ownEnds: ReadonlySet<StopReason | undefined> = new Set(['end', 'stop_sequence', 'tool_calls'])
export const isOwnEnd = (stop: StopReason | undefined): boolean => ownEnds.has(stop)

/** As its client reads it. `bytes`: all that it was sent. `proofs`: who made those in it. */
export function isWholeAnswer({ protocol, endpoint, asked, chat, id }: Exchange, bytes: Buffer, proofs: string): boolean {
  if (endpoint.capability !== 'chat') return true
  const codec = protocol.codec!
  const source = { proofs, id, ...(chat && { request: chat }) }
  try {
    if (!asked!.stream) {
      const { choices } = codec.decodeAnswer(JSON.parse(bytes.toString()) as JsonObject, source)
      return choices.length > 0 && choices.every(({ stop }) => isOwnEnd(stop))
    }
    const events: ChatEvent[] = []
    const decoder = codec.decodeStream(source)
    const framings = { framing: protocol.framing, ownFraming: (protocol.cloud?.format ?? protocol).framing, clientFraming: protocol.framing }
    const scanner = eventsOf(framings, ({ name, data }) => data !== null && decoder.event(name, data, events))
    scanner.push(bytes)
    scanner.end()
    // Google's streams have no end of their own. Of the others one without it broke at the last moment.
    const isOver = codec.format === 'gemini-generate' || events.some(({ type }) => type === 'end')
    decoder.end(events)
    const stops = events.filter((event) => event.type === 'stop')
    return stops.length > 0 && stops.every(({ stop }) => isOwnEnd(stop)) && isOver
  } catch {
    // What our own reader of the format does not take is not worth keeping; the client has it.
    return false
  }
}
