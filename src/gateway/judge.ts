/**
 * What anybody can see of an answer's quality without asking: that it was cut off at the model's own limit, withheld or declined, that
 * calls name tools that exist and carry JSON, that an answer by a schema is one. Of streams only how they ended is looked at. An answer
 * that cannot be read says nothing.
 */
import type { ChatAnswer, ChatEvent, JsonObject, StopReason, ToolCallPart } from '../protocols/canonical.ts'
import type { Source } from '../protocols/codec.ts'
import type { Signal } from '../routing/signals.ts'
import type { Attempt } from './attempt.ts'
import type { Exchange } from './exchange.ts'

/** How every format's reason of an end is called ends so: `finish_reason`, `stopReason`, `done_reason`, `incomplete_details.reason`. */
const reasonMark = 'eason"'
/** What the usual reasons begin with: `stop`, `end_turn`, `tool_calls`, `tool_use`, `STOP`, `COMPLETE`, `TOOL_CALL`, none. */
const usualBegins = new Set(['"sto', '"end', '"too', '"STO', '"COM', '"TOO', 'null'])
/** Longer answers are not read a second time. */
const mostBytes = 256 * 1024

export function signalsOf(exchange: Exchange, attempt: Attempt, wants: { tools: boolean; schema: boolean }): Signal[] {
  const { endEvent, body } = attempt
  try {
    if (endEvent !== null) return endSignals(stopIn(attempt, exchange), exchange)
    if (body === null || body.length > mostBytes || !(wants.tools || wants.schema || endsUnusually(body.toString('latin1')))) return []
    const { protocol } = attempt.options
    const answer = protocol.codec?.decodeAnswer(JSON.parse(body.toString()) as JsonObject, sourceOf(attempt, exchange))
    return answer === undefined ? [] : [...endSignals(answer.choices[0]?.stop, exchange), ...formSignals(answer, exchange, wants)]
  } catch {
    return []
  }
}

/** A fast look: whether some reason is another than the usual ones. */
function endsUnusually(text: string): boolean {
  for (let at = text.indexOf(reasonMark); at >= 0; at = text.indexOf(reasonMark, at)) {
    at += reasonMark.length
    while (text[at] === ' ' || text[at] === ':') at++
    if (!usualBegins.has(text.slice(at, at + 4))) return true
  }
  return false
}

const sourceOf = ({ options: { deployment } }: Attempt, { id, chat }: Exchange): Source => ({ id, proofs: deployment.provider.vendor.proofs, ...(chat !== null && { request: chat }) })

function stopIn(attempt: Attempt, exchange: Exchange): StopReason | undefined {
  const { name, data } = attempt.endEvent!
  if (data === null || !endsUnusually(data)) return undefined
  const events: ChatEvent[] = []
  const decoder = attempt.options.protocol.codec?.decodeStream(sourceOf(attempt, exchange))
  decoder?.event(name, data, events)
  decoder?.end(events)
  return events.find((event) => event.type === 'stop')?.stop
}

function endSignals(stop: StopReason | undefined, { asked }: Exchange): Signal[] {
  // At a limit that the client set it ended as it should.
  if (stop === 'length' && asked!.maxOutputTokens === null) return [{ kind: 'truncated' }]
  return stop === 'refusal' || stop === 'content_filter' ? [{ kind: 'refused' }] : []
}

function formSignals({ choices }: ChatAnswer, exchange: Exchange, wants: { tools: boolean; schema: boolean }): Signal[] {
  const [choice] = choices
  if (choice === undefined || choice.stop === 'length') return []
  const calls = choice.parts.filter((part) => part.type === 'toolCall')
  if (calls.length > 0) return wants.tools ? [{ kind: 'tool_calls', valid: areCalls(calls, exchange) }] : []
  if (!wants.schema || choice.stop === 'refusal') return []
  const text = choice.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
  return text === '' ? [] : [{ kind: 'schema', valid: isJson(text) }]
}

/** Each names a tool of the request, and its arguments are an object. */
function areCalls(calls: readonly ToolCallPart[], { body, scan }: Exchange): boolean {
  const tools = scan!.find('tools') ?? scan!.find('toolConfig')
  const known = tools === undefined ? '' : body.toString('utf8', tools.valueStart, tools.valueEnd)
  return calls.every(({ name, arguments: said, custom }) => known.includes(JSON.stringify(name)) && (custom === true || isJson(said)))
}

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}
