/**
 * Finds the elements of a JSON array that arrives over time, in bytes that are forwarded unchanged elsewhere: each is an event, told at its
 * last byte. A document that is no array is one event (an error in the place of a stream). It keeps at most one bounded element: a longer one
 * is reported without its data. It does not judge whether an element is valid JSON; what a broken stream leaves unfinished is no event.
 */
import type { SseEvent } from './sse-scanner.ts'

const quote = 0x22, backslash = 0x5c, comma = 0x2c, openBracket = 0x5b, closeBracket = 0x5d, openBrace = 0x7b, closeBrace = 0x7d
const noBytes = Buffer.alloc(0)

/** Before the array; between elements; in an element; behind the array. */
const BEFORE = 0, BETWEEN = 1, WITHIN = 2, BEHIND = 3

/** By byte: 1 for what stands in a string without meaning anything to it. */
const plain = new Uint8Array(256).fill(1)
plain[quote] = plain[backslash] = 0

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
/** A byte order mark. */
const isMark = (byte: number): boolean => byte === 0xef || byte === 0xbb || byte === 0xbf

export class JsonArrayScanner {
  /** Offset of the byte after the last one that was pushed. */
  offset = 0
  /** Start of the element that is not complete yet. */
  eventStart = 0

  readonly #maxEventBytes: number
  readonly #onEvent: (event: SseEvent) => void
  #state = BEFORE
  #depth = 0
  #inString = false
  #isEscaped = false
  /** The document is the element. */
  #isAlone = false
  /** The unfinished element of earlier chunks: a growing buffer, so that one-byte chunks cost linear time. */
  #kept = noBytes
  #length = 0
  #oversize = false

  constructor(maxEventBytes: number, onEvent: (event: SseEvent) => void) {
    this.#maxEventBytes = maxEventBytes
    this.#onEvent = onEvent
  }

  push(chunk: Buffer): void {
    const base = this.offset
    this.offset += chunk.length
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      if (this.#state !== WITHIN) {
        if (!this.#begins(chunk[i]!)) continue
        from = i
        this.eventStart = base + i
      }
      if (this.#inString) {
        i = this.#pastString(chunk, i)
        continue
      }
      const end = this.#endOf(chunk[i]!, i)
      if (end < 0) continue
      this.#tell(chunk.subarray(from, end), base + end)
      // The bracket behind a number.
      if (end === i) this.#begins(chunk[i]!)
    }
    if (this.#state === WITHIN) this.#keep(chunk.subarray(from))
    else this.eventStart = this.offset
  }

  /** Passes over whole events that are known already. Only between events. */
  skip(length: number): void {
    this.offset += length
    this.eventStart = this.offset
  }

  /** The stream has ended. A number alone is an element that only its end ends. */
  end(): void {
    if (this.#state === WITHIN && this.#isAlone && this.#depth === 0 && !this.#inString) this.#tell(noBytes, this.offset)
  }

  /** Takes a byte outside of elements; true: an element begins with it. */
  #begins(byte: number): boolean {
    if (this.#state === BEHIND || isSpace(byte) || (this.#state === BEFORE && isMark(byte))) return false
    if (this.#state === BETWEEN && byte === comma) return false
    if (this.#state === BETWEEN && byte === closeBracket) {
      this.#state = BEHIND
      return false
    }
    const isArray = this.#state === BEFORE && byte === openBracket
    this.#isAlone = this.#state === BEFORE && !isArray
    this.#state = isArray ? BETWEEN : WITHIN
    return !isArray
  }

  /** Takes a byte of an element that stands in no string: the offset behind the element that ends here, or −1. */
  #endOf(byte: number, i: number): number {
    if (byte === quote) this.#inString = true
    else if (byte === openBrace || byte === openBracket) this.#depth++
    else if (this.#depth === 0 && (byte === comma || byte === closeBracket || isSpace(byte))) return i
    else if ((byte === closeBrace || byte === closeBracket) && --this.#depth <= 0) return i + 1
    return -1
  }

  /** The index of the last byte of the chunk that belongs to the string. */
  #pastString(chunk: Buffer, start: number): number {
    let i = start
    if (this.#isEscaped) {
      this.#isEscaped = false
      i++
    }
    for (; i < chunk.length; i++) {
      while (i < chunk.length && plain[chunk[i]!] === 1) i++
      if (i === chunk.length) break
      if (chunk[i] === quote) {
        this.#inString = false
        return i
      }
      if (i + 1 === chunk.length) this.#isEscaped = true
      else i++
    }
    return i
  }

  #keep(part: Buffer): void {
    if (this.#oversize) return
    const length = this.#length + part.length
    if (length > this.#maxEventBytes) {
      this.#oversize = true
      this.#kept = noBytes
      this.#length = 0
      return
    }
    if (length > this.#kept.length) {
      const grown = Buffer.allocUnsafe(Math.max(256, length * 2))
      this.#kept.copy(grown, 0, 0, this.#length)
      this.#kept = grown
    }
    part.copy(this.#kept, this.#length)
    this.#length = length
  }

  #tell(rest: Buffer, end: number): void {
    let bytes = rest
    if (this.#length > 0 || this.#oversize || rest.length > this.#maxEventBytes) {
      this.#keep(rest)
      bytes = this.#kept.subarray(0, this.#length)
    }
    const event: SseEvent = { start: this.eventStart, end, name: '', data: this.#oversize ? null : bytes.toString(), oversize: this.#oversize }
    this.#state = this.#isAlone ? BEHIND : BETWEEN
    this.#depth = 0
    this.#kept = noBytes
    this.#length = 0
    this.#oversize = false
    this.eventStart = end
    this.#onEvent(event)
  }
}
