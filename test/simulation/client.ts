/**
 * A client and its connection: request and response objects as small as the gateway needs, and what arrived at the client's end.
 * It may leave at any byte, read slowly, or be cut off with the process that served it.
 */
import { EventEmitter } from 'node:events'
import type { Dice } from './dice.ts'
import { Channel, type Owner, type Scheduler } from './scheduler.ts'

export interface Call {
  number: number
  key: string
  body: Buffer
  stream: boolean
  model: string
  idempotencyKey: string | null
  /** Leaves after so many bytes of the answer; after so long. */
  leavesAtByte: number | null
  leavesAfterUs: number | null
  slow: boolean
}

/** Node's own limit for a response that is not read. */
const highWaterMark = 16_384

interface Head { status: number; headers: Record<string, string | string[]> }
type Sent = { kind: 'head'; head: Head } | { kind: 'bytes'; bytes: Buffer } | { kind: 'end' } | { kind: 'cut' }

export class Client {
  readonly call: Call
  requestId: string | null = null
  head: Head | null = null
  /** Number of the attempt whose answer, or failure, it gets. */
  answeredBy: number | null = null
  bytes = 0
  readonly chunks: Buffer[] = []
  /** `complete`: the whole answer arrived; `cut`: the connection broke; `left`: by its own will; `refused`: nobody listened. */
  end: 'complete' | 'cut' | 'left' | 'refused' | null = null
  endedAtEvent = 0

  constructor(call: Call) {
    this.call = call
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }
}

/** The server's end of one request. */
export class FakeRequest extends EventEmitter {
  readonly headers: Record<string, string>
  readonly method = 'POST'
  readonly url = '/v1/chat/completions'

  constructor(headers: Record<string, string>) {
    super()
    this.headers = headers
  }
}

export class FakeResponse extends EventEmitter {
  headersSent = false
  destroyed = false
  writableFinished = false
  /** Number of the attempt that the gateway answers with. */
  answeredBy: () => number | null = () => null
  /** Bytes travel without frames here, and all of them through the response. */
  readonly chunkedEncoding = false
  readonly socket = null
  readonly #scheduler: Scheduler
  readonly #owner: Owner
  readonly #client: Client
  readonly #toClient: Channel<Sent>
  readonly #leave: () => void
  #buffered = 0
  #needsDrain = false
  #ended = false
  #closed = false

  constructor(scheduler: Scheduler, owner: Owner, client: Client, dice: Dice, leave: () => void) {
    super()
    this.#scheduler = scheduler
    this.#owner = owner
    this.#client = client
    this.#leave = leave
    const typicalUs = client.call.slow ? 400_000 : 2_000
    // The network is not the process's: what was handed to it arrives although the process dies.
    this.#toClient = new Channel<Sent>(scheduler, scheduler.world, ({ kind }) => `client ${client.call.number} gets ${kind}`, () => dice.delayUs(typicalUs), (sent) => this.#arrived(sent))
  }

  writeHead(status: number, headers: Head['headers']): void {
    if (!this.#owner.alive || this.destroyed) return
    if (this.headersSent) throw new Error('headers were sent already')
    this.headersSent = true
    this.#client.answeredBy = this.answeredBy()
    this.#toClient.send({ kind: 'head', head: { status, headers } })
  }

  write(bytes: Buffer): boolean {
    if (!this.#owner.alive || this.destroyed) return true
    if (this.#ended) throw new Error('write after end')
    this.#buffered += bytes.length
    this.#toClient.send({ kind: 'bytes', bytes })
    this.#needsDrain ||= this.#buffered >= highWaterMark
    return !this.#needsDrain
  }

  end(bytes?: Buffer): void {
    if (!this.#owner.alive || this.destroyed || this.#ended) return
    if (bytes && bytes.length > 0) this.write(bytes)
    this.#ended = true
    this.#toClient.send({ kind: 'end' })
    this.#finishWhenFlushed()
  }

  destroy(): void {
    if (this.destroyed || !this.#owner.alive) return
    this.destroyed = true
    this.#toClient.cut()
    this.#scheduler.in(0, this.#scheduler.world, 'client is cut', () => this.#over('cut'))
    this.#scheduler.in(0, this.#owner, 'response closes', () => this.#close())
  }

  /** The client is gone: the server's end closes a moment later. */
  clientLeft(): void {
    this.#toClient.cut()
    this.#over('left')
    this.#scheduler.in(0, this.#owner, 'response closes', () => {
      if (this.writableFinished) return
      this.destroyed = true
      this.#close()
    })
  }

  /** The process is gone; what is under way arrives, or is lost with it. */
  processDied(isLost: boolean): void {
    if (isLost) this.#toClient.cut()
    this.#toClient.send({ kind: 'cut' })
  }

  #arrived(sent: Sent): void {
    const client = this.#client
    if (client.end !== null) return
    switch (sent.kind) {
      case 'head': client.head = sent.head; break
      case 'end': this.#over('complete'); break
      case 'cut': this.#over('cut'); break
      case 'bytes':
        client.bytes += sent.bytes.length
        client.chunks.push(sent.bytes)
        this.#buffered -= sent.bytes.length
        this.#flushed()
        if (client.call.leavesAtByte !== null && client.bytes >= client.call.leavesAtByte) this.#leave()
    }
  }

  #flushed(): void {
    if (this.#buffered > 0) return
    if (this.#ended) this.#finishWhenFlushed()
    if (!this.#needsDrain) return
    this.#needsDrain = false
    this.#scheduler.in(0, this.#owner, 'response drains', () => this.destroyed || this.emit('drain'))
  }

  #finishWhenFlushed(): void {
    if (this.#buffered > 0) return
    this.#scheduler.in(0, this.#owner, 'response finishes', () => {
      if (this.destroyed || this.writableFinished) return
      this.writableFinished = true
      this.#close()
    })
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.emit('close')
  }

  #over(end: NonNullable<Client['end']>): void {
    if (this.#client.end !== null) return
    this.#client.end = end
    this.#client.endedAtEvent = this.#scheduler.events
  }
}
