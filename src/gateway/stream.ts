/**
 * The client's side of a committed stream: writes bytes, holds the upstream while the client is slow, cuts a client that takes
 * nothing for too long, keeps idle connections alive, and ends a broken stream with the protocol's own error event.
 */
import type { Socket } from 'node:net'
import type { After } from '../clock.ts'
import type { Failure } from '../errors.ts'
import { encodingOf } from '../wire/event-scanner.ts'
import { chunkFrame } from '../wire/chunk-frame.ts'
import { ownBytes } from '../wire/own-bytes.ts'
import type { Exchange } from './exchange.ts'
import type { Attempt } from './attempt.ts'
import type { Deadlines, Ticking } from './deadlines.ts'
import { faultFrom, type Fault } from './fault.ts'
import { saidError, streamHeaders } from './respond.ts'
import { untilEndWritten } from './secure.ts'

/** Where a committed stream goes. */
export interface Sink {
  /** False: hold the upstream until `onDrain`. */
  write(chunk: Buffer): boolean
  onDrain: (() => void) | null
  /** The attempt has ended: what is written from now on may be all that the client waits for. */
  settle(): void
  /** The last call. A fault is said in the protocol's own words. */
  end(fault: Fault | null): void
}

/** Settles an attempt and writes its end, before its client can see the end of its answer. */
export type Settle = (exchange: Exchange, attempt: Attempt) => void

/** Sends what the attempt delivers until it has ended. A failure: its end was withheld, because the disk refuses it. */
export async function stream(exchange: Exchange, attempt: Attempt, running: Deadlines, settle: Settle, after: After): Promise<Failure | null> {
  exchange.enter('stream')
  const client = new ClientStream(exchange, attempt, running, settle, after)
  attempt.attach(client)
  await attempt.finished
  return client.ended
}

class ClientStream implements Sink, Ticking {
  rosterIndex = -1
  onDrain: (() => void) | null = null
  readonly #exchange: Exchange
  readonly #attempt: Attempt
  readonly #running: Deadlines
  readonly #settle: Settle
  readonly #after: After
  /** From a settlement that the disk refused on: what shows that the answer is complete. */
  #withheld: Buffer[] | null = null
  /** With why the end was withheld. Null: it was not. */
  ended: Promise<Failure | null> | null = null
  #lastWriteUs: number
  #blockedSinceUs: number | null = null
  /** Something of the answer was sent, which keep-alives are not. */
  #hasSaid = false
  /** The head has gone out, and its chunks are framed. */
  #isFramed = false

  constructor(exchange: Exchange, attempt: Attempt, running: Deadlines, settle: Settle, after: After) {
    this.#exchange = exchange
    this.#attempt = attempt
    this.#running = running
    this.#settle = settle
    this.#after = after
    this.#lastWriteUs = exchange.clock.monotonicUs()
    const { response, repeat, capture } = exchange
    const headers = streamHeaders(exchange, attempt)
    exchange.status = response.destroyed ? 499 : 200
    repeat?.head(200, headers)
    capture?.recording.head(200, headers)
    if (!response.destroyed) response.writeHead(200, headers)
    // The stream runs on for whoever repeats the request: nobody is waited for any more.
    if (repeat) response.once('close', () => this.onDrain?.())
    response.on('drain', this.#onRoom)
    running.add(this)
  }

  readonly #onRoom = (): void => {
    this.#blockedSinceUs = null
    this.onDrain?.()
  }

  write(chunk: Buffer): boolean {
    if (this.#withheld !== null) {
      this.#withheld.push(chunk)
      return true
    }
    this.#hasSaid = true
    this.#exchange.repeat?.chunk(chunk)
    this.#exchange.capture?.recording.append(chunk)
    return this.#send(chunk)
  }

  #send(chunk: Buffer): boolean {
    const { response } = this.#exchange
    if (response.destroyed) return true
    this.#exchange.responseBytes += chunk.length
    this.#exchange.captured?.push(ownBytes(chunk))
    this.#lastWriteUs = this.#exchange.clock.monotonicUs()
    const { socket } = response
    // Not past the response: while it is corked, or waits for an earlier one of its connection, it holds what comes first. Its end takes the last chunks with it.
    if (this.#isFramed && socket !== null && response.writableCorked === 0 && this.#attempt.outcome === null) return this.#sendFramed(socket, chunk)
    const room = response.write(chunk)
    this.#isFramed = response.chunkedEncoding
    if (!room) this.#blockedSinceUs ??= this.#lastWriteUs
    return room
  }

  /** What `response.write` does, with one buffer instead of four parts, which is most of what writing costs outside the kernel. */
  #sendFramed(socket: Socket, chunk: Buffer): boolean {
    if (socket.writableCorked === 0) {
      // What came with one read goes with one write.
      socket.cork()
      process.nextTick(uncork, socket)
    }
    const room = socket.write(chunkFrame(chunk, socket.writableLength === 0))
    if (!room && this.#blockedSinceUs === null) {
      this.#blockedSinceUs = this.#lastWriteUs
      socket.once('drain', this.#onRoom)
    }
    return room
  }

  settle(): void {
    this.#settle(this.#exchange, this.#attempt)
    if (!this.#attempt.options.hold.isEndWritten) this.#withheld ??= []
  }

  end(fault: Fault | null): void {
    this.#running.delete(this)
    this.settle()
    if (this.#withheld === null) this.#end(fault)
    else this.ended = this.#endOnceWritten(fault)
  }

  async #endOnceWritten(fault: Fault | null): Promise<Failure | null> {
    const refused = await untilEndWritten(this.#exchange, this.#attempt.options.hold, this.#after)
    const last = this.#withheld!
    this.#withheld = null
    if (refused === null) for (const chunk of last) this.write(chunk)
    this.#end(fault ?? (refused && faultFrom('request', refused)))
    return refused
  }

  #end(fault: Fault | null): void {
    const { response, protocol } = this.#exchange
    // Among bytes there is no place for words.
    if (fault && this.#attempt.isOpaque) response.destroy()
    else if (fault) {
      const event = protocol.errorEvent(saidError(this.#exchange, fault.failure), !this.#hasSaid)
      const { atBoundary } = this.#attempt
      // Within a binary frame nothing more can be said: its end is missing, which clients notice.
      if (protocol.framing !== 'aws-event-stream') this.write(Buffer.from(atBoundary ? event : `\n\n${event}`))
      else if (atBoundary) this.write(Buffer.from(event, encodingOf(protocol.framing)))
    }
    const isBroken = fault !== null || this.#attempt.fault !== null
    this.#exchange.repeat?.end(isBroken)
    this.#exchange.capture?.recording.end(isBroken)
    if (!response.destroyed) response.end()
  }

  tick(nowUs: number): void {
    const { response, protocol, snapshot } = this.#exchange
    const { clientStallMs, keepAliveMs } = snapshot.settings.deadlines
    if (response.destroyed) return this.#running.delete(this)
    if (this.#blockedSinceUs !== null) {
      // Destroying the connection is the client's leaving: it is settled like one.
      if (nowUs - this.#blockedSinceUs > clientStallMs * 1000) response.destroy()
    } else if (nowUs - this.#lastWriteUs > keepAliveMs * 1000 && protocol.keepAlive !== '' && this.#attempt.atBoundary) this.#send(Buffer.from(protocol.keepAlive))
  }
}

const uncork = (socket: Socket): void => socket.uncork()
