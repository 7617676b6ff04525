/**
 * The journal's folder on a real disk. Making a segment writes real zeros beside the request path, so that later writes need no new
 * space and a sync flushes data only; every error is the operating system's own.
 */
import { close, closeSync, fdatasync, fsync, mkdirSync, open, openSync, readdirSync, readFileSync, unlink, unlinkSync, write, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Disk, JournalFile } from './disk.ts'

type Done = (error: Error | null) => void
const chunkBytes = 1_048_576
/** Of the page cache; where it is larger a write may cover less than a page, which only costs time. */
const pageBytes = 4_096

function journalFile(fd: number): JournalFile {
  return {
    write: (bytes, length, position) => writeAll(fd, bytes, 0, length, position),
    sync: (done) => fdatasync(fd, done),
    close: () => closeSync(fd),
  }
}

function writeAll(fd: number, bytes: Buffer, from: number, to: number, position: number): void {
  for (let at = from; at < to;) at += writeSync(fd, bytes, at, to - at, position + at - from)
}

/**
 * A new file, whose end is zeros. Where a write reaches a page for the first time it covers the whole page: the zeros of a segment
 * that was prepared long ago are no longer in memory, and a part of such a page would have to be read from the disk first.
 */
function newJournalFile(fd: number, fileBytes: number): JournalFile {
  const page = Buffer.alloc(pageBytes)
  /** Pages up to here were written by this process. */
  let reached = 0
  return {
    ...journalFile(fd),
    write(bytes, length, position) {
      const end = position + length
      const lastPage = Math.floor(end / pageBytes) * pageBytes
      if (end <= reached || lastPage < position || lastPage + pageBytes > fileBytes) return writeAll(fd, bytes, 0, length, position)
      const before = lastPage - position
      if (before > 0) writeAll(fd, bytes, 0, before, position)
      bytes.copy(page, 0, before, length)
      page.fill(0, length - before)
      writeAll(fd, page, 0, pageBytes, lastPage)
      reached = lastPage + pageBytes
    },
  }
}

function writeZeros(fd: number, bytes: number, done: Done): void {
  const zeros = Buffer.alloc(Math.min(chunkBytes, bytes))
  const next = (at: number): void => {
    if (at === bytes) return fdatasync(fd, done)
    write(fd, zeros, 0, Math.min(zeros.length, bytes - at), at, (error, written) => error ? done(error) : next(at + written))
  }
  next(0)
}

/** The folder's entry of a new file is durable only when the folder is. */
function syncFolder(folder: string, done: Done): void {
  open(folder, 'r', (error, fd) => {
    if (error) return done(error)
    fsync(fd, (failed) => close(fd, (failedToo) => done(failed ?? failedToo ?? null)))
  })
}

export function nodeDisk(folder: string): Disk {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return {
    list: () => readdirSync(folder).sort(),
    read: (name) => readFileSync(join(folder, name)),
    create(name, bytes, done) {
      const path = join(folder, name)
      open(path, 'wx', 0o600, (error, fd) => {
        if (error) return done(error, null)
        // A file that is not complete would keep the space that a full disk lacks.
        const giveUp = (cause: Error): void => close(fd, () => unlink(path, () => done(cause, null)))
        writeZeros(fd, bytes, (failed) => {
          if (failed) return giveUp(failed)
          syncFolder(folder, (failedToo) => failedToo ? giveUp(failedToo) : done(null, newJournalFile(fd, bytes)))
        })
      })
    },
    open: (name) => journalFile(openSync(join(folder, name), 'r+')),
    // Not synced: file systems keep removals in their order, and a segment that comes back is released again.
    remove: (name) => unlinkSync(join(folder, name)),
  }
}
