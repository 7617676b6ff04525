/**
 * Sends a script over a raw socket: framing, chunk sizes, pauses, and the faults that strike at a byte. Every wait ends when the
 * client leaves, so an abandoned answer costs nothing.
 */
import type { Socket } from 'node:net'
import type { Faults } from './faults.ts'
import { between, type Random } from '../../src/simulated/random.ts'
import type { Script } from './spoil.ts'

export interface Peer {
  socket: Socket
  /** The client has closed its side or is gone. */
  left(): boolean
  /** Resolves when it leaves, at once if it has. */
  whenLeft: Promise<void>
}

export interface Played {
  /** `broken`: the script itself cut the answer. */
  end: 'complete' | 'left' | 'broken'
  headersSent: boolean
  bodyBytes: number
  /** Share of the output that was generated when it ended. */
  generated: number
}

const reasons: Record<number, string> = { 200: 'OK', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 429: 'Too Many Requests', 500: 'Internal Server Error' }

/** Waits, or null for ever; ends early when the client leaves. */
export async function pause(peer: Peer, ms: number | null): Promise<void> {
  if (peer.left() || ms === 0) return
  if (ms === null) return peer.whenLeft
  const timer = Promise.withResolvers<void>()
  const handle = setTimeout(timer.resolve, ms)
  await Promise.race([timer.promise, peer.whenLeft])
  clearTimeout(handle)
}

async function write(peer: Peer, bytes: Buffer): Promise<void> {
  if (peer.left() || bytes.length === 0) return
  if (peer.socket.write(bytes)) return
  const drained = Promise.withResolvers<void>()
  peer.socket.once('drain', drained.resolve)
  await Promise.race([drained.promise, peer.whenLeft])
  peer.socket.removeListener('drain', drained.resolve)
}

/** Bytes handed to the socket at once, so that `bodyBytes` says what a client that stopped reading really took. */
const blockBytes = 64 * 1024

/** Sizes that hit the edges: often tiny, sometimes large. */
function sizesFor(chunk: Exclude<Faults['chunk'], null>, random: Random): () => number {
  if (chunk === 'whole') return () => Number.MAX_SAFE_INTEGER
  if (chunk === 'random') return () => between(random, 1, [3, 40, 400, 4000][Math.floor(random() * 4)]!)
  return () => chunk
}

function headOf(script: Script, length: number | null): string {
  const framing = length === null ? 'transfer-encoding: chunked' : `content-length: ${length}`
  const lines = script.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `HTTP/1.1 ${script.status} ${reasons[script.status] ?? 'Status'}\r\n${lines}${framing}\r\n\r\n`
}

class Body {
  sent = 0
  broken = false
  private readonly peer: Peer
  private readonly faults: Faults
  private readonly chunked: boolean
  private readonly nextSize: () => number
  private stalled = false

  constructor(peer: Peer, faults: Faults, chunked: boolean, nextSize: () => number) {
    this.peer = peer
    this.faults = faults
    this.chunked = chunked
    this.nextSize = nextSize
  }

  /** Sends the bytes up to the next fault, lets it strike, goes on. False when the answer has ended. */
  async send(bytes: Buffer): Promise<boolean> {
    let rest = bytes
    for (;;) {
      await this.strike()
      if (this.broken || this.peer.left()) return false
      if (rest.length === 0) return true
      const part = rest.subarray(0, Math.min(blockBytes, this.nextFault() - this.sent))
      this.sent += part.length
      rest = rest.subarray(part.length)
      await this.frame(part)
    }
  }

  private nextFault(): number {
    const { stall, cutAt, resetAt, trimAt } = this.faults
    const positions = [this.stalled ? null : stall?.at, cutAt, resetAt, trimAt]
    return Math.min(...positions.filter((at): at is number => at !== null && at !== undefined && at >= this.sent), Number.MAX_SAFE_INTEGER)
  }

  private async strike(): Promise<void> {
    const { stall, cutAt, resetAt, trimAt } = this.faults
    if (stall !== null && !this.stalled && this.sent === stall.at) {
      this.stalled = true
      await pause(this.peer, stall.ms)
    }
    if (this.peer.left()) return
    if (this.sent === cutAt) {
      this.broken = true
      this.peer.socket.end()
    } else if (this.sent === resetAt) {
      this.broken = true
      // A reset overtakes bytes that the peer has not read yet: give it a moment, since "at byte N" is the promise.
      await pause(this.peer, 20)
      this.peer.socket.resetAndDestroy()
    } else if (this.sent === trimAt) {
      this.broken = true
      await this.finish()
    }
  }

  private async frame(bytes: Buffer): Promise<void> {
    const frames: Buffer[] = []
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + this.nextSize())
      at += part.length
      frames.push(this.chunked ? Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]) : part)
    }
    if (this.chunked) return write(this.peer, Buffer.concat(frames))
    for (const part of frames) {
      await write(this.peer, part)
      await new Promise(setImmediate)
    }
  }

  async finish(): Promise<void> {
    if (this.chunked) await write(this.peer, Buffer.from('0\r\n\r\n'))
    else if (this.faults.lengthDelta !== null || this.faults.trimAt !== null) this.peer.socket.end()
  }
}

/** A complete answer that nobody asked for. The word POISON must never reach a client. */
function poison(): Buffer {
  const body = JSON.stringify({ id: 'poison', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'POISON' }, finish_reason: 'stop' }] })
  return Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
}

async function endless(body: Body, faults: Faults): Promise<void> {
  const block = Buffer.alloc(blockBytes, 'x')
  if (!await body.send(Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"'))) return
  for (let sent = 0; sent < faults.endlessBytes; sent += block.length) if (!await body.send(block)) return
}

export async function play(peer: Peer, script: Script, faults: Faults, random: Random): Promise<Played> {
  const played: Played = { end: 'complete', headersSent: false, bodyBytes: 0, generated: 0 }
  await pause(peer, faults.blackHole ? null : faults.delayMs)
  if (peer.left()) return { ...played, end: 'left' }
  const chunk = faults.chunk ?? 'whole'
  const total = script.pieces.reduce((sum, part) => sum + part.bytes.length, 0)
  const paceMs = faults.pings > 0 ? Math.max(10, faults.paceMs) : faults.paceMs
  const chunked = faults.lengthDelta === null && (script.stream || (typeof chunk === 'number' && total > 0))
  const body = new Body(peer, faults, chunked, sizesFor(chunk, random))
  await write(peer, Buffer.from(headOf(script, chunked ? null : total + (faults.lengthDelta ?? 0))))
  played.headersSent = true
  // Without streaming everything has been generated before the first byte.
  if (!script.stream) played.generated = 1
  await pause(peer, faults.firstMs)
  if (faults.endlessBytes > 0) await endless(body, faults)
  let alive = await body.send(Buffer.alloc(0))
  for (const [index, part] of script.pieces.entries()) {
    if (index > 0) await pause(peer, paceMs)
    alive = alive && await body.send(part.bytes)
    if (!alive) break
    played.generated = Math.max(played.generated, part.generated)
  }
  if (alive) await body.finish()
  if (alive && faults.poisonMs !== null) {
    await pause(peer, faults.poisonMs)
    await write(peer, poison())
  }
  const end = body.broken ? 'broken' : peer.left() && !alive ? 'left' : 'complete'
  return { ...played, end, bodyBytes: body.sent }
}
