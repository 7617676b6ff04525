/**
 * What a journal says after its process ended: holds without an end, and the ends that the database may lack. A torn tail is how a
 * crash looks and is passed over; records missing before later ones are damage, which is an error that names the place.
 */
import { frame } from './codec.ts'
import type { Disk } from './disk.ts'
import type { HoldRecord, Logged, OpenHold, ProgressRecord, TerminalRecord } from './records.ts'
import { SegmentReader, type Stop } from './segment-reader.ts'

export interface RetainedSegment { name: string; bytes: number; firstLsn: number; lastLsn: number; lastTerminalLsn: number }

export interface Recovered {
  /** In the order of their LSNs. */
  open: OpenHold[]
  terminals: Logged<TerminalRecord>[]
  nextLsn: number
  /** Records of holds; names and starts of segments are not counted. */
  records: number
  /** Segments with frames, oldest first. */
  segments: RetainedSegment[]
  /** Where the newest segment's frames end. */
  endOffset: number
  /** Up to here the last process knew its records to be synced. */
  durableLsn: number
  /** Files that hold no frame: prepared ones, all zeros, and those whose very first frame was torn. */
  unused: { zeros: string[]; torn: string[] }
  /** Where and why reading the newest segment ended, if not at clean zeros. */
  tornTail: { segment: string; offset: number; stop: Stop } | null
}

export class JournalDamage extends Error {
  readonly segment: string
  readonly offset: number
  constructor(segment: string, offset: number, what: string) {
    super(`${segment} is damaged at byte ${offset}: ${what}. Restore this file from a copy of the data directory. Without a copy, move it and all older segments out of the folder: what they alone hold is then given up.`)
    this.name = 'JournalDamage'
    this.segment = segment
    this.offset = offset
  }
}

const segmentName = /^journal-(\d{16})\.log$/
/** Segments are numbered in the order of their making; the LSNs that one will hold are not known when it is prepared. */
export const nameOfSegment = (number: number): string => `journal-${String(number).padStart(16, '0')}.log`
export const numberOfSegment = (name: string): number => Number(segmentName.exec(name)?.[1] ?? 0)

const zeroBlock = Buffer.alloc(65_536)
function isZero(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at += zeroBlock.length) {
    const length = Math.min(zeroBlock.length, bytes.length - at)
    if (bytes.compare(zeroBlock, 0, length, at, at + length) !== 0) return false
  }
  return true
}

/** `at`, `progressAt`: payloads in the segment that is being read, decoded only if the hold outlives it. */
interface Open { at: number; progressAt: number; dispatched: boolean; hold: HoldRecord | null; progress: ProgressRecord | null }

export function recoverJournal(disk: Disk): Recovered {
  const result: Recovered = { open: [], terminals: [], nextLsn: 1, records: 0, segments: [], endOffset: 0, durableLsn: 0, unused: { zeros: [], torn: [] }, tornTail: null }
  const open = new Map<number, Open>()
  // Where reading last ended: the place of the damage if later records do not follow.
  let end: Recovered['tornTail'] = null
  for (const name of disk.list()) {
    if (!segmentName.test(name)) continue
    const bytes = disk.read(name)
    const reader = new SegmentReader()
    const segment: RetainedSegment = { name, bytes: bytes.length, firstLsn: 0, lastLsn: 0, lastTerminalLsn: 0 }
    const stop = readSegment(reader, bytes, segment, open, result)
    if (stop === 'version') throw new Error(`${name} was written by a newer version of MegaRouter: start that version, or a newer one`)
    const { firstLsn, offset } = reader
    if (firstLsn === 0) {
      if (isZero(bytes, 0)) {
        result.unused.zeros.push(name)
        continue
      }
      result.unused.torn.push(name)
    } else {
      if (end !== null && reader.follows !== result.nextLsn) throw new JournalDamage(end.segment, end.offset, `records from LSN ${result.nextLsn} on are missing or unreadable (${end.stop}), and ${name} follows LSN ${reader.follows - 1}`)
      segment.firstLsn = firstLsn
      segment.lastLsn = reader.nextLsn - 1
      result.segments.push(segment)
      result.nextLsn = reader.nextLsn
      result.endOffset = offset
      result.durableLsn = reader.durable
    }
    result.tornTail = stop !== 'end' || !isZero(bytes, offset) ? { segment: name, offset, stop } : null
    end = { segment: name, offset, stop }
  }
  for (const [lsn, { hold, dispatched, progress }] of open) result.open.push({ lsn, hold: hold!, dispatched, progress })
  return result
}

function readSegment(reader: SegmentReader, bytes: Buffer, segment: RetainedSegment, open: Map<number, Open>, result: Recovered): Stop {
  const { terminals } = result
  const stop = reader.scan(bytes, (kind, lsn, at) => {
    result.records++
    if (kind === frame.hold) {
      open.set(lsn, { at, progressAt: -1, dispatched: false, hold: null, progress: null })
    } else if (kind >= frame.settle) {
      const record = reader.terminal(at)
      open.delete(record.hold)
      terminals.push({ lsn, record })
      segment.lastTerminalLsn = lsn
    } else {
      const hold = open.get(reader.holdOf(at))
      if (hold === undefined) return
      if (kind === frame.dispatch) hold.dispatched = true
      else hold.progressAt = at
    }
  })
  for (const hold of open.values()) {
    hold.hold ??= reader.record(hold.at) as HoldRecord
    if (hold.progressAt >= 0) hold.progress = reader.record(hold.progressAt) as ProgressRecord
    hold.progressAt = -1
  }
  return stop
}

/**
 * What was read may be in the page cache only, and records that follow it must never outlive it. After a failed sync the cache calls
 * pages clean that never reached the disk, so that a sync alone proves nothing: what is in doubt is written again.
 */
export async function makeDurable(disk: Disk, { segments, durableLsn }: Recovered): Promise<void> {
  for (const { name, lastLsn } of segments) {
    if (lastLsn <= durableLsn) continue
    const bytes = disk.read(name)
    const file = disk.open(name)
    try {
      file.write(bytes, bytes.length, 0)
      await new Promise<void>((resolve, reject) => file.sync((error) => error ? reject(error) : resolve()))
    } finally {
      file.close()
    }
  }
}
