/** A plain answer that has come to its end: what it says, or why it is none. */
import type { AnswerFacts } from '../protocols/protocol.ts'
import type { Headers } from '../routing/cooldown.ts'
import type { JsonScanner } from '../wire/json-scanner.ts'
import type { AttemptOptions } from './attempt-options.ts'
import { inBandFault, truncatedFault, type Fault } from './fault.ts'
import { holdsAnswer } from './malformed.ts'

/** `said`: an error of the vendor's; `missing`: no answer of its format is in it. */
export type Whole = AnswerFacts | { said: Fault } | { missing: Fault }

export function readWhole(options: AttemptOptions, scan: JsonScanner, status: number, headers: Headers, body: Buffer): Whole {
  scan.end()
  const { protocol, translation, deployment: { provider: { vendor: { name } } } } = options
  const isWhole = !scan.fault && scan.isObject
  const facts = isWhole ? protocol.readAnswer(body, scan, headers) : null
  if (facts?.error) return { said: inBandFault(options, facts.error, body.toString()) }
  if (facts && holdsAnswer(protocol, body, scan) && translation?.take(body) !== false) return facts
  return { missing: truncatedFault(`${name} answered ${status} with ${isWhole ? 'JSON that holds no answer' : `a body that is not complete JSON (${String(headers['content-type'] ?? 'of no type').slice(0, 60)})`}.`) }
}
