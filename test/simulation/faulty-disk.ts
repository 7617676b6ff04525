/**
 * A disk in memory that does what real ones may: late and refused creates, partial and refused writes, late and failed syncs, and after
 * a loss of power any part of what was not synced. All by the given randomness, so that a seed repeats it.
 */
import type { After } from '../../src/clock.ts'
import type { Disk, JournalFile } from '../../src/ledger/disk.ts'
import { between, type Random } from '../../src/simulated/random.ts'

export interface DiskFaults {
  /** Least and most, ms. */
  createMs: readonly [number, number]
  syncMs: readonly [number, number]
  /** Creates that would take more fail with ENOSPC. */
  capacityBytes: number
  /** Chances, 0 to 1. */
  writeFull: number
  writeError: number
  syncError: number
}

export interface FaultyDiskOptions {
  random: Random
  after: After
  faults?: Partial<DiskFaults>
}

interface File {
  /** As programs see it. */
  bytes: Buffer
  /** As the medium holds it. */
  durable: Buffer
  /** Sectors that were written after their last sync. */
  dirty: Set<number>
  /** Bytes that its creation will have written; null once it is complete and its name durable. */
  growingTo: number | null
}

const sectorBytes = 512
const systemError = (code: string, what: string): Error => Object.assign(new Error(`${code}: ${what}`), { code })

export class FaultyDisk {
  readonly faults: DiskFaults
  readonly #random: Random
  readonly #after: FaultyDiskOptions['after']
  #files = new Map<string, File>()
  /** Removed since the folder was last synced. */
  #removed: [string, File][] = []
  #incarnation = 0

  constructor({ random, after, faults = {} }: FaultyDiskOptions) {
    this.#random = random
    this.#after = after
    this.faults = { createMs: [0, 5], syncMs: [0, 3], capacityBytes: Infinity, writeFull: 0, writeError: 0, syncError: 0, ...faults }
  }

  get usedBytes(): number {
    let used = 0
    for (const { bytes, growingTo } of this.#files.values()) used += growingTo ?? bytes.length
    return used
  }

  /** The content of a file as programs see it, for tests to look at and to damage. */
  bytes(name: string): Buffer { return this.#files.get(name)!.bytes }
  names(): string[] { return [...this.#files.keys()].sort() }

  /** The disk as the running process has it; after a crash this one is dead and the next process boots its own. */
  boot(): Disk {
    const incarnation = this.#incarnation
    const isAlive = (): boolean => incarnation === this.#incarnation
    const later = ([least, most]: readonly [number, number], callback: () => void): void => void this.#after(between(this.#random, least, most), () => { if (isAlive()) callback() })
    return {
      list: () => isAlive() ? this.names() : [],
      read: (name) => Buffer.from(this.#file(name).bytes),
      create: (name, bytes, done) => { if (isAlive()) this.#create(name, bytes, done, later, isAlive) },
      open: (name) => this.#handle(this.#file(name), later, isAlive),
      remove: (name) => {
        if (!isAlive()) return
        this.#removed.push([name, this.#file(name)])
        this.#files.delete(name)
      },
    }
  }

  /** Ends the running process, and with `power` the machine. */
  crash({ power }: { power: boolean }): void {
    this.#incarnation++
    for (const [name, file] of this.#files) {
      if (file.growingTo === null) continue
      if (this.#random() < 0.5) this.#files.delete(name)
      else file.bytes = Buffer.alloc(between(this.#random, 0, file.growingTo))
      file.durable = Buffer.from(file.bytes)
      file.growingTo = null
    }
    if (!power) return
    // Removals reach the medium in their order.
    for (const [name, file] of this.#removed.slice(between(this.#random, 0, this.#removed.length))) this.#files.set(name, file)
    this.#removed = []
    for (const file of this.#files.values()) this.#losePower(file)
  }

  #losePower(file: File): void {
    const sectors = [...file.dirty].sort((one, other) => one - other)
    const isPrefix = this.#random() < 0.5
    const kept = isPrefix ? sectors.slice(0, between(this.#random, 0, sectors.length)) : sectors.filter(() => this.#random() < 0.5)
    for (const sector of kept) copySector(file.bytes, file.durable, sector)
    file.bytes = Buffer.from(file.durable)
    file.dirty.clear()
  }

  #file(name: string): File {
    const file = this.#files.get(name)
    if (file === undefined) throw systemError('ENOENT', `no such file, '${name}'`)
    return file
  }

  #create(name: string, bytes: number, done: Parameters<Disk['create']>[2], later: (ms: readonly [number, number], callback: () => void) => void, isAlive: () => boolean): void {
    if (this.#files.has(name)) return later([0, 0], () => done(systemError('EEXIST', `file exists, '${name}'`), null))
    const file: File = { bytes: Buffer.alloc(0), durable: Buffer.alloc(0), dirty: new Set(), growingTo: bytes }
    this.#files.set(name, file)
    later(this.faults.createMs, () => {
      if (this.usedBytes > this.faults.capacityBytes) {
        this.#files.delete(name)
        return done(systemError('ENOSPC', 'no space left on device, write'), null)
      }
      file.bytes = Buffer.alloc(bytes)
      file.durable = Buffer.alloc(bytes)
      file.growingTo = null
      this.#removed = []
      done(null, this.#handle(file, later, isAlive))
    })
  }

  #handle(file: File, later: (ms: readonly [number, number], callback: () => void) => void, isAlive: () => boolean): JournalFile {
    let isOpen = true
    const check = (): void => { if (!isOpen) throw systemError('EBADF', 'bad file descriptor') }
    return {
      write: (bytes, length, position) => {
        if (!isAlive()) return
        check()
        if (position + length > file.bytes.length) throw new Error('a write beyond the space that was made for it')
        const code = this.#random() < this.faults.writeFull ? 'ENOSPC' : this.#random() < this.faults.writeError ? 'EIO' : null
        const written = code === null ? length : between(this.#random, 0, length - 1)
        bytes.copy(file.bytes, position, 0, written)
        for (let at = position; at < position + written; at = (Math.floor(at / sectorBytes) + 1) * sectorBytes) file.dirty.add(Math.floor(at / sectorBytes))
        if (code !== null) throw systemError(code, 'write')
      },
      sync: (done) => {
        if (!isAlive()) return
        check()
        const image = Buffer.from(file.bytes)
        const sectors = [...file.dirty]
        later(this.faults.syncMs, () => {
          const isFailed = this.#random() < this.faults.syncError
          for (const sector of sectors) {
            // Like Linux: a sector whose write-back failed counts as clean, and only the page cache has its content.
            if (!isFailed) copySector(image, file.durable, sector)
            if (isFailed || sectorsEqual(image, file.bytes, sector)) file.dirty.delete(sector)
          }
          done(isFailed ? systemError('EIO', 'i/o error, fdatasync') : null)
        })
      },
      close: () => {
        if (!isAlive()) return
        check()
        isOpen = false
      },
    }
  }
}

function copySector(from: Buffer, to: Buffer, sector: number): void {
  from.copy(to, sector * sectorBytes, sector * sectorBytes, (sector + 1) * sectorBytes)
}
const sectorsEqual = (one: Buffer, other: Buffer, sector: number): boolean =>
  one.subarray(sector * sectorBytes, (sector + 1) * sectorBytes).equals(other.subarray(sector * sectorBytes, (sector + 1) * sectorBytes))
