/** Reads the body within its bounds and checks it byte by byte as it arrives; nothing is parsed whole, nothing is kept twice. */
import { isUtf8 } from 'node:buffer'
import { failure, type Failure } from '../errors.ts'
import { limits } from '../limits.ts'
import { JsonScanner, type JsonFault } from '../wire/json-scanner.ts'
import type { Deadlines, Ticking } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import { receiveForm, type FormTools } from './form.ts'

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

export function receive(exchange: Exchange, tools: FormTools): Failure | Promise<Failure | null> {
  const { request, snapshot, endpoint: { form } } = exchange
  const { budget, running } = tools
  const contentType = request.headers['content-type'] ?? ''
  if (form && /^multipart\/form-data\b/i.test(contentType)) return formIn(exchange, contentType, tools)
  if (!exchange.endpoint.anyType && !/^application\/([\w.+-]*\+)?json\b/i.test(contentType)) {
    return failure('unsupported_content_type', `This endpoint takes ${form ? 'multipart/form-data or ' : ''}application/json, ${contentType === '' ? 'and the request names no content-type' : `not "${contentType.slice(0, 80)}"`}. ${form ? 'Set the content-type header.' : 'Set the header to content-type: application/json.'}`)
  }
  const coding = request.headers['content-encoding']
  if (coding !== undefined && coding !== 'identity') return failure('unsupported_content_type', 'Send the body without content-encoding: compressed request bodies are not taken.')
  const maxBytes = exchange.endpoint.bodyBytes ?? snapshot.settings.requestBodyBytes
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > maxBytes) return tooLarge(exchange, maxBytes)
  if (budget.heldBytes + Math.max(declared, 1) > budget.limitBytes) {
    return failure('overloaded', 'The gateway holds as many request bodies as it may. Try again shortly.', { retryAfterMs: 1000 })
  }
  return new Reading(exchange, budget, maxBytes, running).start()
}

/** A form whose fields stand in the place of a body, from where on all steps are the same. */
async function formIn(exchange: Exchange, contentType: string, tools: FormTools): Promise<Failure | null> {
  const isPiped = exchange.endpoint.form === 'piped'
  const failed = await receiveForm(exchange, contentType, tools, (form) => isPiped && form.hasFile && form.value('model') !== null)
  if (failed) return failed
  const form = exchange.form!
  if (form.scanner.find('megarouter')) return failure('invalid_request', 'A form takes no field "megarouter". Send its options as x-megarouter-… headers.', { param: 'megarouter' })
  exchange.body = form.fields()
  exchange.scan = new JsonScanner({ maxDepth: limits.jsonDepth, maxKeys: limits.jsonKeys, unique: controlFields })
  exchange.scan.push(exchange.body)
  exchange.scan.end()
  return null
}

/** One body on its way. An object and not closures: what those share lives as long as the last of them. */
class Reading implements Ticking {
  rosterIndex = -1
  readonly #exchange: Exchange
  readonly #budget: BodyBudget
  readonly #running: Deadlines
  readonly #maxBytes: number
  readonly #untilUs: number
  readonly #scan = new JsonScanner({ maxDepth: limits.jsonDepth, maxKeys: limits.jsonKeys, unique: controlFields })
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #resolve!: (failed: Failure | null) => void

  constructor(exchange: Exchange, budget: BodyBudget, maxBytes: number, running: Deadlines) {
    this.#exchange = exchange
    this.#budget = budget
    this.#maxBytes = maxBytes
    this.#running = running
    this.#untilUs = exchange.clock.monotonicUs() + limits.bodyTimeoutMs * 1000
  }

  start(): Promise<Failure | null> {
    this.#running.add(this)
    this.#exchange.request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose)
    return new Promise((resolve) => (this.#resolve = resolve))
  }

  tick(nowUs: number): void {
    if (nowUs > this.#untilUs) this.#done(failure('request_timeout', `The request body did not arrive within ${limits.bodyTimeoutMs / 1000} s. Send it again; if it repeats, look for a slow connection, or a content-length that is larger than the body.`))
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#exchange.forgiveWaiting()
    this.#bytes += chunk.length
    this.#budget.heldBytes += chunk.length
    if (this.#bytes > this.#maxBytes) return this.#done(tooLarge(this.#exchange, this.#maxBytes))
    this.#chunks.push(chunk)
    this.#scan.push(chunk)
    if (this.#scan.fault) this.#done(faultOf(this.#scan.fault, false))
  }

  readonly #onEnd = (): void => {
    const scan = this.#scan
    this.#exchange.forgiveWaiting()
    scan.end()
    const body = this.#exchange.body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#exchange.scan = scan
    if (scan.fault) return this.#done(faultOf(scan.fault, scan.fault.offset >= body.length))
    if (!isUtf8(body)) return this.#done(failure('invalid_json', 'The body is not valid UTF-8. Send JSON in UTF-8.'))
    if (!scan.isObject) return this.#done(failure('invalid_json', 'The body is valid JSON, but not an object: it must begin with {.'))
    this.#done(null)
  }

  readonly #onClose = (): void => this.#done(failure('request_timeout', 'The connection closed before the body was complete.', { status: 499 }))

  #done(failed: Failure | null): void {
    const { request, response, clientGone } = this.#exchange
    const [budget, bytes] = [this.#budget, this.#bytes]
    this.#running.delete(this)
    request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
    // A client that left in the middle of its body has closed the response before the request.
    if (clientGone) budget.heldBytes -= bytes
    else response.once('close', () => (budget.heldBytes -= bytes))
    this.#resolve(failed)
  }
}

const tooLarge = ({ endpoint }: Exchange, maxBytes: number): Failure =>
  failure('request_too_large', endpoint.bodyBytes !== undefined ? `The body is larger than ${Math.floor(maxBytes / 1024)} KiB, and this endpoint takes no more.` : `The body is larger than ${Math.floor(maxBytes / 1024)} KiB. Send large files by URL, or have the operator raise settings.limits.request_body_bytes.`)

/** `atEnd`: nothing is wrong but that there is no more. */
function faultOf(fault: JsonFault, atEnd: boolean): Failure {
  switch (fault.reason) {
    case 'syntax': return failure('invalid_json', `The body is not valid JSON: ${fault.offset === 0 && atEnd ? 'it is empty' : atEnd ? `it ends after ${fault.offset} bytes, before the document does` : `the byte at offset ${fault.offset} does not belong there`}. Let a JSON library write it.`)
    case 'depth': return failure('request_too_deep', `The body nests deeper than ${limits.jsonDepth} levels at offset ${fault.offset}. Flatten it; tool schemas that repeat themselves are written with $ref.`)
    case 'keys': return failure('request_too_deep', `The body has more than ${limits.jsonKeys} object members. Split it into several requests.`)
    case 'duplicate': return failure('duplicate_field', `The field "${fault.key}" stands in the body twice, and it is not known which of the two counts. Send it once.`, { param: fault.key! })
  }
}
