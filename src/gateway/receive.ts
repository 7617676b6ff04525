/** Reads the body within its bounds and checks it byte by byte as it arrives; nothing is parsed whole, nothing is kept twice. */
import { isUtf8 } from 'node:buffer'
import { failure, type Failure } from '../errors.ts'
import { limits } from '../limits.ts'
import { JsonScanner, type JsonFault } from '../wire/json-scanner.ts'
import type { Deadlines, Ticking } from './deadlines.ts'
import type { Exchange } from './exchange.ts'

/** Fields that decide what is dispatched and billed: a document that repeats one means different things to different parsers. */
const controlFields = new Set(['model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'n', 'megarouter', 'messages', 'input', 'prompt'])

/** Bytes of bodies that all requests hold together. */
export class BodyBudget {
  heldBytes = 0
  readonly limitBytes: number
  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }
}

export function receive(exchange: Exchange, budget: BodyBudget, running: Deadlines): Failure | Promise<Failure | null> {
  const { request, snapshot } = exchange
  const contentType = request.headers['content-type'] ?? ''
  if (!/^application\/([\w.+-]*\+)?json\b/i.test(contentType)) {
    return failure('unsupported_content_type', `This endpoint takes application/json, not "${contentType.slice(0, 80)}". Set the content-type header.`)
  }
  const coding = request.headers['content-encoding']
  if (coding !== undefined && coding !== 'identity') return failure('unsupported_content_type', 'Send the body without content-encoding: compressed request bodies are not taken.')
  const maxBytes = snapshot.settings.requestBodyBytes
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > maxBytes) return tooLarge(maxBytes)
  if (budget.heldBytes + Math.max(declared, 1) > budget.limitBytes) {
    return failure('overloaded', 'The gateway holds as many request bodies as it may. Try again shortly.', { retryAfterMs: 1000 })
  }
  return read(exchange, budget, maxBytes, running)
}

function read(exchange: Exchange, budget: BodyBudget, maxBytes: number, running: Deadlines): Promise<Failure | null> {
  const { request } = exchange
  const scan = new JsonScanner({ maxDepth: limits.jsonDepth, maxKeys: limits.jsonKeys, unique: controlFields })
  const chunks: Buffer[] = []
  let bytes = 0
  return new Promise((resolve) => {
    const untilUs = exchange.clock.monotonicUs() + limits.bodyTimeoutMs * 1000
    const waiting: Ticking = {
      rosterIndex: -1,
      tick: (nowUs) => nowUs > untilUs && done(failure('request_timeout', `The request body did not arrive within ${limits.bodyTimeoutMs / 1000} s.`)),
    }
    running.add(waiting)
    const done = (failed: Failure | null): void => {
      running.delete(waiting)
      request.off('data', onData).off('end', onEnd).off('close', onClose)
      // A client that left in the middle of its body has closed the response before the request.
      if (exchange.clientGone) budget.heldBytes -= bytes
      else exchange.response.once('close', () => (budget.heldBytes -= bytes))
      resolve(failed)
    }
    const onData = (chunk: Buffer): void => {
      exchange.forgiveWaiting()
      bytes += chunk.length
      budget.heldBytes += chunk.length
      if (bytes > maxBytes) return done(tooLarge(maxBytes))
      chunks.push(chunk)
      scan.push(chunk)
      if (scan.fault) done(faultOf(scan.fault))
    }
    const onEnd = (): void => {
      exchange.forgiveWaiting()
      scan.end()
      exchange.body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      exchange.scan = scan
      if (scan.fault) return done(faultOf(scan.fault))
      if (!isUtf8(exchange.body)) return done(failure('invalid_json', 'The body is not valid UTF-8.'))
      if (!scan.isObject) return done(failure('invalid_json', 'The body must be a JSON object.'))
      done(null)
    }
    const onClose = (): void => done(failure('request_timeout', 'The connection closed before the body was complete.', { status: 499 }))
    request.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}

const tooLarge = (maxBytes: number): Failure =>
  failure('request_too_large', `The body is larger than ${Math.floor(maxBytes / 1024)} KiB. Send large files by URL, or have the operator raise settings.limits.request_body_bytes.`)

function faultOf(fault: JsonFault): Failure {
  switch (fault.reason) {
    case 'syntax': return failure('invalid_json', `The body is not valid JSON: unexpected byte or end at offset ${fault.offset}.`)
    case 'depth': return failure('request_too_deep', `The body nests deeper than ${limits.jsonDepth} levels at offset ${fault.offset}.`)
    case 'keys': return failure('request_too_deep', `The body has more than ${limits.jsonKeys} object members.`)
    case 'duplicate': return failure('duplicate_field', `The field "${fault.key}" stands twice. Send it once.`, { param: fault.key! })
  }
}
