/**
 * What the store thread does for the router: decisions, states of arms and steps of their adoption on their way into the database, and
 * the questions of feedback and of a start. Queues are bounded by bytes; what is beyond them is lost and counted.
 */
import type { Logger } from 'pino'
import { systemAfter, systemClock } from '../clock.ts'
import { limits } from '../limits.ts'
import { insertAdoptionEvents, type AdoptionEvent } from '../store/adoption-events.ts'
import type { Database } from '../store/database.ts'
import { insertDecisions, type Decision } from '../store/decisions.ts'
import { takeFeedback, type FeedbackAsk, type FeedbackFound } from '../store/outcomes.ts'
import { listArms, saveArms, type StoredArm } from '../store/routing-arms.ts'
import { isTransient } from '../store/save.ts'
import { BatchWriter } from '../store/writer.ts'
import type { ToStore } from './messages.ts'
import { unpackDecisions } from './record-batch.ts'

export type RoutingRows = Extract<ToStore, { kind: 'decisions' | 'armStates' | 'adoptionEvents' }>

/** Nobody waits for the answer any more. */
export class TooLateError extends Error {
  override name = 'TooLateError'
}

export interface RoutingStoreSettings {
  database(): Promise<Database>
  /** Whether the records of requests that are queued now were written within that time. */
  recordsWritten(withinMs: number): Promise<boolean>
  log: Logger
}

/** A row beside its text: ids, numbers, and what the queue itself needs. */
const rowBytes = 200

export class RoutingStore {
  readonly #settings: RoutingStoreSettings
  readonly #decisions: BatchWriter<Decision>
  readonly #arms: BatchWriter<StoredArm>
  readonly #events: BatchWriter<AdoptionEvent>
  /** Outcomes that were stored. */
  #outcomes = 0

  constructor(settings: RoutingStoreSettings) {
    this.#settings = settings
    const { database } = settings
    this.#decisions = this.#queue('decisions', async (rows) => insertDecisions(await database(), rows), ({ body }) => body.length + rowBytes, limits.decisionQueueBytes)
    this.#arms = this.#queue('states of models', async (rows) => saveArms(await database(), rows, systemClock.epochMs() * 1000), ({ state }) => state.length + rowBytes, limits.armQueueBytes)
    this.#events = this.#queue('steps of adoption', async (rows) => insertAdoptionEvents(await database(), rows), ({ reason }) => reason.length + rowBytes, limits.armQueueBytes)
  }

  #queue<Row>(what: string, save: (rows: readonly Row[]) => Promise<void>, weigh: (row: Row) => number, queueLimit: number): BatchWriter<Row> {
    return new BatchWriter({
      save, weigh, queueLimit, isTransient, nowMs: () => systemClock.epochMs(), after: systemAfter,
      failed: (error, lost) => this.#settings.log.error({ err: error }, lost === null ? `the database does not take ${what}; they are kept and tried again` : `one of the ${what} could not be stored and is lost`),
    })
  }

  take(message: RoutingRows): void {
    switch (message.kind) {
      case 'decisions': return this.#decisions.push(unpackDecisions(message))
      case 'armStates': return this.#arms.push(message.rows)
      case 'adoptionEvents': return this.#events.push(message.rows)
    }
  }

  /** A request that has just ended may still be queued, and is waited for. */
  async feedback(ask: FeedbackAsk, untilMs: number): Promise<FeedbackFound | null> {
    const withinMs = untilMs - systemClock.epochMs()
    const written = await Promise.all([this.#settings.recordsWritten(withinMs), this.#decisions.written(withinMs)])
    if (written.includes(false) || systemClock.epochMs() > untilMs) throw new TooLateError('the database does not take what is queued before')
    const found = await takeFeedback(await this.#settings.database(), ask)
    if (found !== null) this.#outcomes++
    return found
  }

  async arms(): Promise<StoredArm[]> {
    return listArms(await this.#settings.database())
  }

  /** How many rows were not written in time. */
  async drain(deadlineMs: number): Promise<number> {
    const left = await Promise.all([this.#decisions.drain(deadlineMs), this.#arms.drain(deadlineMs), this.#events.drain(deadlineMs)])
    return left.reduce((sum, each) => sum + each, 0)
  }

  gauges(): Record<string, number> {
    const [decisions, arms, events] = [this.#decisions.state(), this.#arms.state(), this.#events.state()]
    return {
      megarouter_decisions_queued: decisions.queued, megarouter_decisions_dropped_total: decisions.dropped,
      megarouter_routing_states_queued: arms.queued + events.queued, megarouter_routing_states_dropped_total: arms.dropped + events.dropped, megarouter_outcomes_total: this.#outcomes,
    }
  }
}
