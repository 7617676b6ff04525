/**
 * What a journal says after its process ended: holds without an end, and the ends that the database may lack. A torn tail is how a
 * crash looks and is passed over; records missing before later ones are damage, which is an error that names the place.
 */
import { frame, frameBytes } from './codec.ts'
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
  /** Up to here all was synced, by the word of the records themselves. */
  durableLsn: number
  /** Files of no further use: prepared ones, and what was written after a tail that was lost before any of it was synced. */
  unused: string[]
  /** Where and why reading the newest segment ended, if not at clean zeros. */
  tornTail: Place | null
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

interface Place { segment: string; offset: number; stop: Stop }

export function recoverJournal(disk: Disk): Recovered {
  const result: Recovered = { open: [], terminals: [], nextLsn: 1, records: 0, segments: [], endOffset: 0, durableLsn: 0, unused: [], tornTail: null }
  const open = new Map<number, Open>()
  const names = disk.list().filter((name) => segmentName.test(name))
  // Where reading last ended: the place of the damage if what comes next does not follow.
  let end: Place | null = null
  for (const [index, name] of names.entries()) {
    const bytes = disk.read(name)
    const reader = new SegmentReader()
    const stop = reader.scan(bytes.subarray(0, frameBytes.start), () => {})
    if (stop === 'version') throw new Error(`${name} was written by a newer version of MegaRouter: start that version, or a newer one`)
    if (reader.firstLsn === 0) {
      result.unused.push(name)
      if (!isZero(bytes, 0)) result.tornTail = end ??= { segment: name, offset: 0, stop }
    } else if (end === null ? !followsReleased(disk, reader, names.slice(index)) : reader.follows !== result.nextLsn) {
      const rest = names.slice(index)
      result.tornTail = end ?? { segment: name, offset: 0, stop: 'end' }
      const witness = sayingDurable(disk, rest, result.nextLsn)
      if (witness !== null) throw new JournalDamage(result.tornTail.segment, result.tornTail.offset, `records from LSN ${result.nextLsn} on cannot be read (${result.tornTail.stop}), and ${witness} knows that they were synced`)
      // Written before an older segment was synced, this one has survived a loss of power alone: nothing in it was ever reported as durable.
      result.unused.push(...rest)
      break
    } else {
      end = readSegment(reader, name, bytes, open, result)
      result.tornTail = end.stop !== 'end' || !isZero(bytes, end.offset) ? end : null
    }
  }
  for (const [lsn, { hold, dispatched, progress }] of open) result.open.push({ lsn, hold: hold!, dispatched, progress })
  return result
}

/** The oldest segment has predecessors that were released, which takes that it or a later one says they were synced; or it has none. */
const followsReleased = (disk: Disk, { follows, durable }: SegmentReader, names: readonly string[]): boolean =>
  durable >= follows - 1 || sayingDurable(disk, names, follows - 1) !== null

/** The first of the segments that says that records up to the LSN were synced. */
function sayingDurable(disk: Disk, names: readonly string[], lsn: number): string | null {
  return names.find((name) => {
    const reader = new SegmentReader()
    reader.scan(disk.read(name), () => {})
    return reader.durable >= lsn
  }) ?? null
}

function readSegment(reader: SegmentReader, name: string, bytes: Buffer, open: Map<number, Open>, result: Recovered): Place {
  const { terminals } = result
  let lastTerminalLsn = 0
  const stop = reader.scan(bytes, (kind, lsn, at) => {
    result.records++
    if (kind === frame.hold) {
      open.set(lsn, { at, progressAt: -1, dispatched: false, hold: null, progress: null })
    } else if (kind >= frame.settle) {
      const record = reader.terminal(at)
      open.delete(record.hold)
      terminals.push({ lsn, record })
      lastTerminalLsn = lsn
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
  result.segments.push({ name, bytes: bytes.length, firstLsn: reader.firstLsn, lastLsn: reader.nextLsn - 1, lastTerminalLsn })
  result.nextLsn = reader.nextLsn
  result.endOffset = reader.offset
  result.durableLsn = Math.max(result.durableLsn, reader.durable)
  return { segment: name, offset: reader.offset, stop }
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
