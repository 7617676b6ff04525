/**
 * Frames of `application/vnd.amazon.eventstream`, found in bytes as they arrive: any chunking gives the same events, in the form of
 * server-sent ones. Both checksums of a frame are verified; a damaged frame, one that is cut off and one that tells an exception are
 * events whose name says that they are errors, and after damage nothing more is read, since no later frame can be found.
 * https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html
 */
import { crc32 } from 'node:zlib'
import type { SseEvent } from './sse-scanner.ts'

/** Length of the frame and of its headers, and the checksum of the two. */
const preludeBytes = 12
const checksumBytes = 4
const leastFrameBytes = preludeBytes + checksumBytes
/** Headers of 128 KiB and a payload of 16 MiB are the most that AWS sends. */
const mostFrameBytes = 16 * 1024 * 1024 + 128 * 1024 + leastFrameBytes
const noBytes = Buffer.alloc(0)

/** Error that the framing itself has, in the place of an exception's type. */
export const damagedStream = 'damagedStream'
/** Stands before the type of an exception in the name of an event: no event type begins with it. */
const errorMark = ':'

/** The type of the exception that an event of this name tells; null: it is none. */
export const exceptionOf = (name: string): string | null => (name.startsWith(errorMark) ? name.slice(errorMark.length) : null)
export const exceptionName = (type: string): string => errorMark + type

export class AwsEventScanner {
  /** Offset of the byte after the last one that was pushed. */
  offset = 0
  /** Start of the frame that is not complete yet. */
  eventStart = 0

  readonly #maxEventBytes: number
  readonly #onEvent: (event: SseEvent) => void
  /** What earlier chunks had of the running frame; of one that is too long to keep its prelude, and its last bytes. */
  #held = noBytes
  #heldLength = 0
  /** Of the running frame; 0: its prelude is not complete. */
  #frameBytes = 0
  /** Checksum of what was passed over of a frame that is too long to keep. */
  #passedCrc = 0
  #passed = 0
  #isDamaged = false
  /** Of the last frame. */
  #headerBytes: Buffer = noBytes
  #headers: FrameHeaders | null = null

  constructor(maxEventBytes: number, onEvent: (event: SseEvent) => void) {
    this.#maxEventBytes = maxEventBytes
    this.#onEvent = onEvent
  }

  push(chunk: Buffer): void {
    const base = this.offset
    this.offset += chunk.length
    let at = 0
    while (at < chunk.length && !this.#isDamaged) {
      if (this.#heldLength === 0 && this.#passed === 0) at = this.#whole(chunk, at, base)
      else at += this.#more(chunk, at, base)
    }
  }

  /** Passes over whole frames that are known already. Only between frames. */
  skip(length: number): void {
    this.offset += length
    this.eventStart = this.offset
  }

  /** The stream has ended. */
  end(): void {
    if (!this.#isDamaged && (this.#heldLength > 0 || this.#passed > 0)) this.#damage('The stream ended within a frame.', this.offset)
  }

  /** Takes a frame that stands in one chunk; begins to hold one that doesn't. */
  #whole(chunk: Buffer, at: number, base: number): number {
    const left = chunk.length - at
    if (left >= preludeBytes) {
      if (!this.#readPrelude(chunk, at, base + at + preludeBytes)) return chunk.length
      if (this.#frameBytes <= left && this.#frameBytes <= this.#maxEventBytes) {
        const end = at + this.#frameBytes
        this.#take(chunk, at, base + end)
        return end
      }
      if (this.#frameBytes > this.#maxEventBytes) return at + this.#pass(chunk, at, base)
    }
    this.#hold(chunk, at, chunk.length)
    return chunk.length
  }

  /** Bytes of the chunk that belong to the frame which an earlier one began. */
  #more(chunk: Buffer, at: number, base: number): number {
    if (this.#passed > 0) return this.#pass(chunk, at, base)
    const wanted = (this.#frameBytes || preludeBytes) - this.#heldLength
    const length = Math.min(wanted, chunk.length - at)
    this.#hold(chunk, at, at + length)
    if (length < wanted) return length
    if (this.#frameBytes === 0) {
      if (!this.#readPrelude(this.#held, 0, base + at + length)) return chunk.length
      if (this.#frameBytes > this.#maxEventBytes) this.#startPassing()
      else if (this.#frameBytes > this.#heldLength) return length
    }
    if (this.#passed === 0) {
      const frame = this.#held
      this.#held = noBytes
      this.#heldLength = 0
      this.#take(frame, 0, base + at + length)
    }
    return length
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    const length = this.#heldLength + to - from
    if (length > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.max(256, Math.min(length * 2, Math.max(this.#frameBytes, length))))
      this.#held.copy(grown, 0, 0, this.#heldLength)
      this.#held = grown
    }
    chunk.copy(this.#held, this.#heldLength, from, to)
    this.#heldLength = length
  }

  #readPrelude(bytes: Buffer, at: number, end: number): boolean {
    const frameBytes = bytes.readUInt32BE(at)
    const headerBytes = bytes.readUInt32BE(at + 4)
    if (crc32(bytes.subarray(at, at + 8)) !== bytes.readUInt32BE(at + 8)) return this.#damage('The checksum of a frame\'s prelude is wrong.', end)
    if (frameBytes < leastFrameBytes || frameBytes > mostFrameBytes || headerBytes > frameBytes - leastFrameBytes) return this.#damage(`A frame of ${frameBytes} bytes with ${headerBytes} bytes of headers is not possible.`, end)
    this.#frameBytes = frameBytes
    return true
  }

  #startPassing(): void {
    this.#passedCrc = crc32(this.#held.subarray(0, this.#heldLength))
    this.#passed = this.#heldLength
    this.#heldLength = 0
  }

  /** Passes over bytes of a frame that is too long to keep; only its checksum is held. */
  #pass(chunk: Buffer, at: number, base: number): number {
    const length = Math.min(this.#frameBytes - this.#passed, chunk.length - at)
    const summed = Math.max(0, Math.min(length, this.#frameBytes - checksumBytes - this.#passed))
    this.#passedCrc = crc32(chunk.subarray(at, at + summed), this.#passedCrc)
    if (summed < length) this.#hold(chunk, at + summed, at + length)
    this.#passed += length
    if (this.#passed < this.#frameBytes) return length
    const isRight = this.#held.readUInt32BE(0) === this.#passedCrc
    this.#heldLength = this.#passed = this.#passedCrc = this.#frameBytes = 0
    const end = base + at + length
    if (isRight) this.#emit('', null, true, end)
    else this.#damage('The checksum of a frame is wrong.', end)
    return length
  }

  #take(bytes: Buffer, at: number, end: number): void {
    const last = at + this.#frameBytes - checksumBytes
    this.#frameBytes = 0
    if (crc32(bytes.subarray(at, last)) !== bytes.readUInt32BE(last)) return void this.#damage('The checksum of a frame is wrong.', end)
    const payloadStart = at + preludeBytes + bytes.readUInt32BE(at + 4)
    const headers = this.#headersAt(bytes, at + preludeBytes, payloadStart)
    if (headers === null) return void this.#damage('A frame has headers that cannot be read.', end)
    const data = payloadStart < last ? bytes.toString('utf8', payloadStart, last) : null
    if (headers.kind === 'exception') return this.#emit(exceptionName(headers.exception || headers.event), data ?? '{}', false, end)
    if (headers.kind === 'error') return this.#emit(exceptionName(headers.errorCode), data ?? JSON.stringify({ message: headers.errorMessage }), false, end)
    this.#emit(headers.event, data, false, end)
  }

  /** Nearly all frames have those of the one before. */
  #headersAt(bytes: Buffer, from: number, to: number): FrameHeaders | null {
    const own = bytes.subarray(from, to)
    if (this.#headers !== null && own.equals(this.#headerBytes)) return this.#headers
    this.#headers = readHeaders(bytes, from, to)
    this.#headerBytes = Buffer.from(own)
    return this.#headers
  }

  #emit(name: string, data: string | null, oversize: boolean, end: number): void {
    const event: SseEvent = { start: this.eventStart, end, name, data, oversize }
    this.eventStart = end
    this.#onEvent(event)
  }

  #damage(message: string, end: number): false {
    this.#isDamaged = true
    this.#held = noBytes
    this.#emit(exceptionName(damagedStream), JSON.stringify({ message }), false, end)
    return false
  }
}

interface FrameHeaders { kind: string; event: string; exception: string; errorCode: string; errorMessage: string }

const text = 7
/** By type of a value; −1: its length stands before it. */
const valueBytes = [0, 0, 1, 2, 4, 8, -1, -1, 8, 16]

/** Null where they don't fill their room exactly. */
function readHeaders(bytes: Buffer, from: number, to: number): FrameHeaders | null {
  const headers: FrameHeaders = { kind: 'event', event: '', exception: '', errorCode: '', errorMessage: '' }
  let at = from
  while (at < to) {
    const nameEnd = at + 1 + bytes[at]!
    if (nameEnd >= to) return null
    const type = bytes[nameEnd]!
    let length = valueBytes[type]
    let valueStart = nameEnd + 1
    if (length === -1) {
      if (valueStart + 2 > to) return null
      length = bytes.readUInt16BE(valueStart)
      valueStart += 2
    }
    if (length === undefined || valueStart + length > to) return null
    if (type === text) note(headers, bytes.toString('latin1', at + 1, nameEnd), bytes, valueStart, valueStart + length)
    at = valueStart + length
  }
  return headers
}

function note(headers: FrameHeaders, name: string, bytes: Buffer, from: number, to: number): void {
  switch (name) {
    case ':message-type': headers.kind = bytes.toString('utf8', from, to); break
    case ':event-type': headers.event = bytes.toString('utf8', from, to); break
    case ':exception-type': headers.exception = bytes.toString('utf8', from, to); break
    case ':error-code': headers.errorCode = bytes.toString('utf8', from, to); break
    case ':error-message': headers.errorMessage = bytes.toString('utf8', from, to)
  }
}

/** Headers that are texts. */
export function encodeHeaders(headers: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of Object.entries(headers)) {
    const bytes = Buffer.from(value)
    parts.push(Buffer.from([Buffer.byteLength(name)]), Buffer.from(name), Buffer.from([text, bytes.length >> 8, bytes.length & 0xff]), bytes)
  }
  return Buffer.concat(parts)
}

export function encodeFrame(headers: Buffer, payload: string): Buffer {
  const length = leastFrameBytes + headers.length + Buffer.byteLength(payload)
  const frame = Buffer.allocUnsafe(length)
  frame.writeUInt32BE(length, 0)
  frame.writeUInt32BE(headers.length, 4)
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8)
  frame.set(headers, preludeBytes)
  frame.write(payload, preludeBytes + headers.length)
  frame.writeUInt32BE(crc32(frame.subarray(0, length - checksumBytes)), length - checksumBytes)
  return frame
}

/** Headers of an event as Bedrock sends it, and of an exception. */
export const eventHeaders = (type: string): Buffer => encodeHeaders({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' })
const exceptionHeaders = (type: string): Buffer => encodeHeaders({ ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' })

export const eventFrame = (type: string, json: string): Buffer => encodeFrame(eventHeaders(type), json)
export const exceptionFrame = (type: string, json: string): Buffer => encodeFrame(exceptionHeaders(type), json)
