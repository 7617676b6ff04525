/**
 * A strict, resumable JSON validator over bytes. It is fed chunk by chunk as a body arrives, so that a 20 MB body never
 * blocks the event loop, needs no recursion, and yields the byte spans of the top-level members: the few that the gateway
 * reads are parsed from their span, and edits are spliced into the original bytes. Accepts what JSON.parse accepts (RFC 8259).
 */

/** Byte offsets into the whole document. */
export interface Member {
  key: string
  /** Offset of the key's opening quote. */
  keyStart: number
  valueStart: number
  /** Offset after the value's last byte. */
  valueEnd: number
}

export interface JsonFault {
  reason: 'syntax' | 'depth' | 'keys' | 'duplicate'
  offset: number
  /** The repeated key. */
  key?: string
}

export interface ScanBounds {
  maxDepth: number
  maxKeys: number
  /** Top-level keys that must not stand twice: parsers disagree on which one counts. */
  unique: ReadonlySet<string>
}

/** For what a vendor repeats, which is passed on. */
export const noUniqueKeys: ReadonlySet<string> = new Set()

const VALUE = 0, VALUE_OR_END = 1, KEY_OR_END = 2, KEY = 3, COLON = 4, COMMA_OR_END = 5, STRING = 6, ESCAPE = 7, HEX = 8
const MINUS = 9, ZERO = 10, INTEGER = 11, POINT = 12, FRACTION = 13, EXPONENT = 14, EXPONENT_SIGN = 15, EXPONENT_DIGITS = 16
const LITERAL = 17, DONE = 18

/** Keys longer than this are no control field and are recorded cut off. */
const keyCaptureBytes = 128

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
const isHex = (byte: number): boolean => isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
const escapable = new Set([...'"\\/bfnrt'].map((character) => character.charCodeAt(0)))
/** By byte: 1 for what stands in a string without meaning anything to it. */
const plain = new Uint8Array(256).fill(1)
plain.fill(0, 0, 0x20)
plain[0x22] = plain[0x5c] = 0

const nothing = Buffer.alloc(0)

/** Names that nearly every request or answer has: found by length and two bytes, and then compared, they need not be decoded. */
const usual = new Map<number, string>()
const usualAt = (length: number, first: number, last: number): number => (length << 16) | (first << 8) | last
for (const name of ['model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'n', 'stop', 'tools', 'tool_choice', 'input',
  'id', 'object', 'created', 'choices', 'usage', 'service_tier', 'system_fingerprint', 'error', 'data']) {
  usual.set(usualAt(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1)), name)
}

function knownKey(chunk: Uint8Array, from: number, to: number): string | undefined {
  const name = from < to ? usual.get(usualAt(to - from, chunk[from]!, chunk[to - 1]!)) : undefined
  if (name !== undefined) for (let i = 1; i < name.length; i++) if (chunk[from + i] !== name.charCodeAt(i)) return undefined
  return name
}

/** An escaped spelling of a control field is that field: decoded as JSON.parse would. */
function decodedKey(bytes: Buffer): string {
  const raw = bytes.toString('utf8')
  return raw.includes('\\') && bytes.length < keyCaptureBytes ? (JSON.parse(`"${raw}"`) as string) : raw
}

export class JsonScanner {
  readonly members: Member[] = []
  fault: JsonFault | null = null
  /** True when the document is an object; set by its first byte. */
  isObject = false
  /** Bytes seen so far. */
  offset = 0

  readonly #bounds: ScanBounds
  /** By depth; grows as a document needs it. */
  #isObjectAt = new Uint8Array(16)
  readonly #seen: string[] = []
  #state = VALUE
  #depth = 0
  #keys = 0
  #inKey = false
  #hexLeft = 0
  #literal = ''
  #literalAt = 0
  /** Where the bytes of the running top-level key begin in this chunk; −1: none runs. */
  #keyFrom = -1
  /** Its bytes in earlier chunks. */
  #keyHead: Buffer = nothing
  #keyStart = 0
  #member: Member | null = null

  constructor(bounds: ScanBounds) {
    this.#bounds = bounds
  }

  /** Members seen so far, in all objects. */
  get keys(): number {
    return this.#keys
  }

  push(chunk: Uint8Array): void {
    if (this.fault) return
    const { length } = chunk
    let i = 0
    while (i < length) {
      // Nearly all bytes of a real body stand inside strings.
      if (this.#state === STRING) {
        while (i < length && plain[chunk[i]!] === 1) i++
        if (i === length) break
      }
      if (!this.#step(chunk, i)) {
        this.fault ??= { reason: 'syntax', offset: this.offset + i }
        return
      }
      i++
    }
    if (this.#keyFrom >= 0) {
      this.#keyHead = this.#keyBytes(chunk, length)
      this.#keyFrom = 0
    }
    this.offset += length
  }

  /** Call once after the last chunk; the verdict is in `fault`. */
  end(): void {
    if (this.fault) return
    if (this.#depth === 0 && this.#isNumberEnd()) this.#state = DONE
    if (this.#state !== DONE) this.fault = { reason: 'syntax', offset: this.offset }
  }

  /** The first top-level member of this name. */
  find(key: string): Member | undefined {
    for (let i = 0; i < this.members.length; i++) if (this.members[i]!.key === key) return this.members[i]
    return undefined
  }

  #step(chunk: Uint8Array, i: number): boolean {
    const byte = chunk[i]!
    switch (this.#state) {
      case STRING:
        if (byte === 0x22) return this.#inKey ? this.#endKey(chunk, i) : (this.#endValue(this.offset + i + 1), true)
        this.#state = ESCAPE
        return byte === 0x5c
      case COLON:
        if (byte === 0x3a) this.#state = VALUE
        return byte === 0x3a || isSpace(byte)
      case VALUE: return this.#startValue(byte, this.offset + i) || isSpace(byte)
      case COMMA_OR_END: return this.#afterValue(byte, this.offset + i)
      case KEY:
      case KEY_OR_END:
        if (byte === 0x22) return this.#startKey(i)
        if (byte === 0x7d && this.#state === KEY_OR_END) return this.#close(this.offset + i)
        return isSpace(byte)
      case VALUE_OR_END:
        if (byte === 0x5d) return this.#close(this.offset + i)
        return this.#startValue(byte, this.offset + i) || isSpace(byte)
      case ESCAPE: return this.#escaped(byte)
      case HEX:
        if (--this.#hexLeft === 0) this.#state = STRING
        return isHex(byte)
      case LITERAL: return this.#inLiteral(byte, this.offset + i)
      case DONE: return isSpace(byte)
      default: return this.#inNumber(chunk, i)
    }
  }

  /** False, and nothing changed, where the byte starts none. */
  #startValue(byte: number, at: number): boolean {
    if (this.#depth === 1 && this.#member) this.#member.valueStart = at
    if (byte === 0x22) { this.#inKey = false; this.#state = STRING; return true }
    if (byte === 0x7b || byte === 0x5b) return this.#open(byte === 0x7b, at)
    if (byte === 0x2d) { this.#state = MINUS; return true }
    if (byte === 0x30) { this.#state = ZERO; return true }
    if (isDigit(byte)) { this.#state = INTEGER; return true }
    const literal = byte === 0x74 ? 'true' : byte === 0x66 ? 'false' : byte === 0x6e ? 'null' : ''
    if (literal === '') return false
    this.#literal = literal
    this.#literalAt = 1
    this.#state = LITERAL
    return true
  }

  #open(isObject: boolean, at: number): boolean {
    if (this.#depth === 0) this.isObject = isObject
    if (this.#depth === this.#bounds.maxDepth) {
      this.fault = { reason: 'depth', offset: at }
      return false
    }
    if (++this.#depth === this.#isObjectAt.length) {
      const grown = new Uint8Array(2 * this.#depth)
      grown.set(this.#isObjectAt)
      this.#isObjectAt = grown
    }
    this.#isObjectAt[this.#depth] = isObject ? 1 : 0
    this.#state = isObject ? KEY_OR_END : VALUE_OR_END
    return true
  }

  #close(at: number): boolean {
    this.#depth--
    this.#endValue(at + 1)
    return true
  }

  #endValue(end: number): void {
    if (this.#depth === 0) { this.#state = DONE; return }
    this.#state = COMMA_OR_END
    if (this.#depth === 1 && this.#member) {
      this.#member.valueEnd = end
      this.members.push(this.#member)
      this.#member = null
    }
  }

  #afterValue(byte: number, at: number): boolean {
    if (isSpace(byte)) return true
    const inObject = this.#isObjectAt[this.#depth] === 1
    if (byte === 0x2c) { this.#state = inObject ? KEY : VALUE; return true }
    return byte === (inObject ? 0x7d : 0x5d) && this.#close(at)
  }

  #startKey(i: number): boolean {
    if (++this.#keys > this.#bounds.maxKeys) {
      this.fault = { reason: 'keys', offset: this.offset + i }
      return false
    }
    this.#inKey = true
    this.#state = STRING
    if (this.#depth === 1) {
      this.#keyFrom = i + 1
      this.#keyStart = this.offset + i
    }
    return true
  }

  #endKey(chunk: Uint8Array, i: number): boolean {
    this.#state = COLON
    if (this.#depth !== 1) return true
    const key = this.#keyHead.length === 0 ? knownKey(chunk, this.#keyFrom, i) ?? decodedKey(this.#keyBytes(chunk, i)) : decodedKey(this.#keyBytes(chunk, i))
    this.#keyFrom = -1
    this.#keyHead = nothing
    if (this.#bounds.unique.has(key)) {
      if (this.#seen.includes(key)) {
        this.fault = { reason: 'duplicate', offset: this.offset + i, key }
        return false
      }
      this.#seen.push(key)
    }
    this.#member = { key, keyStart: this.#keyStart, valueStart: 0, valueEnd: 0 }
    return true
  }

  /** What is kept of the running key, whose bytes in this chunk end before `to`. */
  #keyBytes(chunk: Uint8Array, to: number): Buffer {
    const room = keyCaptureBytes - this.#keyHead.length
    const own = Buffer.from(chunk.buffer, chunk.byteOffset + this.#keyFrom, Math.min(room, to - this.#keyFrom))
    // A copy, since the chunk is not ours.
    return Buffer.concat([this.#keyHead, own])
  }

  #escaped(byte: number): boolean {
    if (byte === 0x75) { this.#hexLeft = 4; this.#state = HEX; return true }
    this.#state = STRING
    return escapable.has(byte)
  }

  #inLiteral(byte: number, at: number): boolean {
    if (byte !== this.#literal.charCodeAt(this.#literalAt)) return false
    if (++this.#literalAt === this.#literal.length) this.#endValue(at + 1)
    return true
  }

  #inNumber(chunk: Uint8Array, i: number): boolean {
    const next = this.#nextNumberState(chunk[i]!)
    if (next >= 0) { this.#state = next; return true }
    if (!this.#isNumberEnd()) return false
    this.#endValue(this.offset + i)
    return this.#step(chunk, i)
  }

  /** −1 where the byte does not continue the number. */
  #nextNumberState(byte: number): number {
    const digit = isDigit(byte)
    switch (this.#state) {
      case MINUS: return byte === 0x30 ? ZERO : digit ? INTEGER : -1
      case INTEGER:
      case ZERO: return byte === 0x2e ? POINT : byte === 0x65 || byte === 0x45 ? EXPONENT : digit && this.#state === INTEGER ? INTEGER : -1
      case POINT: return digit ? FRACTION : -1
      case FRACTION: return digit ? FRACTION : byte === 0x65 || byte === 0x45 ? EXPONENT : -1
      case EXPONENT: return byte === 0x2b || byte === 0x2d ? EXPONENT_SIGN : digit ? EXPONENT_DIGITS : -1
      default: return digit ? EXPONENT_DIGITS : -1
    }
  }

  #isNumberEnd(): boolean {
    return this.#state === ZERO || this.#state === INTEGER || this.#state === FRACTION || this.#state === EXPONENT_DIGITS
  }
}
