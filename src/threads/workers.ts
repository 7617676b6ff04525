/** The data plane's view of its two worker threads: what they last said, and the questions that wait for their answer. */
import type { Catalog } from '../catalog/catalog.ts'
import { compileSnapshot } from '../gateway/compile-snapshot.ts'
import type { KeyIndex } from '../gateway/key-index.ts'
import type { Live } from '../gateway/live.ts'
import type { Snapshot } from '../gateway/snapshot.ts'
import type { RequestRecord } from '../store/records.ts'
import type { FromControl, FromStore, ToControl, ToStore, WorkerSettings } from './messages.ts'
import { supervise, type Supervised } from './supervise.ts'

export interface WorkerHooks {
  /** A worker that never got ready: its reason names the mistake in the set-up. */
  onSetupFailed(reason: string): void
  onError(error: unknown, what: string): void
}

export interface MetricsText { text: string; contentType: string }

const answerMs = 2_000

export class Workers {
  snapshot: Snapshot | null = null
  storeReady = false
  databaseUp = true
  queued = 0
  dropped = 0
  configError: string | null = null
  /** Null while the control worker is starting. */
  controlSocket: string | null = null
  bootstrap: { token: string; file: string } | null = null

  readonly #keys: KeyIndex
  readonly #live: Live
  readonly #catalog: Catalog
  readonly #hooks: WorkerHooks
  readonly #store: Supervised<ToStore>
  readonly #control: Supervised<ToControl>
  readonly #metrics = new Map<number, (text: MetricsText) => void>()
  readonly #changed = new Set<() => void>()
  #metricsAsked = 0
  #drained: (() => void) | null = null

  constructor(settings: WorkerSettings, keys: KeyIndex, live: Live, catalog: Catalog, hooks: WorkerHooks) {
    this.#keys = keys
    this.#live = live
    this.#catalog = catalog
    this.#hooks = hooks
    const died = (name: string) => (error: Error, restartsInMs: number): void => hooks.onError(error, `the ${name} worker died and starts again in ${restartsInMs} ms`)
    this.#store = supervise<ToStore, FromStore>(new URL('./store-worker.ts', import.meta.url), settings, { message: (message) => this.#fromStore(message), died: died('store') })
    this.#control = supervise<ToControl, FromControl>(new URL('./control-worker.ts', import.meta.url), settings, { message: (message) => this.#fromControl(message), died: died('control') })
  }

  /** Resolves once a condition on this object holds; it is looked at after each message. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return
        this.#changed.delete(check)
        resolve()
      }
      this.#changed.add(check)
      check()
    })
  }

  record(records: RequestRecord[]): void {
    this.#store.post({ kind: 'records', records })
  }

  tell(message: ToControl): void {
    this.#control.post(message)
  }

  metrics(gauges: Record<string, number>): Promise<MetricsText> {
    const id = ++this.#metricsAsked
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#metrics.delete(id)
        reject(new Error('The store worker does not answer.'))
      }, answerMs)
      this.#metrics.set(id, (text) => {
        clearTimeout(timer)
        resolve(text)
      })
      this.#store.post({ kind: 'metrics', id, gauges })
    })
  }

  /** Writes what is queued, for at most `withinMs`, and ends both. */
  async stop(withinMs: number): Promise<void> {
    const written = new Promise<void>((resolve) => (this.#drained = resolve))
    const stopped = [this.#store.drain({ kind: 'drain' }), this.#control.drain({ kind: 'drain' })]
    await Promise.race([written, new Promise((resolve) => setTimeout(resolve, withinMs))])
    await Promise.all(stopped.map((end) => end()))
  }

  #fromStore(message: FromStore): void {
    switch (message.kind) {
      case 'ready': this.storeReady = true; break
      case 'state':
        this.databaseUp = message.databaseUp
        this.queued = message.queued
        this.dropped = message.dropped
        break
      case 'metrics':
        this.#metrics.get(message.id)?.(message)
        this.#metrics.delete(message.id)
        break
      case 'drained': this.#drained?.(); break
      case 'failed': this.#failed(message.reason, this.storeReady)
    }
    for (const check of this.#changed) check()
  }

  #fromControl(message: FromControl): void {
    switch (message.kind) {
      case 'snapshot':
        if (!this.snapshot || this.snapshot.version <= message.snapshot.version) this.snapshot = compileSnapshot(message.snapshot, this.#catalog)
        break
      case 'keys':
        for (const entry of message.entries) if (this.#keys.replace(entry) && entry.status !== 'active') this.#live.cutKey(entry.id)
        this.#keys.complete ||= message.complete
        break
      case 'heartbeat':
        this.#keys.freshAt = message.at
        this.configError = message.configError
        break
      case 'listening': this.controlSocket = message.socketPath; break
      case 'bootstrap': this.bootstrap = message; break
      case 'failed': this.#failed(message.reason, this.snapshot !== null)
    }
    for (const check of this.#changed) check()
  }

  #failed(reason: string, wasReady: boolean): void {
    if (wasReady) this.#hooks.onError(new Error(reason), 'a worker reports')
    else this.#hooks.onSetupFailed(reason)
  }
}
