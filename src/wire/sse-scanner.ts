/**
 * Finds the events of a server-sent event stream in bytes that are forwarded unchanged elsewhere (WHATWG HTML §9.2.6).
 * Splits on bytes and decodes whole lines, so that any chunking of the same bytes gives the same events. It keeps at most
 * one bounded event: the data of a longer one is reported as null.
 */

export interface SseEvent {
  /** Offsets in the stream: the first byte of the event's first line, and the byte after its blank line. */
  start: number
  end: number
  /** The `event:` field, empty when absent. */
  name: string
  /** The `data:` lines joined by newlines. Null when there were none or when the event was too long to keep. */
  data: string | null
  oversize: boolean
}

const LF = 0x0a, CR = 0x0d
const noBytes = Buffer.alloc(0)

export class SseScanner {
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
  #sawCarriageReturn = false
  #atStart = true
  #data: string[] = []
  #dataBytes = 0
  #oversize = false
  #name = ''
  #hasLines = false
  /** What begins with a brace is no field: an error in plain JSON, with which Google ends a stream (https://github.com/theopenco/llmgateway/pull/3616). */
  #isPlain = false

  constructor(maxEventBytes: number, onEvent: (event: SseEvent) => void) {
    this.#maxEventBytes = maxEventBytes
    this.#onEvent = onEvent
  }

  push(chunk: Buffer): void {
    const base = this.offset
    this.offset += chunk.length
    let i = 0
    if (this.#sawCarriageReturn && chunk.length > 0) {
      this.#sawCarriageReturn = false
      i = chunk[0] === LF ? 1 : 0
      this.#endLine(noBytes, base + i)
    }
    const hasCarriageReturn = chunk.indexOf(CR, i) >= 0
    while (i < chunk.length) {
      const end = hasCarriageReturn ? lineEnd(chunk, i) : chunk.indexOf(LF, i)
      if (end < 0) break
      const isCarriageReturn = chunk[end] === CR
      if (isCarriageReturn && end + 1 === chunk.length) {
        // Whether a line feed belongs to this line end is known with the next byte only.
        this.#keep(chunk.subarray(i, end))
        this.#sawCarriageReturn = true
        return
      }
      const next = isCarriageReturn && chunk[end + 1] === LF ? end + 2 : end + 1
      this.#endLine(chunk.subarray(i, end), base + next)
      i = next
    }
    if (i < chunk.length) this.#keep(chunk.subarray(i))
  }

  /** Passes over whole events that are known already. Only between events. */
  skip(length: number): void {
    this.offset += length
    this.eventStart = this.offset
  }

  /** The stream has ended: a last event without its blank line counts, since many servers leave the line out. */
  end(): void {
    if (this.#sawCarriageReturn || this.#lineLength > 0 || this.#lineIsLong) this.#endLine(noBytes, this.offset)
    if (this.#hasLines) this.#dispatch(this.offset)
  }

  #keep(part: Buffer): void {
    if (this.#lineIsLong) return
    const length = this.#lineLength + part.length
    if (length > this.#maxEventBytes) {
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

  #endLine(rest: Buffer, next: number): void {
    let line = rest
    if (this.#lineLength > 0 || this.#lineIsLong) {
      this.#keep(rest)
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
    if (isLong) {
      this.#hasLines = true
      this.#oversize = true
    } else if (line.length > 0) {
      if (!this.#hasLines) this.#isPlain = line[0] === 0x7b || line[0] === 0x5b
      this.#hasLines = true
      if (this.#isPlain) this.#take(line)
      else this.#field(line)
    } else if (this.#hasLines) this.#dispatch(next)
    else this.eventStart = next
  }

  #take(value: Buffer): void {
    this.#dataBytes += value.length
    if (this.#dataBytes > this.#maxEventBytes) {
      this.#oversize = true
      this.#data = []
    } else this.#data.push(value.toString())
  }

  #field(line: Buffer): void {
    if (line[0] === 0x64 && isField(line, 'data')) {
      this.#take(line.subarray(line.length === 4 ? 4 : line[5] === 0x20 ? 6 : 5))
    } else if (line[0] === 0x65 && isField(line, 'event')) {
      this.#name = line.toString('utf8', line.length === 5 ? 5 : line[6] === 0x20 ? 7 : 6)
    }
  }

  #dispatch(end: number): void {
    const lines = this.#data
    const data = this.#oversize || lines.length === 0 ? null : lines.join('\n')
    const event: SseEvent = { start: this.eventStart, end, name: this.#name, data, oversize: this.#oversize }
    this.eventStart = end
    this.#data = []
    this.#dataBytes = 0
    this.#oversize = false
    this.#name = ''
    this.#hasLines = false
    this.#onEvent(event)
  }
}

function lineEnd(chunk: Buffer, from: number): number {
  const lf = chunk.indexOf(LF, from)
  const cr = chunk.indexOf(CR, from)
  if (lf < 0) return cr
  return cr < 0 ? lf : Math.min(lf, cr)
}

/** The line is `name` alone or `name:…`. */
function isField(line: Buffer, name: string): boolean {
  if (line.length !== name.length && line[name.length] !== 0x3a) return false
  for (let i = 0; i < name.length; i++) if (line[i] !== name.charCodeAt(i)) return false
  return true
}
