/**
 * The bytes of a journal segment: frames `[length u32 | crc32c u32 | lsn u64 | payload]`, little endian, after which come zeros. The
 * checksum covers length, LSN and payload. A segment is read without any other: it starts with START, and a NAME frame defines each
 * tenant and target before its first use. `SegmentWriter` makes them; segment-reader.ts reads them.
 */
import { usageClasses, type Usage } from '../catalog/price.ts'
import { attemptOutcomes } from '../store/records.ts'
import { crc32c } from './crc32c.ts'
import { holdModes, type HoldRecord, type JournalRecord, type ProgressRecord, type RepeatMark, type Target, type Tenant, type TerminalOutcome, type TerminalRecord } from './records.ts'

/** First byte of a payload. Append only. */
export const frame = { start: 1, durable: 2, tenant: 3, target: 4, hold: 5, dispatch: 6, progress: 7, settle: 8, void: 9 } as const

/** Of the segments that are written. Read as well: version 1, whose tenants have neither path nor service account; version 2, whose usage has the first 12 classes alone. */
export const version = 3
export const headerBytes = 16
export const two32 = 2 ** 32
const idBytes = 64
export const repeatBytes = 32
const mostNameBytes = 16_384
/** Of one record: tags and end users are short, and few have a budget. */
const mostMarksBytes = 4_096
export const fixed = { start: 18, durable: 9, hold: 45, dispatch: 9, progress: 33, terminal: 62 } as const
export const streamBit = 4, repeatBit = 8, marksBit = 16
export const absent = 0xffff
export const bits12 = 0xfff

/** Most bytes of a frame, header included. */
export const frameBytes = {
  start: headerBytes + fixed.start,
  durable: headerBytes + fixed.durable,
  hold: headerBytes + fixed.hold + idBytes + repeatBytes,
  dispatch: headerBytes + fixed.dispatch,
  progress: headerBytes + fixed.progress,
  terminal: headerBytes + fixed.terminal + idBytes + 8 * usageClasses.length + repeatBytes,
} as const

// `attemptOutcomes` grows at its end; what only the ledger knows counts from the other side.
export const outcomes = new Map<number, TerminalOutcome>([...attemptOutcomes.entries(), [128, 'crashed'], [129, 'expired']])
const outcomeCodes = new Map([...outcomes].map(([code, outcome]) => [outcome, code]))

const ones = Uint8Array.from({ length: bits12 + 1 }, (_, value) => value.toString(2).replaceAll('0', '').length)
/** Counts take 4 bytes, those that are no u32 take 8: bits 0–11 say which are there, bits 12–23 which are wide; bits 24–27 and 28–31 the same of the last four classes. */
export const usageBytes = (bits: number): number => 4 * (ones[bits & bits12]! + ones[(bits >>> 12) & bits12]! + ones[bits >>> 24]!)
export const presentBit = (index: number): number => (index < 12 ? index : index + 12)
export const wideBit = (index: number): number => (index < 12 ? index + 12 : index + 16)

type Fields = readonly (string | null)[]
const tenantFields = (tenant: Tenant): Fields => [tenant.org, tenant.team, tenant.project, tenant.user, tenant.key, tenant.serviceAccount, ...tenant.path]
const targetFields = (target: Target): Fields => [target.vendor, target.provider, target.deployment, target.model, target.upstreamModel, target.priceVersion]
function nameBytes(fields: Fields): number {
  let sum = headerBytes + 1
  for (const field of fields) sum += 2 + (field === null ? 0 : Buffer.byteLength(field))
  if (sum > mostNameBytes) throw new RangeError(`a name of ${sum} bytes; at most ${mostNameBytes}`)
  return sum
}

function marksBytes(marks: readonly string[]): number {
  if (marks.length === 0) return 0
  let sum = 1
  for (const mark of marks) sum += 2 + Buffer.byteLength(mark)
  if (sum > mostMarksBytes || marks.length > 0xff) throw new RangeError(`${marks.length} marks of ${sum} bytes; at most ${mostMarksBytes}`)
  return sum
}

/** Bytes that the texts of a record take in a segment that has none of them. */
export const namesBytes = ({ tenant, target, marks }: HoldRecord): number => nameBytes(tenantFields(tenant)) + nameBytes(targetFields(target)) + marksBytes(marks)

/** Frames of one segment that are not on the disk yet. */
export class SegmentWriter {
  bytes = Buffer.allocUnsafeSlow(16_384)
  length = 0
  #view = new DataView(this.bytes.buffer)
  /** By identity: one object per key entry and deployment. */
  readonly #tenants = new Map<Tenant, number>()
  readonly #targets = new Map<Target, number>()

  /** Most bytes that `append` adds. Refuses what has no form on the disk, so that `append` can't fail halfway. */
  most(record: JournalRecord): number {
    if (record.kind === 'dispatch') return frameBytes.dispatch
    if (record.kind === 'progress') return frameBytes.progress
    if (record.requestId.length > idBytes || record.attempt >>> 16 !== 0) throw new RangeError(`no attempt of the journal: ${record.requestId}-${record.attempt}`)
    const names = (this.#tenants.has(record.tenant) ? 0 : nameBytes(tenantFields(record.tenant))) + (this.#targets.has(record.target) ? 0 : nameBytes(targetFields(record.target)))
    return names + marksBytes(record.marks) + (record.kind === 'hold' ? frameBytes.hold : frameBytes.terminal)
  }

  /**
   * The segment's first frame. `follows`: the LSN that was expected after the segment before; it differs from `lsn` after a raise only.
   * `durable`: the LSN up to which all was synced when this was written.
   */
  start(lsn: number, follows: number, durable: number): void {
    this.#ensure(frameBytes.start)
    const p = this.length + headerBytes
    this.bytes[p] = frame.start
    this.bytes[p + 1] = version
    this.#view.setFloat64(p + 2, follows, true)
    this.#view.setFloat64(p + 10, durable, true)
    this.#seal(lsn, p + fixed.start)
  }

  /** Says that all up to an LSN was synced before this was written: if it is not there any more, the disk is damaged. */
  durable(lsn: number, durableLsn: number): void {
    this.#lsnFrame(lsn, frame.durable, durableLsn)
  }

  /** Adds the record with the names that it is the first to use, each with an LSN of its own; returns the record's LSN. */
  append(lsn: number, record: JournalRecord): number {
    switch (record.kind) {
      case 'dispatch': this.#lsnFrame(lsn, frame.dispatch, record.hold); return lsn
      case 'progress': this.#progress(lsn, record); return lsn
      case 'hold': return this.#hold(lsn, record)
      default: return this.#terminal(lsn, record)
    }
  }

  #hold(first: number, record: HoldRecord): number {
    const lsn = this.#names(first, record)
    this.#ensure(frameBytes.hold + marksBytes(record.marks))
    const view = this.#view
    const p = this.length + headerBytes
    this.bytes[p] = frame.hold
    this.bytes[p + 1] = holdModes.indexOf(record.mode) | (record.stream ? streamBit : 0) | (record.repeat === null ? 0 : repeatBit) | (record.marks.length === 0 ? 0 : marksBit)
    this.#parties(p, record)
    view.setFloat64(p + 12, record.heldAt, true)
    view.setFloat64(p + 20, record.holdNano, true)
    view.setFloat64(p + 28, record.inputTokens, true)
    view.setFloat64(p + 36, record.inputNano, true)
    this.bytes[p + 44] = record.requestId.length
    this.#seal(lsn, this.#marks(this.#repeat(this.#id(p + fixed.hold, record.requestId), record.repeat), record.marks))
    return lsn
  }

  #terminal(first: number, record: TerminalRecord): number {
    const lsn = this.#names(first, record)
    this.#ensure(frameBytes.terminal + marksBytes(record.marks))
    const view = this.#view
    const p = this.length + headerBytes
    this.bytes[p] = record.kind === 'settle' ? frame.settle : frame.void
    this.bytes[p + 1] = (record.repeat === null ? 0 : repeatBit) | (record.marks.length === 0 ? 0 : marksBit)
    this.#parties(p, record)
    view.setFloat64(p + 12, record.hold, true)
    view.setFloat64(p + 20, record.heldAt, true)
    view.setFloat64(p + 28, record.endedAt, true)
    view.setFloat64(p + 36, record.tenantNano, true)
    view.setFloat64(p + 44, record.overheadNano, true)
    view.setUint32(p + 52, record.flags, true)
    this.bytes[p + 56] = outcomeCodes.get(record.outcome)!
    this.bytes[p + 57] = record.requestId.length
    const end = this.#usage(p + 58, this.#id(p + fixed.terminal, record.requestId), record.usage)
    this.#seal(lsn, this.#marks(this.#repeat(end, record.repeat), record.marks))
    return lsn
  }

  #lsnFrame(lsn: number, kind: number, about: number): void {
    this.#ensure(frameBytes.dispatch)
    const p = this.length + headerBytes
    this.bytes[p] = kind
    this.#view.setFloat64(p + 1, about, true)
    this.#seal(lsn, p + fixed.dispatch)
  }

  #progress(lsn: number, record: ProgressRecord): void {
    this.#ensure(frameBytes.progress)
    const p = this.length + headerBytes
    this.bytes[p] = frame.progress
    this.#view.setFloat64(p + 1, record.hold, true)
    this.#view.setFloat64(p + 9, record.outputTokens, true)
    this.#view.setFloat64(p + 17, record.costNano, true)
    this.#view.setFloat64(p + 25, record.holdNano, true)
    this.#seal(lsn, p + fixed.progress)
  }

  #parties(p: number, record: HoldRecord | TerminalRecord): void {
    this.#view.setUint16(p + 2, record.attempt, true)
    this.#view.setUint32(p + 4, this.#tenants.get(record.tenant)!, true)
    this.#view.setUint32(p + 8, this.#targets.get(record.target)!, true)
  }

  #id(at: number, id: string): number {
    return at + this.bytes.write(id, at, 'latin1')
  }

  #repeat(at: number, repeat: RepeatMark | null): number {
    if (repeat === null) return at
    this.bytes.set(repeat.key, at)
    this.bytes.set(repeat.body, at + 16)
    return at + repeatBytes
  }

  #marks(start: number, marks: readonly string[]): number {
    if (marks.length === 0) return start
    let at = start
    this.bytes[at++] = marks.length
    for (const mark of marks) at = this.#text(at, mark)
    return at
  }

  #text(at: number, text: string): number {
    const length = this.bytes.write(text, at + 2)
    this.#view.setUint16(at, length, true)
    return at + 2 + length
  }

  #usage(bitsAt: number, start: number, usage: Usage): number {
    let bits = 0
    let at = start
    for (let index = 0; index < usageClasses.length; index++) {
      const units = usage[usageClasses[index]!]
      if (units === 0) continue
      if (units >>> 0 === units) {
        bits |= 1 << presentBit(index)
        this.#view.setUint32(at, units, true)
        at += 4
      } else {
        bits |= (1 << presentBit(index)) | (1 << wideBit(index))
        this.#view.setFloat64(at, units, true)
        at += 8
      }
    }
    this.#view.setUint32(bitsAt, bits >>> 0, true)
    return at
  }

  /** Defines the names that this segment does not know yet; returns the LSN after them. */
  #names(first: number, { tenant, target }: HoldRecord | TerminalRecord): number {
    let lsn = first
    if (!this.#tenants.has(tenant)) {
      this.#tenants.set(tenant, this.#tenants.size)
      this.#name(lsn++, frame.tenant, tenantFields(tenant))
    }
    if (!this.#targets.has(target)) {
      this.#targets.set(target, this.#targets.size)
      this.#name(lsn++, frame.target, targetFields(target))
    }
    return lsn
  }

  #name(lsn: number, kind: number, fields: Fields): void {
    this.#ensure(nameBytes(fields))
    let at = this.length + headerBytes
    this.bytes[at++] = kind
    for (const field of fields) {
      if (field === null) {
        this.#view.setUint16(at, absent, true)
        at += 2
      } else at = this.#text(at, field)
    }
    this.#seal(lsn, at)
  }

  #seal(lsn: number, end: number): void {
    const at = this.length
    const length = end - at - headerBytes
    this.#view.setUint32(at, length, true)
    this.#view.setUint32(at + 8, lsn % two32, true)
    this.#view.setUint32(at + 12, Math.floor(lsn / two32), true)
    this.#view.setUint32(at + 4, crc32c(this.bytes, at + 8, end, length), true)
    this.length = end
  }

  #ensure(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.length + more, 2 * this.bytes.length))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}
