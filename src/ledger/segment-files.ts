/** Reads the journal's segments from their folder. Each read opens the file anew, so that a removed segment is an error and not a stale one. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { SegmentFiles } from './follower.ts'
import { numberOfSegment } from './recovery.ts'

export const segmentFiles = (folder: string): SegmentFiles => ({
  list: () => readdirSync(folder).filter((name) => numberOfSegment(name) > 0).sort(),
  readAt(name, into, position) {
    const file = openSync(join(folder, name), 'r')
    try {
      let length = 0
      for (let read = -1; read !== 0 && length < into.length; length += read) read = readSync(file, into, length, into.length - length, position + length)
      return length
    } finally {
      closeSync(file)
    }
  },
})
