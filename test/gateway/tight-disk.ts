import type { Disk, JournalFile } from '../../src/ledger/disk.ts'

/** A disk that has no room while `isFull`. */
export function tightDisk(): { isFull: boolean; refused: number; over(disk: Disk): Disk } {
  const tight = {
    isFull: false, refused: 0,
    over: (disk: Disk): Disk => ({ ...disk, create: (name, bytes, done) => disk.create(name, bytes, (error, file) => done(error, file === null ? null : tightFile(file))) }),
  }
  const tightFile = (file: JournalFile): JournalFile => ({
    write(bytes, length, position) {
      if (tight.isFull) {
        tight.refused++
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      }
      file.write(bytes, length, position)
    },
    sync: (done) => file.sync(done),
    close: () => file.close(),
  })
  return tight
}
