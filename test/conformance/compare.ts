/** Whether a client sees of the gateway what it sees of the vendor: status, bytes, headers. Each answers null, or what differs. */
import assert from 'node:assert/strict'
import type { RecordedExchange } from '../fixtures/recorded.ts'
import type { RawAnswer } from './ask.ts'

/** An error that the gateway can't pass on as it is: nothing, or HTML, where JSON belongs. */
export function isReadable(body: Buffer): boolean {
  try {
    JSON.parse(body.toString())
    return true
  } catch {
    return false
  }
}

type Said = { type?: string; error?: { status_code?: number; code?: unknown } | null; response?: { error?: unknown } }

/** Events that come before any output. */
const first = new Set(['response.created', 'response.queued', 'response.in_progress', 'message_start', 'ping'])

/** An error event before any output: the gateway still has its status line to say it with. Its status, as far as the event says one; 0: none is said. */
export function failsInBand({ stream, status, framing, body }: RecordedExchange): number | null {
  if (!stream && status === 200 && isReadable(body) && Object.keys(JSON.parse(body.toString()) as object).join() === 'error') return 0
  if (!stream || status !== 200 || framing === 'json') return null
  for (const [, data] of body.toString().matchAll(/^data: (\{.*\})\r?$/gm)) {
    if (!isReadable(Buffer.from(data!))) return null
    const said = JSON.parse(data!) as Said
    if (said.type !== undefined && first.has(said.type)) continue
    const error = said.error ?? null
    if (said.type !== 'response.failed' && (error === null || typeof error !== 'object')) return null
    return error?.status_code ?? (typeof error?.code === 'number' ? error.code : said.type === undefined ? 502 : 0)
  }
  return null
}

const passed = /^(x-request-id|request-id|retry-after(-ms)?|openai-(processing-ms|version|model)|x-ratelimit-[\w-]+|anthropic-ratelimit-[\w-]+|content-type)$/
const passedHeaders = ({ headers }: RawAnswer): object => Object.fromEntries(Object.entries(headers).filter(([name]) => passed.test(name)))

export function compareRaw(exchange: RecordedExchange, theirs: RawAnswer, ours: RawAnswer): string | null {
  const inBand = failsInBand(exchange)
  if (inBand !== null) return (inBand === 0 ? ours.status >= 400 : ours.status === inBand) && ours.body.includes('"error"') ? null : `in-band error ${inBand} became ${ours.status}`
  if (ours.status !== theirs.status) return `status ${ours.status} and not ${theirs.status}: ${ours.body.toString('utf8', 0, 300)}`
  if (theirs.status >= 400 && !isReadable(theirs.body)) return isReadable(ours.body) ? null : 'an unreadable error was not put into words'
  if (!ours.body.equals(theirs.body) && !isPastEnd(ours.body, theirs.body) && !isCutOff(exchange, ours.body)) return `bytes differ: ${firstDifference(theirs.body.toString(), ours.body.toString())}`
  const expected = passedHeaders(theirs)
  const got = Object.fromEntries(Object.entries(passedHeaders(ours)).filter(([name]) => name in expected))
  try {
    assert.deepEqual(got, expected)
    return null
  } catch {
    return `headers ${JSON.stringify(got)} and not ${JSON.stringify(expected)}`
  }
}

/** After the end of an answer a recording may hold white space, or the next answer. */
function isPastEnd(ours: Buffer, theirs: Buffer): boolean {
  if (theirs.indexOf(ours) !== 0) return false
  return theirs.toString('utf8', ours.length).trim() === '' || /^event: message_stop$/m.test(ours.toString())
}

/** A recording without a readable event that ends the format's streams: the client is told that something is missing. */
function isCutOff({ stream, body }: RecordedExchange, ours: Buffer): boolean {
  const last = /^data: (.*)$/m.exec(body.toString().slice(body.lastIndexOf('\ndata: ') + 1))?.[1] ?? ''
  return stream && ours.indexOf(body) === 0 && ours.includes('upstream_truncated') && !(isReadable(Buffer.from(last)) && /"type":\s*"response\.(completed|failed|incomplete)"/.test(last))
}

export function firstDifference(expected: string, got: string): string {
  let at = 0
  while (at < expected.length && expected[at] === got[at]) at += 1
  return `at ${at} of ${expected.length}, expected ${JSON.stringify(expected.slice(at, at + 120))}, got ${JSON.stringify(got.slice(at, at + 120))}`
}
