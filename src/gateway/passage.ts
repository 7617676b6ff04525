/**
 * One call for something that a vendor keeps: a small answer whole, or the bytes of a file as they come, with back-pressure. What can fail
 * is the vendor, a deadline, or the client; nothing is retried, and nothing is billed.
 */
import { failure, type Failure } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Deadlines, Ticking } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import { cutFailure } from './live.ts'
import { commonHeaders } from './respond.ts'
import type { UpstreamCall, UpstreamHandler } from './transport.ts'

type UpstreamHeaders = Record<string, string | string[] | undefined>
export interface Whole { status: number; headers: UpstreamHeaders; body: Buffer }
/** `streamed`: the client has it, or as much as there was. */
export type Passed = Whole | Failure | 'streamed'

export class Passage implements UpstreamHandler, Ticking {
  rosterIndex = -1
  readonly done: Promise<Passed>
  readonly #exchange: Exchange
  readonly #running: Deadlines
  readonly #streams: boolean
  readonly #who: string
  #call: UpstreamCall | null = null
  #lastUs: number
  #status = 0
  #headers: UpstreamHeaders = {}
  #parts: Buffer[] = []
  #bytes = 0
  #isStream = false
  #isPaused = false
  #isOver = false
  #resolve!: (passed: Passed) => void

  constructor(exchange: Exchange, running: Deadlines, who: string, streams: boolean) {
    this.#exchange = exchange
    this.#running = running
    this.#streams = streams
    this.#who = who
    this.#lastUs = exchange.clock.monotonicUs()
    this.done = new Promise((resolve) => (this.#resolve = resolve))
    running.add(this)
    exchange.wake = () => this.#leave()
  }

  start(dispatch: (handler: UpstreamHandler) => UpstreamCall): Promise<Passed> {
    this.#call = dispatch(this)
    return this.done
  }

  onSent(): boolean { return !this.#isOver }

  onHead(status: number, headers: UpstreamHeaders): void {
    this.#lastUs = this.#exchange.clock.monotonicUs()
    this.#status = status
    this.#headers = headers
    if (!this.#streams || status >= 300) return
    const { response } = this.#exchange
    this.#isStream = true
    this.#exchange.status = 200
    const passed = Object.fromEntries(['content-type', 'content-disposition'].flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])))
    response.writeHead(200, { ...commonHeaders(this.#exchange, undefined), ...passed })
    response.on('drain', () => this.#resume())
  }

  onData(chunk: Buffer): void {
    this.#lastUs = this.#exchange.clock.monotonicUs()
    this.#bytes += chunk.length
    if (!this.#isStream) {
      this.#parts.push(chunk)
      if (this.#bytes > limits.responseBodyBytes) this.#end(failure('upstream_response_too_large', `The answer of ${this.#who} is larger than ${limits.responseBodyBytes / 1024 / 1024} MiB. Ask for less in one request.`))
      return
    }
    this.#exchange.responseBytes = this.#bytes
    if (!this.#exchange.response.write(chunk)) {
      this.#isPaused = true
      this.#call?.pause()
    }
  }

  onEnd(): void {
    if (!this.#isStream) return this.#end({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#parts) })
    this.#exchange.response.end()
    this.#end('streamed')
  }

  onError(error: Error): void {
    this.#end(failure('upstream_error', `${this.#who} could not be reached, or broke off (${(error as NodeJS.ErrnoException).code ?? error.name}).`))
  }

  tick(nowUs: number): void {
    const { firstTokenMs, idleMs, clientStallMs } = this.#exchange.snapshot.settings.deadlines
    const { form } = this.#exchange
    // A client that is slow to send is not the vendor's fault; the form has bounds of its own.
    if (form && !form.isComplete && this.#status === 0) this.#lastUs = nowUs
    const silentMs = (nowUs - this.#lastUs) / 1000
    if (this.#isPaused) {
      if (silentMs > clientStallMs) this.#exchange.response.destroy()
      return
    }
    const limit = this.#status === 0 ? firstTokenMs : idleMs
    if (silentMs > limit) this.#end(failure('upstream_timeout', `${this.#who} did not answer within ${limit / 1000} s.`))
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#lastUs = this.#exchange.clock.monotonicUs()
    this.#call?.resume()
  }

  /** The client has gone, its key was revoked, or its form broke off. */
  #leave(): void {
    const { form, cutBy } = this.#exchange
    this.#end(form?.failed ?? (cutBy && cutFailure(cutBy)) ?? failure('request_timeout', 'The connection closed before the answer was complete.', { status: 499 }))
  }

  #end(passed: Passed): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#running.delete(this)
    this.#exchange.wake = null
    if (passed !== 'streamed' && !('body' in passed)) {
      this.#call?.abort()
      // Among the bytes of a file there is no place for words.
      if (this.#isStream) this.#exchange.response.destroy()
    }
    this.#resolve(passed)
  }
}
