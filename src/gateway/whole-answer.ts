/**
 * Whether an answer may be given again, by what a client reads in it: the model came to its own end. One that was cut at a limit, withheld
 * or declined was the vendor's mood of the moment; so was one that cannot be read.
 */
import type { ChatEvent, JsonObject, Part, StopReason } from '../protocols/canonical.ts'
import type { Exchange } from './exchange.ts'
import { eventsOf } from './reframe.ts'

const ends: ReadonlySet<StopReason> = new Set(['end', 'stop_sequence', 'tool_calls'])
const declines = ({ type }: Part): boolean => type === 'refusal'

/** `bytes`: all that the client was sent. `proofs`: who made those in it. */
export function isWholeAnswer({ protocol, endpoint, asked, chat, id }: Exchange, bytes: Buffer, proofs: string): boolean {
  if (endpoint.capability !== 'chat') return true
  const codec = protocol.codec!
  const source = { proofs, id, ...(chat && { request: chat }) }
  try {
    if (!asked!.stream) {
      const { choices } = codec.decodeAnswer(JSON.parse(bytes.toString()) as JsonObject, source)
      return choices.length > 0 && choices.every(({ stop, parts }) => stop !== undefined && ends.has(stop) && !parts.some(declines))
    }
    const events: ChatEvent[] = []
    const decoder = codec.decodeStream(source)
    const framings = { framing: protocol.framing, ownFraming: (protocol.cloud?.format ?? protocol).framing, clientFraming: protocol.framing }
    const scanner = eventsOf(framings, ({ name, data }) => data !== null && decoder.event(name, data, events))
    scanner.push(bytes)
    scanner.end()
    decoder.end(events)
    return events.some(({ type }) => type === 'stop') && events.every((event) => (event.type === 'stop' ? ends.has(event.stop) : event.type === 'part' ? !declines(event.part) : event.type !== 'error'))
  } catch {
    // What our own reader of the format does not take is not worth keeping; the client has it.
    return false
  }
}
