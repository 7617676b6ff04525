/**
 * All that the ledger asks of a disk, so that the simulator can tear writes, fail syncs and fill it. Files live in one folder
 * and are named by the caller. Errors are the operating system's own (`ENOSPC`, `EIO`), thrown or handed to `done`.
 */
export interface Disk {
  /** Names of the files in the folder, sorted. */
  list(): string[]
  /** The whole file. */
  read(name: string): Buffer
  /** A new file of `bytes` zeros, durable with its name before `done` is called, so that later writes change no metadata. */
  create(name: string, bytes: number, done: (error: Error | null, file: JournalFile | null) => void): void
  /** An existing file, for writing. */
  open(name: string): JournalFile
  remove(name: string): void
}

export interface JournalFile {
  /** Writes `bytes[0..length)` at `position` so that it survives the process. Throws when it could not; a part may have been written. */
  write(bytes: Buffer, length: number, position: number): void
  /** Calls `done` once everything that was written before this call survives the machine. */
  sync(done: (error: Error | null) => void): void
  close(): void
}
