/** Turns a healthy answer into a faulty one: everything that changes what is said. When and how bytes travel is in `play.ts`. */
import { gzipSync } from 'node:zlib'
import { dataOf, errorAnswer, isUsageChunk, type Answer, type Piece } from './answers.ts'
import type { Faults, UsageFault } from './faults.ts'

/** The answer as bytes, with the share of the output that each piece completes. */
export interface Script {
  status: number
  headers: [string, string][]
  stream: boolean
  pieces: { bytes: Buffer; generated: number; output: boolean }[]
  /** The usage that the client is told is complete and true. */
  reported: boolean
}

const piece = (text: string, generated = 0, output = false): Piece => ({ text, generated, output })
const event = (data: unknown, name?: string): string => `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`

/** Values that can't be true, and usage in places where a reader does not expect it. */
function falseUsage(usage: Record<string, unknown>, fault: UsageFault): Record<string, unknown> | null {
  if (fault === 'missing') return null
  const set = (value: number): Record<string, unknown> => ({ ...usage, prompt_tokens: value, completion_tokens: value, total_tokens: 2 * value })
  if (fault === 'zero') return set(0)
  if (fault === 'negative') return set(-7)
  if (fault === 'huge') return set(9_007_199_254_740_991)
  return usage
}

/** `shown`: the client asked for the chunk that carries usage. */
function spoilUsage(pieces: Piece[], stream: boolean, shown: boolean, fault: UsageFault, usage: Record<string, number>): Piece[] {
  const said = falseUsage(usage, fault)
  if (!stream) {
    return pieces.map((part) => {
      const body = JSON.parse(part.text) as Record<string, unknown>
      delete body['usage']
      return { ...part, text: JSON.stringify(said === null ? body : { ...body, usage: said }) }
    })
  }
  const rest = pieces.filter((part) => !isUsageChunk(part.text)).map((part) => {
    const data = dataOf(part.text)
    if (data === null || !('usage' in data)) return part
    delete data['usage']
    return { ...part, text: event(data) }
  })
  if (said === null) return rest
  if (fault === 'cumulative') {
    return rest.map((part) => {
      const data = dataOf(part.text)
      const completion = Math.floor(usage['completion_tokens']! * part.generated)
      const sofar = { ...usage, completion_tokens: completion, total_tokens: usage['prompt_tokens']! + completion }
      return data === null ? part : { ...part, text: event({ ...data, usage: sofar }) }
    })
  }
  if (!shown) return rest
  const first = rest.map((part) => dataOf(part.text)).find((data) => data !== null) ?? {}
  const chunk = piece(event({ ...first, choices: [], usage: said }), 1)
  if (fault === 'early') return rest.toSpliced(Math.max(0, rest.findIndex((part) => part.output)), 0, { ...chunk, generated: 0 })
  if (fault === 'late') return [...rest, chunk]
  const done = rest.findIndex((part) => part.text.startsWith('data: [DONE]'))
  return done < 0 ? [...rest, chunk] : rest.toSpliced(done, 0, chunk)
}

const hasFinish = (text: string): boolean => {
  const choices = dataOf(text)?.['choices']
  return Array.isArray(choices) && choices.some((choice: { finish_reason?: unknown }) => typeof choice.finish_reason === 'string')
}

/** Faults of an event stream. */
function spoilStream(pieces: Piece[], faults: Faults): Piece[] {
  let spoilt = pieces
  if (faults.noEnd) spoilt = spoilt.filter((part) => !hasFinish(part.text) && !part.text.startsWith('data: [DONE]'))
  if (faults.error !== null) {
    const { afterEvents, form } = faults.error
    const error = { error: { message: 'The upstream broke.', type: 'server_error', code: 'scripted_error' } }
    spoilt = [...spoilt.slice(0, afterEvents), piece(event(error, form === 'event' ? 'error' : undefined), spoilt[afterEvents - 1]?.generated ?? 0)]
  }
  if (faults.giantBytes > 0) {
    const content = 'x'.repeat(faults.giantBytes)
    const giant = piece(event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }), 0, true)
    spoilt = spoilt.toSpliced(Math.max(0, spoilt.findIndex((part) => part.output)), 0, giant)
  }
  if (faults.pings > 0) {
    const role = event({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] })
    spoilt = Array.from({ length: faults.pings }, (_, index) => piece(index % 2 === 0 ? ': PROCESSING\n\n' : role))
  }
  if (faults.noBlankLine) spoilt = spoilt.with(-1, { ...spoilt.at(-1)!, text: spoilt.at(-1)!.text.trimEnd() })
  if (faults.lineEnd !== '\n') spoilt = spoilt.map((part) => ({ ...part, text: part.text.replaceAll('\n', faults.lineEnd) }))
  return spoilt
}

/** Replaces the answer where the fault is a whole other answer. */
function otherAnswer(answer: Answer, faults: Faults): Answer {
  if (faults.status !== null) {
    const failed = errorAnswer(faults.status, `Scripted status ${faults.status}.`, faults.status === 429 ? 'rate_limit_exceeded' : null)
    if (faults.retryAfter !== null) failed.headers.push(['retry-after', faults.retryAfter])
    if (!faults.html) return failed
    return { ...failed, headers: [['content-type', 'text/html']], pieces: [piece(`<html><body><h1>${faults.status} Bad Gateway</h1></body></html>`)] }
  }
  if (faults.okError) return { ...errorAnswer(500, 'Scripted error under status 200.', 'scripted_error'), status: 200 }
  if (faults.empty) return { ...answer, pieces: [], reported: false }
  return answer
}

export function spoil(healthy: Answer, faults: Faults): Script {
  const answer = otherAnswer(healthy, faults)
  let { pieces, reported } = answer
  if (faults.usage !== null && answer.status < 400) {
    const { input, output, reasoning } = answer.units
    const usage = { prompt_tokens: input, completion_tokens: output + reasoning, total_tokens: input + output + reasoning }
    pieces = spoilUsage(pieces, answer.stream, answer.reported, faults.usage, usage)
    reported = faults.usage === 'cumulative' || (answer.reported && ['early', 'late'].includes(faults.usage))
  }
  if (answer.stream && pieces.length > 0) pieces = spoilStream(pieces, faults)
  if (faults.noEnd || faults.error !== null || faults.pings > 0) reported = pieces.some((part) => dataOf(part.text)?.['usage'] !== undefined)
  const headers = [...answer.headers]
  if (faults.headerBytes > 0) headers.push(['x-padding', 'p'.repeat(faults.headerBytes)])
  for (let index = 0; index < faults.headerCount; index++) headers.push([`x-many-${index}`, 'v'])
  let bytes = pieces.map((part) => ({ bytes: Buffer.from(part.text), generated: part.generated, output: part.output }))
  if (faults.gzip) {
    headers.push(['content-encoding', 'gzip'])
    bytes = [{ bytes: gzipSync(Buffer.concat(bytes.map((part) => part.bytes))), generated: 1, output: true }]
  }
  return { status: answer.status, headers, stream: answer.stream, pieces: bytes, reported }
}
