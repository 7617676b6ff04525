/** Who waits for a sync of the journal. Those of one sync share one promise, so that a thousand requests cost no thousand promises. */
interface Group extends PromiseWithResolvers<void> { lsn: number; size: number }

function newGroup(): Group {
  const group = { ...Promise.withResolvers<void>(), lsn: 0, size: 0 }
  // Whoever waits gets the error, and so does `onFatal`: a group that nobody waits for any more is no defect of its own.
  group.promise.catch(() => {})
  return group
}

export class Waiters {
  /** Covered by the sync that runs. */
  #riding: Group | null = null
  #next: Group | null = null

  get count(): number { return (this.#riding?.size ?? 0) + (this.#next?.size ?? 0) }
  get areNext(): boolean { return this.#next !== null }

  ride(): Promise<void> {
    this.#riding ??= newGroup()
    this.#riding.size++
    return this.#riding.promise
  }

  wait(lsn: number): Promise<void> {
    const group = this.#next ??= newGroup()
    group.size++
    if (lsn > group.lsn) group.lsn = lsn
    return group.promise
  }

  /** A sync has started that covers all up to `lsn`. A record that a full disk refused so far is not among them: its group waits on. */
  depart(lsn: number): void {
    if (this.#next === null || this.#next.lsn > lsn) return
    this.#riding = this.#next
    this.#next = null
  }

  arrive(): void {
    this.#riding?.resolve()
    this.#riding = null
  }

  fail(error: Error): void {
    this.#riding?.reject(error)
    this.#next?.reject(error)
  }
}
