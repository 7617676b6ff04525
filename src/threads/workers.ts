/** The data plane's view of its two worker threads: what they last said, and the questions that wait for their answer. */
import type { Catalog } from '../catalog/catalog.ts'
import { compileSnapshot } from '../gateway/compile-snapshot.ts'
import type { Governor, KeyQuestion } from '../gateway/governor.ts'
import type { KeyIndex } from '../gateway/key-index.ts'
import type { Live } from '../gateway/live.ts'
import type { Snapshot, SnapshotData } from '../gateway/snapshot.ts'
import type { RequestRecord } from '../store/records.ts'
import type { Series } from '../telemetry/health.ts'
import type { AdoptionEvent } from '../store/adoption-events.ts'
import type { Decision } from '../store/decisions.ts'
import type { FeedbackAsk, FeedbackFound } from '../store/outcomes.ts'
import type { StoredArm } from '../store/routing-arms.ts'
import type { Chain, NewStored } from '../store/stored-responses.ts'
import type { Balance } from '../ledger/authority.ts'
import { CatalogHandover } from './catalog-handover.ts'
import type { CatalogHealth, FoundRepeat, FromControl, FromStore, HeldNow, JournalTail, ToControl, ToStore, WorkerSettings } from './messages.ts'
import { packDecisions, packRecords } from './record-batch.ts'
import { supervise, type Supervised } from './supervise.ts'

export interface WorkerHooks {
  /** The store has applied the journal up to this LSN. */
  onApplied(lsn: number): void
  /** Takes in what changes of governance, and answers what is asked about keys. */
  governor: Pick<Governor, 'apply' | 'swapped' | 'answer'>
  /** What is held now, for the admin API; null while that is not known. */
  holds(): HeldNow | null
  /** A worker that never got ready: its reason names the mistake in the set-up. */
  onSetupFailed(reason: string): void
  onError(error: unknown, what: string): void
}

export interface MetricsText { text: string; contentType: string }

/** A question to the store worker that waits for its answer. */
interface Asked {
  answer(message: FromStore): void
  timer: NodeJS.Timeout
}

const answerMs = 2_000
const answerBy = (): number => Date.now() + answerMs
/** For all that was learned, which nobody but a start waits for. */
const stateMs = 30_000

export class Workers {
  snapshot: Snapshot | null = null
  storeReady = false
  /** Of the journal, by the store. Goes back when the database does. */
  appliedLsn = 0
  /** Of the ledger in the database, when the store started. */
  newestChargeMs = 0
  databaseUp = true
  queued = 0
  dropped = 0
  configError: string | null = null
  catalogHealth: CatalogHealth = { held: 0, failures: 0, damaged: 0 }
  /** Null while the control worker is starting. */
  controlSocket: string | null = null
  bootstrap: { token: string; file: string } | null = null

  readonly #keys: KeyIndex
  readonly #live: Live
  readonly #handover: CatalogHandover
  readonly #hooks: WorkerHooks
  readonly #store: Supervised<ToStore>
  readonly #control: Supervised<ToControl>
  readonly #asked = new Map<number, Asked>()
  readonly #changed = new Set<() => void>()
  #catalog: Catalog
  /** What the newest snapshot was made of. */
  #data: SnapshotData | null = null
  #lastAsked = 0
  #tailLsn = 0
  /** Up to here the data plane has forgotten what it settled. */
  #forgottenLsn = 0
  #drained: (() => void) | null = null

  constructor(settings: WorkerSettings, keys: KeyIndex, live: Live, catalog: Catalog, hooks: WorkerHooks) {
    this.#keys = keys
    this.#live = live
    this.#catalog = catalog
    this.#handover = new CatalogHandover(catalog, (next) => {
      this.#catalog = next
      this.#compile()
      for (const check of this.#changed) check()
    })
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
    this.#store.post({ kind: 'records', ...packRecords(records) })
  }

  tell(message: ToControl): void {
    this.#control.post(message)
  }

  /** How far the journal may be read; called on every tick. */
  tail(tail: JournalTail): void {
    if (tail.lsn === this.#tailLsn) return
    this.#tailLsn = tail.lsn
    this.#store.post({ kind: 'tail', ...tail })
  }

  /** What the store has of an entity between two instants, and up to which LSN. */
  async balance(entity: string, fromMs: number, toMs: number, byQuarter: boolean): Promise<Balance> {
    const answer = await this.#ask((id) => ({ kind: 'balance', id, entity, fromMs, toMs, byQuarter, untilMs: answerBy() }))
    if (answer.kind !== 'balance' || answer.error !== undefined) throw new Error(answer.kind === 'balance' ? answer.error : 'not an answer')
    if (answer.lsn < this.#forgottenLsn) throw new Error('The database went back and is brought up again from the journal.')
    return answer
  }

  /** Whether a repeatable request ran before, by its digest. */
  async repeat(key: Uint8Array): Promise<FoundRepeat | null> {
    const answer = await this.#ask((id) => ({ kind: 'repeat', id, key, untilMs: answerBy() }))
    if (answer.kind !== 'repeat' || answer.error !== undefined) throw new Error(answer.kind === 'repeat' ? answer.error : 'not an answer')
    return answer.found
  }

  /** An answer that a client may go on from. */
  keep(stored: NewStored): void {
    this.#store.post({ kind: 'keepResponse', stored })
  }

  /** The conversation up to an answer that was kept. */
  async conversation(org: string, owner: string, response: string): Promise<Chain> {
    return (await this.#response(org, owner, response, false)).chain
  }

  async remove(org: string, owner: string, response: string): Promise<boolean> {
    return (await this.#response(org, owner, response, true)).removed
  }

  async #response(org: string, owner: string, response: string, remove: boolean): Promise<{ chain: Chain; removed: boolean }> {
    const answer = await this.#ask((id) => ({ kind: 'response', id, org, owner, response, remove, untilMs: answerBy() }))
    if (answer.kind !== 'response' || answer.error !== undefined) throw new Error(answer.kind === 'response' ? answer.error : 'not an answer')
    return answer
  }

  /** Of the router. */
  decisions(rows: readonly Decision[]): void {
    this.#store.post({ kind: 'decisions', ...packDecisions(rows) })
  }

  /** Stores what a request was worth; null: there is none that the key may tell anything of. */
  async feedback(ask: FeedbackAsk): Promise<FeedbackFound | null> {
    const answer = await this.#ask((id) => ({ kind: 'feedback', id, ask, untilMs: answerBy() }))
    if (answer.kind !== 'feedback' || answer.error !== undefined) throw new Error(answer.kind === 'feedback' ? answer.error : 'not an answer')
    return answer.found
  }

  saveArms(rows: StoredArm[]): void {
    this.#store.post({ kind: 'armStates', rows })
  }

  saveAdoption(rows: AdoptionEvent[]): void {
    this.#store.post({ kind: 'adoptionEvents', rows })
  }

  /** All that was stored of arms. */
  async routingState(): Promise<StoredArm[]> {
    const answer = await this.#ask((id) => ({ kind: 'routingState', id, untilMs: Date.now() + stateMs }), stateMs)
    if (answer.kind !== 'routingState' || answer.error !== undefined) throw new Error(answer.kind === 'routingState' ? answer.error : 'not an answer')
    return answer.arms
  }

  async metrics(gauges: Record<string, number>, series: Series[]): Promise<MetricsText> {
    const answer = await this.#ask((id) => ({ kind: 'metrics', id, gauges, series }))
    if (answer.kind !== 'metrics') throw new Error('not an answer')
    return answer
  }

  #ask(question: (id: number) => ToStore, withinMs = answerMs): Promise<FromStore> {
    const id = ++this.#lastAsked
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(id)
        reject(new Error('The store worker does not answer.'))
      }, withinMs)
      this.#asked.set(id, { answer: resolve, timer })
      this.#store.post(question(id))
    })
  }

  #answered(id: number, message: FromStore): void {
    const asked = this.#asked.get(id)
    if (!asked) return
    this.#asked.delete(id)
    clearTimeout(asked.timer)
    asked.answer(message)
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
      case 'ready':
        // A store that starts anew has to be told how far it may read.
        this.#tailLsn = 0
        this.appliedLsn = message.appliedLsn
        this.newestChargeMs = message.newestChargeMs
        this.storeReady = true
        // The one before may have died between its last transaction and the word of it.
        this.#applied()
        break
      case 'applied':
        this.appliedLsn = message.lsn
        this.#applied()
        break
      case 'state':
        this.databaseUp = message.databaseUp
        this.queued = message.queued
        this.dropped = message.dropped
        break
      case 'metrics': case 'balance': case 'repeat': case 'response': case 'feedback': case 'routingState': this.#answered(message.id, message); break
      case 'drained': this.#drained?.(); break
      case 'failed': this.#failed(message.reason, this.storeReady)
    }
    for (const check of this.#changed) check()
  }

  #applied(): void {
    this.#forgottenLsn = Math.max(this.#forgottenLsn, this.appliedLsn)
    this.#hooks.onApplied(this.appliedLsn)
  }

  #fromControl(message: FromControl): void {
    switch (message.kind) {
      case 'snapshot':
        this.#data = message.snapshot
        // The first one waits for its catalogue, so that nothing is served at older prices.
        if (this.snapshot !== null || !this.#handover.busy) this.#compile()
        break
      case 'catalog': this.#handover.take(message); break
      case 'governance': this.#hooks.governor.apply(message.rows); break
      case 'keys':
        for (const entry of message.entries) if (this.#keys.replace(entry) && entry.status !== 'active') this.#live.cutKey(entry.id)
        this.#keys.complete ||= message.complete
        break
      case 'heartbeat':
        this.#keys.freshAt = message.at
        this.configError = message.configError
        this.catalogHealth = message.catalog
        break
      case 'listening': this.controlSocket = message.socketPath; break
      case 'holds': this.#control.post({ kind: 'holds', id: message.id, held: this.#hooks.holds() }); break
      case 'effective': case 'explain': case 'routing': case 'emptyCache': this.#explain(message); break
      case 'bootstrap': this.bootstrap = message; break
      case 'failed': this.#failed(message.reason, this.snapshot !== null)
    }
    for (const check of this.#changed) check()
  }

  #explain(question: KeyQuestion): void {
    void this.#hooks.governor.answer(question).then((answer) => this.#control.post(answer), (error: unknown) => this.#hooks.onError(error, `a question of the admin API (${question.kind}) could not be answered`))
  }

  #compile(): void {
    if (this.#data === null) return
    this.snapshot = compileSnapshot(this.#data, this.#catalog, this.snapshot)
    this.#hooks.governor.swapped()
  }

  #failed(reason: string, wasReady: boolean): void {
    if (wasReady) this.#hooks.onError(new Error(reason), 'a worker reports')
    else this.#hooks.onSetupFailed(reason)
  }
}
