/**
 * Finds the lines of newline-delimited JSON in bytes that are forwarded unchanged elsewhere: one event is one line that is not blank
 * (https://github.com/ndjson/ndjson-spec). Splits on bytes and decodes whole lines, so that any chunking of the same bytes gives the
 * same events. It keeps at most one bounded line: the data of a longer one is reported as null.
 */
import type { SseEvent } from './sse-scanner.ts'

const LF = 0x0a, CR = 0x0d
const noBytes = Buffer.alloc(0)

export class NdjsonScanner {
  /** Offset of the byte after the last one that was pushed. */
  offset = 0
  /** Start of the event that is not complete yet. */
  eventStart = 0

  readonly #maxEventBytes: number
  readonly #onEvent: (event: SseEvent) => void
  /** The unfinished line of earlier chunks: a growing buffer, so that one-byte chunks cost linear time. */
  #line = noBytes
  #lineLength = 0
  #lineIsLong = false
  #atStart = true

  constructor(maxEventBytes: number, onEvent: (event: SseEvent) => void) {
    this.#maxEventBytes = maxEventBytes
    this.#onEvent = onEvent
  }

  push(chunk: Buffer): void {
    const base = this.offset
    this.offset += chunk.length
    let i = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, i)) {
      this.#endLine(chunk.subarray(i, end), base + end + 1)
      i = end + 1
    }
    if (i < chunk.length) this.#keep(chunk.subarray(i))
  }

  /** Passes over whole events that are known already. Only between events. */
  skip(length: number): void {
    this.offset += length
    this.eventStart = this.offset
  }

  /** The stream has ended: a last line without its line feed counts. */
  end(): void {
    if (this.#lineLength > 0 || this.#lineIsLong) this.#endLine(noBytes, this.offset)
  }

  #keep(part: Buffer): void {
    if (this.#lineIsLong) return
    const length = this.#lineLength + part.length
    // One byte more than the bound, since the carriage return before a line feed is none of the line.
    if (length > this.#maxEventBytes + 1) {
      this.#lineIsLong = true
      this.#line = noBytes
      this.#lineLength = 0
      return
    }
    if (length > this.#line.length) {
      const grown = Buffer.allocUnsafe(Math.max(256, length * 2))
      this.#line.copy(grown, 0, 0, this.#lineLength)
      this.#line = grown
    }
    part.copy(this.#line, this.#lineLength)
    this.#lineLength = length
  }

  #endLine(last: Buffer, end: number): void {
    let line = last
    if (this.#lineLength > 0 || this.#lineIsLong) {
      this.#keep(last)
      line = this.#line.subarray(0, this.#lineLength)
      this.#line = noBytes
    }
    const isLong = this.#lineIsLong
    this.#lineLength = 0
    this.#lineIsLong = false
    if (this.#atStart) {
      this.#atStart = false
      if (line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) line = line.subarray(3)
    }
    if (line.at(-1) === CR) line = line.subarray(0, -1)
    if (!isLong && isBlank(line)) this.eventStart = end
    else this.#dispatch(line, isLong || line.length > this.#maxEventBytes, end)
  }

  #dispatch(line: Buffer, oversize: boolean, end: number): void {
    const event: SseEvent = { start: this.eventStart, end, name: '', data: oversize ? null : line.toString(), oversize }
    this.eventStart = end
    this.#onEvent(event)
  }
}

function isBlank(line: Buffer): boolean {
  for (let i = 0; i < line.length; i++) if (line[i] !== 0x20 && line[i] !== 0x09 && line[i] !== CR) return false
  return true
}
