/**
 * The router of this process: one for each organisation, decisions on their way to the store, what was learned saved now and then and
 * taken over at a start. Learning never waits and never fails a request.
 */
import type { Clock } from '../clock.ts'
import type { Artefact } from '../routing/artefact.ts'
import type { Arm } from '../routing/arm.ts'
import type { StageChange } from '../routing/adoption.ts'
import { packDecision, unpackDecision, type DecisionRecord } from '../routing/record.ts'
import type { ArmChanges, StoredArm } from '../routing/router.ts'
import { evidenceOf, type Signal } from '../routing/signals.ts'
import { taskTypes } from '../routing/tasks.ts'
import { understandingOf, Understander, type Understanding } from '../routing/understand.ts'
import type { AdoptionEvent } from '../store/adoption-events.ts'
import type { Decision } from '../store/decisions.ts'
import type { StoredArm as StoredArmRow } from '../store/routing-arms.ts'
import { newStepId } from './request-id.ts'
import type { FeedbackSink } from './feedback.ts'
import { OrganisationRouting, type Standing } from './organisation-routing.ts'
import { Paces } from './paces.ts'
import type { View } from './snapshot.ts'


/** Where things go; each call is a message that is not waited for. */
export interface RoutingStore { decisions(rows: readonly Decision[]): void; saveArms(rows: StoredArmRow[]): void; saveAdoption(rows: AdoptionEvent[]): void }

export interface RoutingOptions extends Standing { artefact: Artefact; clock: Clock; random: () => number; store: RoutingStore }

/** Arms that are saved at once: their tables are text of some kilobytes each. */
const savedAtOnce = 16

export class Routing implements FeedbackSink {
  readonly random: () => number
  readonly paces = new Paces()
  readonly #options: RoutingOptions
  readonly #understander: Understander
  readonly #organisations = new Map<string, OrganisationRouting>()
  /** By organisation; null until it was read: nothing is saved before, so that nothing is lost. */
  #stored: ReadonlyMap<string, ReadonlyMap<string, StoredArm>> | null = null
  #decisions: Decision[] = []
  /** Version of each arm when it was saved last, by organisation. */
  readonly #saved = new Map<string, Map<string, number>>()

  constructor(options: RoutingOptions) {
    this.#options = options
    this.random = options.random
    this.#understander = new Understander(options.artefact)
  }

  /** What an earlier process knew. Without it routing begins anew; it comes before the first request. */
  restore(rows: readonly StoredArmRow[]): void {
    const stored = new Map<string, Map<string, StoredArm>>()
    for (const { org, arm, stage, approved, state } of rows) {
      const ofOrg = stored.get(org) ?? new Map<string, StoredArm>()
      ofOrg.set(arm, { stage, approved, state: state === '' ? null : JSON.parse(state) as StoredArm['state'] })
      stored.set(org, ofOrg)
    }
    this.#stored = stored
  }

  of(view: View): OrganisationRouting {
    const { artefact, health, credentials } = this.#options
    let routing = this.#organisations.get(view.id)
    if (routing === undefined) this.#organisations.set(view.id, (routing = new OrganisationRouting(artefact, this.#understander, { health, credentials })))
    const changes = routing.adopt(view, this.#stored?.get(view.id) ?? none)
    if (changes !== null) this.#tellChanges(view.id, changes)
    return routing
  }

  find(org: string): OrganisationRouting | undefined {
    return this.#organisations.get(org)
  }

  /** A decision that a request went by. `session`: as the client calls it; `served`: the arm that answered. */
  note(id: string, org: string, at: number, session: string | null, record: DecisionRecord, { signals }: Understanding, served: string | null): void {
    const body = packDecision({ record, signals: Buffer.from(signals.buffer, signals.byteOffset, signals.byteLength).toString('base64'), served })
    this.#decisions.push({ id, org, at, policy: record.policy, chosen: record.chosen, session, body })
    if (this.#decisions.length >= mostDecisions) this.flush()
  }

  flush(): void {
    if (this.#decisions.length === 0) return
    this.#options.store.decisions(this.#decisions)
    this.#decisions = []
  }

  /** What an answer was worth. False: it says nothing, or the arm is not known any more. */
  take(org: string, arm: string, tenant: string, understanding: Understanding, signal: Signal): boolean {
    const evidence = evidenceOf(signal)
    const routing = this.#organisations.get(org)
    if (evidence === null || routing?.router.find(arm) === undefined) return false
    const change = routing.router.learn({ arm, tenant, understanding }, evidence)
    if (change !== null) this.#tellStage(org, change, 'router')
    return true
  }

  /** Feedback on a request of any age: by what its decision says, or not at all. */
  learn(org: string, { decision }: { decision: string | null }, value: boolean | number): boolean {
    if (decision === null) return false
    const stored = unpackDecision(decision)
    if (stored === null) return false
    const { record: { tenant, understood }, signals, served } = stored
    const understanding = understandingOf(understood, signals)
    return served !== null && understanding !== null && this.take(org, served, tenant, understanding, { kind: 'feedback', value })
  }

  approve(org: string, arm: string, actor: string): boolean {
    const router = this.#organisations.get(org)?.router
    const found = router?.find(arm)
    if (router === undefined || found === undefined || (found.stage !== 'candidate' && found.stage !== 'rejected')) return false
    const from = found.stage
    router.approve(arm)
    found.stage = 'candidate'
    found.version++
    this.#tellStage(org, { arm, from, to: 'candidate', outcomes: found.quality.outcomes, reason: 'approved' }, actor)
    return true
  }

  reject(org: string, arm: string, actor: string): boolean {
    const found = this.#organisations.get(org)?.router.find(arm)
    if (found === undefined || found.stage === 'rejected') return false
    const from = found.stage
    found.stage = 'rejected'
    found.version++
    this.#tellStage(org, { arm, from, to: 'rejected', outcomes: found.quality.outcomes, reason: 'rejected' }, actor)
    return true
  }

  /** Of one arm or of all. How many forgot something. */
  reset(org: string, arm: string | null): number {
    const router = this.#organisations.get(org)?.router
    if (router === undefined) return 0
    return (arm === null ? router.arms.map(({ facts }) => facts.id) : [arm]).filter((id) => router.reset(id)).length
  }

  /** Saves arms that learned something since they were saved; a few at once unless `all`. */
  save(all = false): void {
    if (this.#stored === null) return
    const rows: StoredArmRow[] = []
    for (const [org, { router }] of this.#organisations) {
      const saved = this.#saved.get(org) ?? new Map<string, number>()
      this.#saved.set(org, saved)
      for (const arm of router.arms) {
        if (saved.get(arm.facts.id) === arm.version) continue
        if (rows.length >= savedAtOnce && !all) break
        saved.set(arm.facts.id, arm.version)
        rows.push({ org, arm: arm.facts.id, stage: arm.stage, approved: router.isApproved(arm.facts.id), state: isUntouched(arm) ? '' : JSON.stringify(arm.state()) })
      }
    }
    if (rows.length > 0) this.#options.store.saveArms(rows)
  }

  #tellChanges(org: string, { arrived, repriced }: ArmChanges): void {
    const at = this.#options.clock.epochMs() * 1000
    const usd = (nano: number): string => `$${(nano / 1e9).toFixed(nano >= 1e9 ? 2 : 4)}`
    const priceOf = (prices: Arm['facts']['prices']): string => (prices === null ? 'a price that is not known' : `${usd(prices.input)} and ${usd(prices.output)} per million tokens of input and output`)
    const rows = arrived.map(({ facts }): AdoptionEvent => ({
      id: newStepId(at / 1000), org, at, arm: facts.id, from: 'none', to: 'candidate', actor: 'router',
      reason: `new, ${facts.releasedOn === '' ? 'of unknown date' : `released on ${facts.releasedOn}`}, at ${priceOf(facts.prices)}; it is tried within the bounds of exploration`,
    }))
    for (const { arm, before } of repriced) {
      const from = arm.stage
      // What was too dear for what it does may be worth it now.
      if (from === 'rejected' && before !== null && arm.facts.prices !== null && arm.facts.prices.output < before.output) arm.stage = 'candidate'
      rows.push({ id: newStepId(at / 1000), org, at, arm: arm.facts.id, from, to: arm.stage, actor: 'router', reason: `price changed from ${priceOf(before)} to ${priceOf(arm.facts.prices)}` })
    }
    if (rows.length > 0) this.#options.store.saveAdoption(rows)
  }

  #tellStage(org: string, { arm, from, to, outcomes, reason }: StageChange, actor: string): void {
    const at = this.#options.clock.epochMs()
    this.#options.store.saveAdoption([{ id: newStepId(at), org, at: at * 1000, arm, from, to, reason: `${reason} (${outcomes} outcomes)`, actor }])
  }
}

const none: ReadonlyMap<string, StoredArm> = new Map()
/** Decisions that wait for the next tick, at most. */
const mostDecisions = 256
const isUntouched = ({ quality, taken }: Arm): boolean => quality.outcomes === 0 && taken === 0

/** The likeliest task, for records. */
export const taskOf = ({ understood }: DecisionRecord): string | null => taskTypes[understood.tasks[0] ?? -1] ?? null
