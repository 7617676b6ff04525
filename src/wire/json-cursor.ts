/**
 * Walks JSON that was found valid, member by member, without building it: counting the messages of a 20 MB body takes one
 * pass that jumps over long strings. On bytes that are not valid JSON its answers mean nothing; it ends all the same.
 */
const quote = 0x22, backslash = 0x5c
/** After so many bytes the end of a string is searched by the runtime's own code, which is slower to start and faster per byte. */
const ownSearchBytes = 48

export class JsonCursor {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  /** First byte of the value that comes next. */
  peek(): number {
    const bytes = this.#bytes
    while (this.at < bytes.length && bytes[this.at]! <= 0x20) this.at++
    return bytes[this.at] ?? 0
  }

  /** Steps into the object or array that comes next. */
  enter(): void {
    this.peek()
    this.at++
  }

  /** Whether the container that was entered has one more member; if not, it is left. */
  more(): boolean {
    if (this.peek() === 0x2c) this.at++
    const next = this.peek()
    if (next !== 0x5d && next !== 0x7d && next !== 0) return true
    this.at++
    return false
  }

  /** The key that comes next, and past its colon. */
  key(): string {
    const key = this.text()
    this.peek()
    this.at++
    return key
  }

  /** The string that comes next, decoded, or '' for any other value; a long one is cut to 256 bytes and not decoded. */
  text(): string {
    const first = this.peek()
    const start = this.at + 1
    this.skip()
    if (first !== quote) return ''
    const raw = this.#bytes.toString('utf8', start, Math.min(this.at - 1, start + 256))
    return raw.includes('\\') && this.at - 1 <= start + 256 ? (JSON.parse(`"${raw}"`) as string) : raw
  }

  /** Past the value that comes next. */
  skip(): void {
    const bytes = this.#bytes
    const first = this.peek()
    if (first === quote) return this.#skipString()
    if (first !== 0x7b && first !== 0x5b) {
      while (this.at < bytes.length && !isEnd(bytes[this.at]!)) this.at++
      return
    }
    let depth = 0
    while (this.at < bytes.length) {
      const byte = bytes[this.at]!
      if (byte === quote) {
        this.#skipString()
        continue
      }
      this.at++
      if (byte === 0x7b || byte === 0x5b) depth++
      else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return
    }
  }

  #skipString(): void {
    const bytes = this.#bytes
    let at = this.at + 1
    for (let own = ownSearchBytes; ; own *= 2) {
      for (const soon = at + own; at < soon; at += bytes[at] === backslash ? 2 : 1) {
        if (at < bytes.length && bytes[at] !== quote) continue
        this.at = at + 1
        return
      }
      const end = bytes.indexOf(quote, at)
      let slashes = end
      while (slashes > at && bytes[slashes - 1] === backslash) slashes--
      at = end < 0 ? bytes.length : end + 1
      // An even number of backslashes escape one another, not the quote. An escaped one makes more of them likely.
      if (end < 0 || (end - slashes) % 2 === 0) {
        this.at = at
        return
      }
    }
  }
}

const isEnd = (byte: number): boolean => byte <= 0x20 || byte === 0x2c || byte === 0x5d || byte === 0x7d
