/** Terminal records that the store has not applied, in the order of their LSNs; repeatable requests among them by their key. */
import type { Logged, RepeatMark, TerminalRecord } from './records.ts'

const indexKey = (key: RepeatMark['key']): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')

/** What could have been charged under an idempotency key. */
const markOf = ({ kind, repeat }: TerminalRecord): RepeatMark | null => (kind === 'settle' ? repeat : null)

export class Unapplied {
  #records: Logged<TerminalRecord>[] = []
  #from = 0
  /** The newest one of each key: with it the store knows the key. */
  readonly #repeats = new Map<string, Logged<TerminalRecord>>()

  get size(): number { return this.#records.length - this.#from }

  add(each: Logged<TerminalRecord>): void {
    this.#records.push(each)
    const mark = markOf(each.record)
    if (mark !== null) this.#repeats.set(indexKey(mark.key), each)
  }

  /** Forgets all up to `lsn`. */
  applied(lsn: number): void {
    for (; this.#from < this.#records.length && this.#records[this.#from]!.lsn <= lsn; this.#from++) {
      const each = this.#records[this.#from]!
      const mark = markOf(each.record)
      if (mark !== null && this.#repeats.get(indexKey(mark.key)) === each) this.#repeats.delete(indexKey(mark.key))
    }
    if (this.#from < 1024 || this.#from < this.#records.length / 2) return
    this.#records = this.#records.slice(this.#from)
    this.#from = 0
  }

  *beyond(lsn: number): Generator<TerminalRecord> {
    for (let i = this.#from; i < this.#records.length; i++) if (this.#records[i]!.lsn > lsn) yield this.#records[i]!.record
  }

  /** What was charged under a key of `Idempotency-Key`, by its digest. */
  ofRepeat(key: RepeatMark['key']): TerminalRecord | null {
    return this.#repeats.get(indexKey(key))?.record ?? null
  }
}
