/**
 * Finds the parts of a multipart/form-data body as its bytes arrive, in any chunking, and keeps the values of plain fields. Strict: what
 * two parsers could read in two ways is a fault, since what was checked must be what the vendor reads. RFC 7578, RFC 2046 section 5.1.
 */

export interface FormPart {
  name: string
  /** Null: a plain field. */
  filename: string | null
  /** Offsets in the body; `valueEnd` is -1 until the part is complete. */
  valueStart: number
  valueEnd: number
  /** Of a plain field that is complete. */
  value: string | null
}

export interface FormBounds {
  parts: number
  /** Of the headers of one part, in bytes. */
  headerBytes: number
  /** Of all plain fields together, in bytes. */
  fieldBytes: number
  /** Fields that may not stand twice. */
  unique: ReadonlySet<string>
}

export interface FormFault {
  reason: 'syntax' | 'parts' | 'headers' | 'fields' | 'duplicate'
  offset: number
  /** What is wrong, as the end of a sentence. */
  what: string
}

const cr = 0x0d, lf = 0x0a, dash = 0x2d, space = 0x20, tab = 0x09
/** https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1: at most 70 of these, and no space at the end. */
const boundaryForm = /^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/

/** The boundary that a content type names; null: it names none that is one. */
export function boundaryOf(contentType: string): string | null {
  const found = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"\\]*)"|([^\s;"]+))\s*(?:;.*)?$/i.exec(contentType)
  const boundary = found?.[1] ?? found?.[2]
  return boundary !== undefined && boundaryForm.test(boundary) ? boundary : null
}

type State = 'start' | 'after' | 'headers' | 'value' | 'end' | 'broken'

export class MultipartScanner {
  readonly parts: FormPart[] = []
  fault: FormFault | null = null
  /** Bytes that were pushed. */
  offset = 0
  readonly #delimiter: Buffer
  readonly #bounds: FormBounds
  readonly #onFile: () => void
  #state: State = 'start'
  /** Of a state that needs more bytes to decide: those that it has seen; of a value its end, which may be the start of a delimiter. */
  #kept: Buffer = nothing
  #field: Buffer[] = []
  #fieldBytes = 0
  #names = new Set<string>()

  /** `onFile`: the headers of a part with a file were read, and its bytes follow. */
  constructor(boundary: string, bounds: FormBounds, onFile: () => void = () => {}) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
    this.#bounds = bounds
    this.#onFile = onFile
  }

  get isComplete(): boolean { return this.#state === 'end' }

  /** Complete parts and the one that is open. */
  find(name: string): FormPart | undefined {
    return this.parts.find((part) => part.name === name)
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && this.fault === null) at = this.#step(chunk, at)
    this.offset += chunk.length
  }

  /** The body is over. */
  end(): void {
    if (this.#state !== 'end') this.#fail('syntax', 'it ends before its closing boundary', 0)
  }

  /** Takes bytes from `at` on, and returns how far it came. */
  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case 'start': return this.#opening(chunk, at)
      case 'after': return this.#after(chunk, at)
      case 'headers': return this.#headers(chunk, at)
      case 'value': return this.#value(chunk, at)
      // What follows the closing boundary means nothing.
      default: return chunk.length
    }
  }

  /** The body begins with the boundary: text before it, which the RFC allows, is sent by nobody. */
  #opening(chunk: Buffer, at: number): number {
    const wanted = this.#delimiter.length - 2
    const taken = this.#keep(chunk, at, wanted)
    const seen = this.#kept
    if (!seen.equals(this.#delimiter.subarray(2, 2 + seen.length))) this.#fail('syntax', 'it does not begin with its boundary', at)
    else if (seen.length === wanted) this.#enter('after')
    return taken
  }

  /** Behind a boundary: spaces and a line end, or two dashes, which close the body. */
  #after(chunk: Buffer, at: number): number {
    const byte = chunk[at]!
    const before = this.#kept[0]
    if (before === dash) {
      if (byte === dash) this.#enter('end')
      else this.#fail('syntax', 'its boundary stands within a line', at)
    } else if (before === cr) {
      if (byte === lf) this.#enter('headers')
      else this.#fail('syntax', 'its boundary stands within a line', at)
    } else if (byte === cr || byte === dash) this.#kept = chunk.subarray(at, at + 1)
    else if (byte !== space && byte !== tab) this.#fail('syntax', 'its boundary stands within a line', at)
    return at + 1
  }

  #headers(chunk: Buffer, at: number): number {
    const before = this.#kept.length
    const taken = this.#keep(chunk, at, this.#bounds.headerBytes)
    const end = this.#kept.indexOf('\r\n\r\n')
    if (end < 0) {
      if (this.#kept.length >= this.#bounds.headerBytes) this.#fail('headers', `the headers of a part have more than ${this.#bounds.headerBytes} bytes`, at)
      return taken
    }
    const next = at + end + 4 - before
    const text = this.#kept.toString('utf8', 0, end)
    this.#enter('value')
    this.#open(text, this.offset + next)
    return next
  }

  #open(text: string, valueStart: number): void {
    const said = partOf(text)
    if (typeof said === 'string') return this.#fail('syntax', said, valueStart - this.offset)
    if (this.parts.length >= this.#bounds.parts) return this.#fail('parts', `it has more than ${this.#bounds.parts} parts`, valueStart - this.offset)
    if (this.#names.has(said.name) && this.#bounds.unique.has(said.name)) return this.#fail('duplicate', `the field "${said.name.slice(0, 40)}" stands twice`, valueStart - this.offset)
    this.#names.add(said.name)
    this.parts.push({ ...said, valueStart, valueEnd: -1, value: null })
    if (said.filename !== null) this.#onFile()
  }

  #value(chunk: Buffer, at: number): number {
    const delimiter = this.#delimiter
    const kept = this.#kept
    if (kept.length > 0) {
      // The delimiter may have begun in an earlier chunk.
      const seam = Buffer.concat([kept, chunk.subarray(at, at + delimiter.length - 1)])
      const found = seam.indexOf(delimiter)
      if (found >= 0) {
        this.#take(seam.subarray(0, found))
        return this.#close(at + found - kept.length)
      }
      if (chunk.length - at < delimiter.length) return this.#hold(seam, chunk.length)
      this.#take(kept)
      this.#kept = nothing
    }
    const found = chunk.indexOf(delimiter, at)
    if (found < 0) return this.#hold(chunk.subarray(at), chunk.length)
    this.#take(chunk.subarray(at, found))
    return this.#close(found)
  }

  /** Keeps of a value's bytes what may be the start of a delimiter. */
  #hold(bytes: Buffer, next: number): number {
    const sure = Math.max(0, bytes.length - this.#delimiter.length + 1)
    this.#take(bytes.subarray(0, sure))
    this.#kept = Buffer.from(bytes.subarray(sure))
    return next
  }

  /** Bytes of the open part. */
  #take(bytes: Buffer): void {
    if (bytes.length === 0 || this.parts.at(-1)!.filename !== null) return
    this.#fieldBytes += bytes.length
    if (this.#fieldBytes > this.#bounds.fieldBytes) return this.#fail('fields', `its fields have more than ${this.#bounds.fieldBytes} bytes; a file must have a filename`, 0)
    this.#field.push(Buffer.from(bytes))
  }

  /** `end`: of the value, in this chunk; before it when the delimiter began in an earlier one. */
  #close(end: number): number {
    const part = this.parts.at(-1)!
    part.valueEnd = this.offset + end
    if (part.filename === null) part.value = Buffer.concat(this.#field).toString('utf8')
    this.#field = []
    this.#enter('after')
    return end + this.#delimiter.length
  }

  #keep(chunk: Buffer, at: number, most: number): number {
    const taken = Math.min(chunk.length, at + most - this.#kept.length)
    this.#kept = Buffer.concat([this.#kept, chunk.subarray(at, taken)])
    return taken
  }

  #enter(state: State): void {
    this.#state = state
    this.#kept = nothing
  }

  #fail(reason: FormFault['reason'], what: string, at: number): void {
    this.fault ??= { reason, what, offset: this.offset + at }
    this.#state = 'broken'
  }
}

const nothing = Buffer.alloc(0)

/** Name and file name by the headers of a part; a text: what is wrong with them. */
function partOf(headers: string): { name: string; filename: string | null } | string {
  let disposition: string | null = null
  let contentType = ''
  for (const line of headers.split('\r\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    // A header that goes on in the next line, a bare line end: obsolete, and read in several ways.
    if (colon < 1 || /[^!#$%&'*+.^`|~\w-]/.test(name) || /[\r\n\0]/.test(line)) return 'a part has a header that is none'
    const value = line.slice(colon + 1).trim()
    if (name === 'content-disposition') {
      if (disposition !== null) return 'a part has two content-disposition headers'
      disposition = value
    } else if (name === 'content-type') contentType = value.toLowerCase()
    else if (name === 'content-transfer-encoding' && !/^(7bit|8bit|binary)$/i.test(value)) return `a part has the content-transfer-encoding ${value.slice(0, 20)}; send its bytes as they are`
  }
  if (disposition === null) return 'a part has no content-disposition header'
  const said = parametersOf(disposition)
  if (said === null) return 'a part has a content-disposition that is not well formed; write quotes in names as %22'
  const name = said.get('name')
  if (name === undefined || said.has('name*')) return 'a part has no plain name'
  const filename = said.get('filename') ?? said.get('filename*') ?? null
  if (contentType.startsWith('multipart/')) return 'a part holds parts of its own'
  return { name, filename }
}

/** Null: not well formed, a parameter twice, or a quote escaped by a backslash, which half of the world's parsers take for the end. */
function parametersOf(disposition: string): Map<string, string> | null {
  const found = new Map<string, string>()
  const type = /^form-data(?=\s*(;|$))/i.exec(disposition)
  if (type === null) return null
  let rest = disposition.slice(type[0].length)
  for (let each: RegExpExecArray | null; rest.trim() !== ''; rest = rest.slice(each[0].length)) {
    each = /^\s*;\s*([\w*-]+)=(?:"([^"]*)"|([^\s;"\\]+))/.exec(rest)
    if (each === null) return null
    const key = each[1]!.toLowerCase()
    const value = each[2] ?? each[3]!
    if (found.has(key) || value.endsWith('\\')) return null
    found.set(key, value)
  }
  return found
}
