/**
 * Reads the frames of a segment (codec.ts). Bytes may be anything: reading ends at the first frame that is not the whole, right next
 * one, says why, and takes no memory that the bytes ask for. Records are decoded only when asked for.
 */
import { noUsage, usageClasses, type Usage } from '../catalog/price.ts'
import { absent, bits12, fixed, frame, headerBytes, marksBit, outcomes, presentBit, repeatBit, repeatBytes, streamBit, two32, usageBytes, version, wideBit } from './codec.ts'
import { crc32c } from './crc32c.ts'
import { holdModes, noMarks, type HoldRecord, type JournalRecord, type RepeatMark, type Target, type Tenant, type TerminalRecord } from './records.ts'

/** Why reading ended: `end`: no further frame; `torn`: a frame is longer than the file; `corrupt`: its checksum or its form is wrong; `order`: its LSN is not the next; `version`: of a newer program. */
export type Stop = 'end' | 'torn' | 'corrupt' | 'order' | 'version'

/** `at`: where the payload starts in the bytes, for `record`. */
export type Visit = (kind: number, lsn: number, at: number) => void

/** Reads one segment, whole or in parts as it grows; keeps its names and its place. */
export class SegmentReader {
  /** Byte of the segment at which the next frame starts, or where reading ended. */
  offset = 0
  /** LSN of the segment's first frame; 0 before it was read. */
  firstLsn = 0
  /** LSN that the next frame must have. */
  nextLsn = 0
  /** See `SegmentWriter.start`. */
  follows = 0
  /** Highest LSN that the segment knows to have been synced. */
  durable = 0
  #version = version
  #bytes: Buffer = Buffer.alloc(0)
  #view = new DataView(this.#bytes.buffer, 0, 0)
  readonly #tenants: Tenant[] = []
  readonly #targets: Target[] = []

  /** Goes over the frames from `offset` on; `bytes` holds the segment from byte `base` on. */
  scan(bytes: Buffer, visit: Visit, base = 0): Stop {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#bytes = bytes
    this.#view = view
    for (let at = this.offset - base; ; at = this.offset - base) {
      if (at + headerBytes > bytes.length) return 'end'
      const length = view.getUint32(at, true)
      if (length === 0) return 'end'
      const p = at + headerBytes
      const end = p + length
      if (end > bytes.length) return 'torn'
      if (crc32c(bytes, at + 8, end, length) !== view.getUint32(at + 4, true)) return 'corrupt'
      const lsn = view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * two32
      const kind = bytes[p]!
      if (this.firstLsn === 0) {
        if (kind !== frame.start || length !== fixed.start || lsn === 0) return 'corrupt'
        this.#version = bytes[p + 1]!
        if (this.#version < 1 || this.#version > version) return 'version'
        this.firstLsn = lsn
        this.follows = view.getFloat64(p + 2, true)
        this.durable = view.getFloat64(p + 10, true)
      } else {
        if (lsn !== this.nextLsn) return 'order'
        if (!this.#take(kind, p, end)) return 'corrupt'
      }
      this.nextLsn = lsn + 1
      this.offset = base + end
      if (kind >= frame.hold) visit(kind, lsn, p)
    }
  }

  /** The record at a place of the bytes of the last `scan`. */
  record(p: number): JournalRecord {
    const view = this.#view
    switch (this.#bytes[p]) {
      case frame.hold: return this.#hold(p)
      case frame.dispatch: return { kind: 'dispatch', hold: view.getFloat64(p + 1, true) }
      case frame.progress: return { kind: 'progress', hold: view.getFloat64(p + 1, true), outputTokens: view.getFloat64(p + 9, true), costNano: view.getFloat64(p + 17, true), holdNano: view.getFloat64(p + 25, true) }
      default: return this.terminal(p)
    }
  }

  /** LSN of the hold that a DISPATCH, PROGRESS, SETTLE or VOID is about. */
  holdOf(p: number): number {
    return this.#view.getFloat64(this.#bytes[p]! >= frame.settle ? p + 12 : p + 1, true)
  }

  #hold(p: number): HoldRecord {
    const view = this.#view
    const bits = this.#bytes[p + 1]!
    const idEnd = p + fixed.hold + this.#bytes[p + 44]!
    return {
      kind: 'hold', requestId: this.#bytes.toString('latin1', p + fixed.hold, idEnd), attempt: view.getUint16(p + 2, true),
      tenant: this.#tenants[view.getUint32(p + 4, true)]!, target: this.#targets[view.getUint32(p + 8, true)]!,
      heldAt: view.getFloat64(p + 12, true), mode: holdModes[bits & 3]!, stream: (bits & streamBit) !== 0,
      holdNano: view.getFloat64(p + 20, true), inputTokens: view.getFloat64(p + 28, true), inputNano: view.getFloat64(p + 36, true),
      repeat: bits & repeatBit ? this.#repeat(idEnd) : null, marks: bits & marksBit ? this.#marks(idEnd + this.#repeatBytes(p)) : noMarks,
    }
  }

  terminal(p: number): TerminalRecord {
    const view = this.#view
    const idEnd = p + fixed.terminal + this.#bytes[p + 57]!
    const usageBits = view.getUint32(p + 58, true)
    const usageEnd = idEnd + usageBytes(usageBits)
    const bits = this.#bytes[p + 1]!
    return {
      kind: this.#bytes[p] === frame.settle ? 'settle' : 'void', hold: view.getFloat64(p + 12, true),
      requestId: this.#bytes.toString('latin1', p + fixed.terminal, idEnd), attempt: view.getUint16(p + 2, true),
      tenant: this.#tenants[view.getUint32(p + 4, true)]!, target: this.#targets[view.getUint32(p + 8, true)]!,
      heldAt: view.getFloat64(p + 20, true), endedAt: view.getFloat64(p + 28, true),
      tenantNano: view.getFloat64(p + 36, true), overheadNano: view.getFloat64(p + 44, true),
      outcome: outcomes.get(this.#bytes[p + 56]!)!, flags: view.getUint32(p + 52, true),
      usage: this.#usage(usageBits, idEnd), repeat: bits & repeatBit ? this.#repeat(usageEnd) : null,
      marks: bits & marksBit ? this.#marks(usageEnd + this.#repeatBytes(p)) : noMarks,
    }
  }

  #usage(bits: number, start: number): Usage {
    const usage = noUsage()
    let at = start
    for (let index = 0; index < usageClasses.length; index++) {
      if ((bits & (1 << presentBit(index))) === 0) continue
      const wide = bits & (1 << wideBit(index))
      usage[usageClasses[index]!] = wide ? this.#view.getFloat64(at, true) : this.#view.getUint32(at, true)
      at += wide ? 8 : 4
    }
    return usage
  }

  /** A copy: a record must not keep a whole segment in memory. */
  #repeat(at: number): RepeatMark {
    return { key: new Uint8Array(this.#bytes.subarray(at, at + 16)), body: new Uint8Array(this.#bytes.subarray(at + 16, at + repeatBytes)) }
  }

  /** Whether the payload has the form of its kind and refers to known names only. */
  #take(kind: number, p: number, end: number): boolean {
    const length = end - p
    switch (kind) {
      case frame.durable:
        if (length !== fixed.durable) return false
        this.durable = Math.max(this.durable, this.#view.getFloat64(p + 1, true))
        return true
      case frame.dispatch: return length === fixed.dispatch
      case frame.progress: return length === fixed.progress
      case frame.hold: return length >= fixed.hold && this.#known(p) && this.#marksEnd(p, p + fixed.hold + this.#bytes[p + 44]! + this.#repeatBytes(p), end) === end
      case frame.settle: case frame.void: {
        if (length < fixed.terminal || !this.#known(p) || !outcomes.has(this.#bytes[p + 56]!)) return false
        const bits = this.#view.getUint32(p + 58, true)
        return isUsage(bits, this.#version) && this.#marksEnd(p, p + fixed.terminal + this.#bytes[p + 57]! + usageBytes(bits) + this.#repeatBytes(p), end) === end
      }
      case frame.tenant: {
        const fields = this.#fields(p + 1, end)
        if (fields === null || (this.#version === 1 ? fields.length !== 5 : fields.length < 6) || fields[0] === null || fields[4] === null || fields.indexOf(null, 6) >= 0) return false
        const [org, team, project, user, key, serviceAccount = null, ...path] = fields as [string, string | null, string | null, string | null, string, ...string[]]
        this.#tenants.push({ org, team, project, user, key, serviceAccount, path })
        return true
      }
      case frame.target: {
        const fields = this.#fields(p + 1, end)
        if (fields?.length !== 6 || fields.indexOf(null) >= 0 && fields.indexOf(null) < 5) return false
        const [vendor, provider, deployment, model, upstreamModel, priceVersion] = fields as [string, string, string, string, string, string | null]
        this.#targets.push({ vendor, provider, deployment, model, upstreamModel, priceVersion })
        return true
      }
      default: return false
    }
  }

  #repeatBytes(p: number): number {
    return this.#bytes[p + 1]! & repeatBit ? repeatBytes : 0
  }

  #known(p: number): boolean {
    return this.#view.getUint32(p + 4, true) < this.#tenants.length && this.#view.getUint32(p + 8, true) < this.#targets.length
  }

  #marks(start: number): readonly string[] {
    const marks: string[] = []
    let at = start + 1
    for (let left = this.#bytes[start]!; left > 0; left--) {
      const end = at + 2 + this.#view.getUint16(at, true)
      marks.push(this.#bytes.toString('utf8', at + 2, end))
      at = end
    }
    return marks
  }

  /** Where the marks end that begin at `start`, if there are any; -1 where they would pass the payload's end. */
  #marksEnd(p: number, start: number, end: number): number {
    if (!(this.#bytes[p + 1]! & marksBit)) return start
    if (start >= end) return -1
    let at = start + 1
    for (let left = this.#bytes[start]!; left > 0; left--) {
      if (at + 2 > end) return -1
      at += 2 + this.#view.getUint16(at, true)
    }
    return at <= end ? at : -1
  }

  /** Of the rest of the payload. Null: they pass its end. */
  #fields(start: number, end: number): (string | null)[] | null {
    const fields: (string | null)[] = []
    let at = start
    while (at < end) {
      if (at + 2 > end) return null
      const length = this.#view.getUint16(at, true)
      at += 2
      if (length === absent) fields.push(null)
      else {
        if (at + length > end) return null
        fields.push(this.#bytes.toString('utf8', at, at + length))
        at += length
      }
    }
    return fields
  }
}

/** What is wide is also there, and no class that the version does not know. */
const isUsage = (bits: number, of: number): boolean => (bits >>> 12 & ~bits & bits12) === 0 && (bits >>> 28 & ~(bits >>> 24)) === 0 && (of >= 3 || bits >>> 24 === 0)
