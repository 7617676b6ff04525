/**
 * One dispatch to one deployment: receives the upstream's callbacks, holds everything back until the first meaningful frame
 * (the pre-commit window), then hands bytes to the client's stream. It ends exactly once, with an outcome; what can fail
 * before the commit is a fault that another attempt may mend, afterwards an error event inside the stream.
 */
import type { Clock } from '../clock.ts'
import { limits } from '../limits.ts'
import type { AnswerFacts, UpstreamFault } from '../protocols/protocol.ts'
import { ledgerUnavailable } from '../ledger/refusals.ts'
import type { Headers } from '../routing/cooldown.ts'
import type { AttemptOutcome } from '../store/records.ts'
import type { Gate, Verdict } from '../wire/event-gate.ts'
import type { StreamEvent } from '../wire/event-scanner.ts'
import { EventShape } from '../wire/event-shape.ts'
import { JsonScanner, noUniqueKeys } from '../wire/json-scanner.ts'
import type { AttemptOptions } from './attempt-options.ts'
import { isWindowOver } from './commit-window.ts'
import { firstAnswerMs, type Deadlines, type Ticking } from './deadlines.ts'
import { answeredFault, brokenBy, faultFrom, inBandFault, localFault, truncatedFault, unsentFault, withoutSecret, type Fault } from './fault.ts'
import { gateFor } from './gate.ts'
import type { Rivalry } from './hedge.ts'
import { keptBytes } from './malformed.ts'
import type { Metered } from './meter.ts'
import { Progress } from './progress.ts'
import type { Sink } from './stream.ts'
import type { UpstreamCall, UpstreamHandler } from './transport.ts'
import { readWhole } from './whole-answer.ts'
import { eventWithCost } from './usage-cost.ts'

export type Reply = 'answer' | 'stream' | 'failed' | 'cancelled'

export class Attempt implements UpstreamHandler, Ticking {
  rosterIndex = -1
  readonly options: AttemptOptions
  readonly startedUs: number
  /** Monotonic µs of the first meaningful frame or complete answer. */
  firstTokenUs: number | null = null
  endedUs: number | null = null
  status = 0
  headers: Headers = {}
  outcome: AttemptOutcome | null = null
  fault: Fault | null = null
  sent = false
  /** From the start until the journal was told. */
  dispatchWaitUs = 0
  rawUsage: unknown = null
  terminal = false
  /** A deadline, a budget, a revoked key or a shutdown ended it. */
  cutByUs = false
  /** As the vendor says it served. */
  serviceTier: string | null = null
  /** `outputChars` when the usage was reported: output that came after it is not in it. */
  usageAtChars = 0
  /** The usage came in an event of its own, as the vendor's last word. */
  usageApart = false
  outputChars = 0
  outputEvents = 0
  /** The event of a stream that gave the reason of its end. */
  endEvent: StreamEvent | null = null
  /** How a stream began, for the log. */
  first: Buffer | null = null
  body: Buffer | null = null
  answer: AnswerFacts | null = null
  /** Set when it is settled. */
  metered: Metered | null = null
  final = false
  /** While another one runs beside it. */
  rivalry: Rivalry | null = null
  readonly finished: Promise<void>
  readonly replied: Promise<Reply>
  readonly #clock: Clock
  readonly #running: Deadlines
  #call: UpstreamCall | null = null
  #gate: Gate | null = null
  readonly #shape = new EventShape()
  #scan: JsonScanner | null = null
  #chunks: Buffer[] = []
  /** What the client gets once the attempt is settled. */
  readonly #last: Buffer[] = []
  #bytes = 0
  #sink: Sink | null = null
  #committed = false
  #meaningful = false
  #doneAtUs: number | null = null
  #inBand: { said: UpstreamFault; json: string | null } | null = null
  #lastByteUs: number
  #progressUs: number
  #paused = false
  /** The upstream's own error event was passed on: nothing is to be added. */
  #said = false
  #drainUntilUs: number | null = null
  readonly #progress: Progress
  #reply!: (reply: Reply) => void
  #finish!: () => void

  constructor(options: AttemptOptions, clock: Clock, running: Deadlines) {
    this.options = options
    this.#clock = clock
    this.#running = running
    this.#progress = new Progress(options.hold, options.deployment, options.calibration)
    this.startedUs = this.#lastByteUs = this.#progressUs = clock.monotonicUs()
    this.replied = new Promise((resolve) => (this.#reply = resolve))
    this.finished = new Promise((resolve) => (this.#finish = resolve))
    running.add(this)
  }

  /** `dispatch` starts the call with this attempt as its handler. */
  async start(dispatch: (handler: UpstreamHandler) => UpstreamCall): Promise<Reply> {
    const written = this.options.hold.dispatch()
    if (written) await written
    this.dispatchWaitUs = this.#clock.monotonicUs() - this.startedUs
    if (!this.outcome) this.#call = dispatch(this)
    if (this.outcome) this.#call?.abort()
    return this.replied
  }

  get who(): string { return this.options.deployment.provider.vendor.name }
  /** True when what the client has got so far ends with a whole event. */
  get atBoundary(): boolean { return this.#gate?.atBoundary ?? true }
  get isOpaque(): boolean { return this.#gate?.isOpaque ?? false }
  get draining(): boolean { return this.#drainUntilUs !== null }
  /** Nothing for the client has come, and nothing was said to it. */
  get isSilent(): boolean { return this.outcome === null && !this.#committed && !this.draining && !this.#hasBegun }
  get #hasBegun(): boolean { return this.#meaningful || (!this.options.stream && this.#bytes > 0) }

  /** Gives a committed stream its destination; what was held back goes first. */
  attach(sink: Sink): void {
    const pending = this.#chunks.splice(0)
    this.#sink = sink
    sink.onDrain = () => this.#resume()
    if (this.outcome) sink.settle()
    if (this.#forward(pending)) this.#resume()
    if (this.outcome) sink.end(this.#said ? null : this.fault)
  }

  onSent(): boolean {
    if (this.outcome) return false
    const { hold } = this.options
    if (!hold.isDispatched) {
      this.#end('connect_failed', faultFrom('request', ledgerUnavailable('the journal under the data directory cannot be written')))
      return false
    }
    this.sent = hold.isSent = true
    return true
  }

  onHead(status: number, headers: Headers): void {
    this.status = status
    this.headers = headers
    this.#lastByteUs = this.#clock.monotonicUs()
    if (status >= 300) return
    this.#gate = gateFor(this.options, headers['content-type'], (event) => this.#judge(event), (bytes) => this.#knows(bytes))
    if (!this.#gate) this.#scan = new JsonScanner({ maxDepth: 10_000, maxKeys: 10_000_000, unique: noUniqueKeys })
  }

  onData(chunk: Buffer): void {
    if (this.outcome) return
    this.#lastByteUs = this.#clock.monotonicUs()
    if (this.#gate) this.first ??= Buffer.from(chunk.subarray(0, keptBytes))
    if (this.#gate) this.#onEvents(this.#gate.push(chunk))
    else this.#onBody(chunk)
  }

  onEnd(): void {
    if (this.outcome) return this.#running.delete(this)
    if (this.#gate) return this.#endStream(this.#gate)
    this.body = Buffer.concat(this.#chunks)
    if (this.status >= 300) return this.#end('upstream_error', answeredFault(this.options, this.status, this.body, this.headers, this.#clock.epochMs()))
    this.#endBody(this.body)
  }

  onError(error: Error): void {
    if (this.outcome) return this.#running.delete(this)
    if (this.terminal) return this.#end('success', null)
    if (!this.sent) return this.#end('connect_failed', unsentFault(this.who, error))
    const outcome: AttemptOutcome = this.#meaningful ? 'broken' : this.status > 0 ? 'truncated' : 'upstream_error'
    this.#endCut(outcome, truncatedFault(`The connection to ${this.who} broke before its answer was complete (${brokenBy(error)}).`))
  }

  tick(nowUs: number): void {
    const { deadlines, stream, limitMs, patienceMs, plan } = this.options
    const elapsedMs = (nowUs - this.startedUs) / 1000
    if (this.#drainUntilUs !== null && nowUs > this.#drainUntilUs) return this.#end('cancelled', null)
    if (this.#doneAtUs !== null && nowUs - this.#doneAtUs > limits.lingerMs * 1000) return this.outcome ? this.#letGo() : this.#end('success', null)
    if (this.outcome) return
    if (elapsedMs > deadlines.totalMs) return this.#timeOut('complete its answer', deadlines.totalMs)
    if (this.#paused) this.#lastByteUs = this.#progressUs = nowUs
    const silentMs = (nowUs - this.#progressUs) / 1000
    const limit = this.#hasBegun ? firstAnswerMs(deadlines, stream) : limitMs
    if (silentMs > limit) return this.#timeOut(this.#meaningful ? 'go on' : 'start its answer', limit)
    if (elapsedMs > patienceMs && !this.#hasBegun && !this.#committed && plan.mayGiveUp(nowUs / 1000)) return this.#timeOut('start its answer', patienceMs)
    if (this.status > 0 && (nowUs - this.#lastByteUs) / 1000 > deadlines.idleMs) return this.#timeOut('send another byte', deadlines.idleMs)
    if (!stream || this.#committed || this.draining || (this.status !== 0 && !this.#gate)) return
    if ((elapsedMs > deadlines.commitAfterMs && this.rivalry?.holdsHeaders !== true) || this.#mayCommit()) this.#commit()
  }

  /** The client has gone: stop a vendor that then stops billing, read the usage of one that does not. */
  leave(mayDrain: boolean): void {
    if (this.outcome) return
    if (!(mayDrain && this.sent && this.options.deployment.provider.vendor.billsAfterAbort)) return this.#end('cancelled', null)
    this.#drainUntilUs = this.#clock.monotonicUs() + limits.drainMs * 1000
    this.#sink = null
    this.#resume()
  }

  /** Ends the attempt for a reason of ours: a revoked key, a shutdown. */
  stop(fault: Fault): void {
    this.cutByUs = true
    this.#end(this.#meaningful ? 'broken' : 'cancelled', fault)
  }

  #judge(event: StreamEvent): Verdict {
    // After an error nothing follows: a `[DONE]` behind it would make clients take the answer for complete.
    if (this.#inBand) return 'drop'
    const { protocol, framings, translation, costOf } = this.options
    const facts = protocol.readEvent(event, this.#shape)
    this.outputChars += facts.outputChars
    if (facts.outputChars > 0) this.outputEvents++
    this.serviceTier = facts.serviceTier ?? this.serviceTier
    if (facts.usage !== null) {
      this.rawUsage = facts.usage
      this.usageAtChars = this.outputChars
      this.usageApart = facts.usageOnly
    }
    if (facts.meaningful) {
      this.#progressUs = this.#lastByteUs
      this.#meaningful ||= !facts.done
    }
    if (facts.finished) this.endEvent = event
    if (facts.finished || facts.done) this.terminal = true
    if (facts.done) this.#doneAtUs = this.#lastByteUs
    if (facts.error) this.#inBand = { said: facts.error, json: event.data }
    if (facts.usageOnly && this.options.stripUsage) return 'drop'
    if (facts.usage === null || costOf === null || event.data === null) return 'keep'
    const costNano = costOf(this, facts.usage)
    if (!translation) return eventWithCost(framings, event.name, event.data, protocol.usageIn.event, costNano) ?? 'keep'
    translation.costNano = costNano
    return 'keep'
  }

  /** Nearly all chunks of a stream: output, and nothing else. */
  #knows(bytes: Buffer): boolean {
    const chars = this.#inBand ? -1 : this.#shape.charsOf(bytes)
    if (chars < 0) return false
    this.outputChars += chars
    this.outputEvents += this.#shape.events
    this.#progressUs = this.#lastByteUs
    this.#meaningful = true
    return true
  }

  #onEvents(out: Buffer[]): void {
    // The middle of an event too long to hold is output on its way, however long it takes.
    if (!this.atBoundary) {
      this.#progressUs = this.#lastByteUs
      this.#meaningful = true
    }
    const refused = this.#progress.report(this.outputChars, this.outputEvents)
    if (refused) return this.stop(faultFrom('request', refused))
    if (this.#inBand && !this.#committed) return this.#end('upstream_error', inBandFault(this.options, this.#inBand.said, this.#inBand.json))
    if (this.#meaningful) this.firstTokenUs ??= this.#lastByteUs
    if (this.#meaningful && !this.#inBand) this.rivalry?.leads()
    if (this.#doneAtUs !== null && !this.#inBand && (this.#meaningful || this.rawUsage !== null)) return this.#endAtDone(out)
    if (this.#committed && this.#sink) this.#forward(out)
    else if (!this.draining) this.#keep(out)
    if (!this.#committed && !this.draining && this.#mayCommit()) this.#commit()
    if (this.#inBand) this.#end('broken', null, inBandFault(this.options, this.#inBand.said, null))
  }

  /** `[DONE]` is kept until the attempt is settled: at once, or when a usage that is late has come. */
  #endAtDone(out: Buffer[]): void {
    this.#last.push(...out)
    if (this.rawUsage !== null) this.#end('success', null, null, true)
  }

  /** Held back before the commit, and after it while the journal's sync is waited for. */
  #keep(out: Buffer[]): void {
    for (const part of out) {
      this.#chunks.push(part)
      this.#bytes += part.length
    }
    if (this.#committed && this.#bytes > limits.streamBufferBytes) this.#pause()
  }

  #onBody(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#scan?.push(chunk)
    this.#bytes += chunk.length
    this.#progressUs = this.#lastByteUs
    if (this.status >= 300 && this.#bytes > limits.errorBodyBytes) this.onEnd()
    else if (this.#bytes > limits.responseBodyBytes) {
      this.#endCut('broken', localFault('request', 'upstream_response_too_large', `The answer of ${this.who} is larger than ${limits.responseBodyBytes / 1024 / 1024} MiB. Ask for less in one request.`))
    }
  }

  #endStream(gate: Gate): void {
    if (gate.isOpaque) this.terminal = true
    const rest = gate.end(() => this.terminal)
    // What is no whole event was not passed on: it is said by us.
    if (this.#inBand) return this.#committed && rest.length === 0 ? this.#end('broken', inBandFault(this.options, this.#inBand.said, null)) : this.#onEvents(rest)
    const empty = this.terminal && !this.#meaningful && this.rawUsage === null
    if (!this.terminal || empty) {
      const what = empty || !this.#meaningful ? 'without any output' : 'without a finish reason; the answer is cut off'
      return this.#end(this.#meaningful ? 'broken' : 'truncated', truncatedFault(`${this.who} ended its stream ${what}.`))
    }
    this.#onEvents(rest)
    this.#end('success', null)
  }

  #endBody(body: Buffer): void {
    const facts = readWhole(this.options, this.#scan!, this.status, this.headers, body)
    if ('said' in facts) return this.#end('upstream_error', facts.said)
    if ('missing' in facts) return this.#endCut('truncated', facts.missing)
    this.answer = facts
    this.rawUsage = facts.usage
    this.serviceTier = facts.serviceTier
    this.outputChars = facts.outputChars
    this.firstTokenUs = this.#lastByteUs
    this.rivalry?.leads()
    if (this.#committed) return this.#end('broken', localFault('server', 'upstream_error', `${this.who} did not stream although it was asked to.`))
    this.#end('success', null)
  }

  #mayCommit(): boolean {
    const sinceFirstMs = this.firstTokenUs === null ? null : (this.#clock.monotonicUs() - this.firstTokenUs) / 1000
    return isWindowOver(this.options.deadlines, this.#bytes, this.outputChars, sinceFirstMs)
  }

  #deliver(last: Buffer[]): void {
    if (this.#sink) {
      this.#sink.settle()
      this.#forward(last)
    } else if (!this.draining) this.#keep(last)
  }

  #commit(): void {
    this.#committed = true
    this.rivalry?.leads()
    this.#reply('stream')
  }

  /** False: the client is slow, and the upstream waits for it. */
  #forward(parts: Buffer[]): boolean {
    const sink = this.#sink
    if (!sink) return true
    let room = true
    for (const part of parts) if (part.length > 0) room = sink.write(part)
    if (!room) this.#pause()
    return room
  }

  #pause(): void {
    if (this.#paused || this.outcome) return
    this.#paused = true
    this.#call?.pause()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#call?.resume()
  }

  #timeOut(what: string, afterMs: number): void {
    this.cutByUs = true
    this.#end(this.#meaningful ? 'broken' : 'timeout', localFault('timeout', 'upstream_timeout', `${this.who} did not ${what} within ${Math.round(afterMs) / 1000} s.`))
  }

  /** A plain answer that is cut off was made all the same: what came of it is a measure of what it cost. */
  #endCut(outcome: AttemptOutcome, fault: Fault): void {
    if (this.#scan?.isObject) this.outputChars = this.#bytes
    this.#end(outcome, fault)
  }

  #letGo(): void {
    this.#running.delete(this)
    this.#call?.abort()
  }

  /** `said` was told to the client by the upstream's own event. `lingers`: the vendor may end its answer by itself. */
  #end(outcome: AttemptOutcome, failed: Fault | null, said: Fault | null = null, lingers = false): void {
    if (this.outcome) return
    const { deployment: { provider }, credentialId } = this.options
    const fault = failed && withoutSecret(failed, provider, credentialId)
    // What is still held back is a whole answer.
    if (outcome === 'success' && this.#gate && !this.#committed && !this.draining) this.#commit()
    this.outcome = this.draining && outcome === 'success' ? 'drained' : outcome
    this.fault = fault ?? (said && withoutSecret(said, provider, credentialId))
    this.#said = said !== null
    this.endedUs = this.#clock.monotonicUs()
    if (!lingers) this.#letGo()
    try {
      if (outcome === 'success') this.#deliver(this.#last)
      this.#sink?.end(fault)
    } finally {
      this.#reply(this.outcome === 'cancelled' || this.outcome === 'drained' ? (fault ? 'failed' : 'cancelled') : fault ? 'failed' : 'answer')
      this.#finish()
    }
  }
}
