/** Passes the bytes of an answer that is neither JSON nor events (audio, subtitles) as they come. Whether they are whole only their framing says. */
import type { Gate } from './event-gate.ts'

const nothing: Buffer[] = []

export class ByteGate implements Gate {
  readonly atBoundary = false
  readonly isOpaque = true

  push(chunk: Buffer): Buffer[] {
    return [chunk]
  }

  end(): Buffer[] {
    return nothing
  }
}
