/**
 * A form with files on its way through: kept while it is not known where it goes, then read by one attempt after the other as long as all
 * of its bytes are at hand, else piped to the first. What can fail: its syntax, its bounds, the client, the disk; before an attempt runs
 * that is a refusal, afterwards the attempt is broken off with it.
 */
import { Readable } from 'node:stream'
import { failure, type Failure } from '../errors.ts'
import { limits } from '../limits.ts'
import { boundaryOf, MultipartScanner, type FormFault, type FormPart } from '../wire/multipart-scanner.ts'
import type { Deadlines, Ticking } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import { faultFrom } from './fault.ts'
import type { BodyBudget } from './receive.ts'
import type { Spool, SpoolFile } from './spool.ts'

/** Fields that decide what is dispatched and billed. */
const controlFields = new Set(['model', 'stream', 'n', 'response_format', 'size', 'quality', 'purpose', 'user', 'safety_identifier', 'megarouter'])
const numbers = new Set(['n'])
const truths = new Set(['stream'])
/** Of the file, read at once. */
const readBytes = 64 * 1024

export interface FormTools { budget: BodyBudget; running: Deadlines; spool: Spool }

/** Begins to read a form. Resolves when enough is known to go on: with the rest still on its way where `isEnough` says so. */
export function receiveForm(exchange: Exchange, contentType: string, tools: FormTools, isEnough: (form: FormBody) => boolean): Failure | Promise<Failure | null> {
  const boundary = boundaryOf(contentType)
  if (boundary === null) return failure('unsupported_content_type', 'The content-type multipart/form-data names no boundary that is one. Let your HTTP client write this header.')
  if (exchange.request.headers['idempotency-key'] !== undefined) return failure('invalid_request', 'Forms take no Idempotency-Key: their files are not kept, so a repeat could not be told from another request.', { param: 'idempotency-key' })
  if (Number(exchange.request.headers['content-length'] ?? 0) > limits.formBytes) return tooLarge()
  const form = exchange.form = new FormBody(exchange, contentType, boundary, tools, isEnough)
  return form.begun
}

export class FormBody implements Ticking {
  rosterIndex = -1
  readonly begun: Promise<Failure | null>
  receivedBytes = 0
  /** Everything that was received is still at hand. */
  canRepeat = true
  /** Why it ended before its end. */
  failed: Failure | null = null
  readonly scanner: MultipartScanner
  readonly contentType: string
  readonly #exchange: Exchange
  readonly #tools: FormTools
  readonly #isEnough: (form: FormBody) => boolean
  readonly #declaredBytes: number | null
  readonly #untilUs: number
  #lastUs: number
  /** Bytes from `#from` on, unless they are in the file. */
  #chunks: Buffer[] = []
  #from = 0
  #file: SpoolFile | null = null
  #isComplete = false
  #isWriting = false
  #isClosed = false
  #reader: FormReader | null = null
  #begin!: (failed: Failure | null) => void
  #hasBegun = false

  constructor(exchange: Exchange, contentType: string, boundary: string, tools: FormTools, isEnough: (form: FormBody) => boolean) {
    this.#exchange = exchange
    this.contentType = contentType
    this.#tools = tools
    this.#isEnough = isEnough
    const declared = exchange.request.headers['content-length']
    this.#declaredBytes = declared === undefined ? null : Number(declared)
    this.#lastUs = exchange.clock.monotonicUs()
    this.#untilUs = this.#lastUs + limits.formTimeoutMs * 1000
    this.scanner = new MultipartScanner(boundary, { parts: limits.formParts, headerBytes: limits.formHeaderBytes, fieldBytes: limits.formFieldBytes, unique: controlFields })
    this.begun = new Promise((resolve) => (this.#begin = resolve))
    tools.running.add(this)
    exchange.request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose)
  }

  /** Estimate of what its files have, from above. */
  get fileBytes(): number { return this.#declaredBytes ?? (this.#isComplete ? this.receivedBytes : limits.formBytes) }

  get isComplete(): boolean { return this.#isComplete }

  value(name: string): string | null { return this.scanner.find(name)?.value ?? null }

  get hasFile(): boolean { return this.scanner.parts.some(({ filename }) => filename !== null) }

  /** The plain fields that are known, as a JSON object; of several of one name a list. */
  fields(): Buffer {
    const found: Record<string, unknown> = {}
    for (const { name, value } of this.scanner.parts) {
      if (value === null || name === '__proto__') continue
      const read = numbers.has(name) && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : truths.has(name) && /^(true|false)$/i.test(value) ? value.toLowerCase() === 'true' : value
      found[name] = Object.hasOwn(found, name) ? [found[name], read].flat() : read
    }
    return Buffer.from(JSON.stringify(found))
  }

  headers(model: string | null): Record<string, string> {
    const bytes = this.#declaredBytes ?? (this.#isComplete ? this.receivedBytes : null)
    return { 'content-type': this.contentType, ...(bytes !== null && { 'content-length': String(bytes + this.#edit(model).grows) }) }
  }

  /** All of its bytes, with the model's name in its place; null leaves them as they are. One reader at a time. */
  read(model: string | null): Readable {
    this.#reader?.destroy()
    return (this.#reader = new FormReader(this, this.#edit(model)))
  }

  tick(nowUs: number): void {
    if (this.#isComplete || this.#exchange.request.isPaused()) return void (this.#lastUs = nowUs)
    if (nowUs - this.#lastUs > limits.formIdleMs * 1000 || nowUs > this.#untilUs) this.#fail(failure('request_timeout', `The form did not arrive: no byte within ${limits.formIdleMs / 1000} s, or not all of it within ${limits.formTimeoutMs / 60_000} min.`))
  }

  /** What is held is let go; what is still on its way is dropped. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { request } = this.#exchange
    this.#tools.running.delete(this)
    request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
    this.#reader?.destroy()
    this.#release(this.#chunks)
    this.#chunks = []
    void this.#file?.close()
    if (this.#isComplete || request.destroyed) return
    // An answer is read by most clients only when they have sent all; one that sends on and on is cut.
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > limits.formMemoryBytes && this.#exchange.response.writableFinished) request.destroy()
    })
    request.resume()
  }

  /** The next bytes from `at` on; a promise where they come from the file, null: none yet, 'end': there are no more. */
  next(at: number): Buffer | Promise<Buffer> | null | 'end' {
    if (this.#file && at < this.#file.bytes) return this.#file.read(at, readBytes)
    if (!this.#file) {
      let from = this.#from
      for (const chunk of this.#chunks) {
        if (at < from + chunk.length) return chunk.subarray(at - from)
        from += chunk.length
      }
    }
    if (this.#isComplete) return 'end'
    this.#trim(at)
    if (!this.#isWriting) this.#exchange.request.resume()
    return null
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#lastUs = this.#exchange.clock.monotonicUs()
    if (!this.#hasBegun) this.#exchange.forgiveWaiting()
    this.receivedBytes += chunk.length
    if (this.receivedBytes > limits.formBytes) return this.#fail(tooLarge())
    this.scanner.push(chunk)
    if (this.scanner.fault) return this.#fail(faultOf(this.scanner.fault))
    if (this.#file) return this.#write([chunk])
    this.#chunks.push(chunk)
    this.#tools.budget.heldBytes += chunk.length
    if (!this.#hasBegun && this.#isEnough(this)) {
      this.#exchange.request.pause()
      return this.#go(null)
    }
    if (this.#hasBegun) {
      // Until the reader asks for more.
      this.#exchange.request.pause()
      this.#reader?.wake()
    } else if (this.receivedBytes > limits.formMemoryBytes) void this.#toFile()
    else if (this.#tools.budget.heldBytes > this.#tools.budget.limitBytes) this.#fail(failure('overloaded', 'The gateway holds as many request bodies as it may. Try again shortly.', { retryAfterMs: 1000 }))
  }

  readonly #onEnd = (): void => {
    this.scanner.end()
    if (this.scanner.fault) return this.#fail(faultOf(this.scanner.fault))
    this.#isComplete = true
    this.#tools.running.delete(this)
    if (this.#isWriting) return
    this.#go(null)
    this.#reader?.wake()
  }

  readonly #onClose = (): void => {
    if (!this.#isComplete) this.#fail(failure('request_timeout', 'The connection closed before the form was complete.', { status: 499 }))
  }

  #go(failed: Failure | null): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.#begin(failed)
  }

  #fail(failed: Failure): void {
    if (this.failed || this.#isClosed) return
    this.failed = failed
    this.canRepeat = false
    this.#tools.running.delete(this)
    this.#exchange.request.pause()
    if (!this.#hasBegun) return this.#go(failed)
    this.#reader?.destroy(new Error(failed.code))
    if (this.#exchange.running) this.#exchange.running.stop(faultFrom('request', failed))
    else this.#exchange.wake?.()
  }

  /** More than memory may hold, and not known yet where it goes. */
  async #toFile(): Promise<void> {
    this.#isWriting = true
    this.#exchange.request.pause()
    try {
      this.#file = await this.#tools.spool.open()
    } catch {
      return this.#fail(noRoom)
    }
    const chunks = this.#chunks
    this.#chunks = []
    if (this.#isClosed) return void this.#file.close()
    this.#release(chunks)
    this.#write(chunks)
  }

  #write(chunks: readonly Buffer[]): void {
    this.#isWriting = true
    this.#exchange.request.pause()
    this.#file!.append(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).then(() => {
      this.#isWriting = false
      if (this.#isClosed || this.failed) return
      if (this.#isComplete) this.#go(null)
      else this.#exchange.request.resume()
    }, () => this.#fail(noRoom))
  }

  /** Lets go of what a reader has had, once memory may hold no more; from then on it is the last one. */
  #trim(at: number): void {
    let held = 0
    for (const chunk of this.#chunks) held += chunk.length
    if (this.#file || held <= limits.formMemoryBytes) return
    this.canRepeat = false
    while (this.#chunks.length > 0 && this.#from + this.#chunks[0]!.length <= at) {
      const chunk = this.#chunks.shift()!
      this.#from += chunk.length
      this.#tools.budget.heldBytes -= chunk.length
    }
  }

  #release(chunks: readonly Buffer[]): void {
    for (const chunk of chunks) this.#tools.budget.heldBytes -= chunk.length
  }

  #edit(model: string | null): Edit {
    const part: FormPart | undefined = this.scanner.find('model')
    if (model === null || part?.value === model) return { start: -1, end: -1, bytes: nothing, grows: 0 }
    if (part) return edit(part.valueStart, part.valueEnd, model)
    return edit(0, 0, `--${boundaryOf(this.contentType)!}\r\nContent-Disposition: form-data; name="model"\r\n\r\n${model}\r\n`)
  }
}

interface Edit { start: number; end: number; bytes: Buffer; grows: number }

function edit(start: number, end: number, text: string): Edit {
  const bytes = Buffer.from(text)
  return { start, end, bytes, grows: bytes.length - (end - start) }
}

const nothing = Buffer.alloc(0)
const noRoom = failure('overloaded', 'The gateway has no room for this form at the moment. Send the model before the file, so that it need not be kept, or try again shortly.', { retryAfterMs: 5000 })
const tooLarge = (): Failure => failure('request_too_large', `The form is larger than ${limits.formBytes / 1024 / 1024} MiB.`)

function faultOf({ reason, what, offset }: FormFault): Failure {
  if (reason === 'duplicate') return failure('duplicate_field', `${what[0]!.toUpperCase()}${what.slice(1)}. Send it once.`)
  return failure(reason === 'syntax' ? 'invalid_request' : 'request_too_large', `The form can't be read: ${what} (at byte ${offset}).`)
}

/** What an upstream reads. Its end, whichever, does not touch the client's request. */
class FormReader extends Readable {
  readonly #form: FormBody
  readonly #edit: Edit
  #at = 0
  #isWaiting = false

  constructor(form: FormBody, of: Edit) {
    super({ highWaterMark: readBytes })
    this.#form = form
    this.#edit = of
    // Whoever reads it is told otherwise; nobody else listens.
    this.on('error', () => {})
    if (of.start === 0) this.push(of.bytes)
  }

  override _read(): void {
    if (this.#isWaiting) return
    const next = this.#form.next(this.#at)
    if (next === 'end') this.push(null)
    else if (next === null) this.#isWaiting = true
    else if (next instanceof Promise) {
      this.#isWaiting = true
      next.then((bytes) => {
        this.#isWaiting = false
        this.#take(bytes)
      }, (error: Error) => this.destroy(error))
    } else this.#take(next)
  }

  wake(): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    this._read()
  }

  /** Pushes bytes with the edit in its place. */
  #take(bytes: Buffer): void {
    const { start, end, bytes: written } = this.#edit
    const from = this.#at
    const to = (this.#at += bytes.length)
    if (start <= 0 || to <= start || from >= end) return void this.push(bytes)
    const parts: Buffer[] = [bytes.subarray(0, Math.max(0, start - from))]
    if (start >= from) parts.push(written)
    parts.push(bytes.subarray(Math.min(bytes.length, end - from)))
    const edited = Buffer.concat(parts)
    if (edited.length > 0) this.push(edited)
    else this._read()
  }
}
