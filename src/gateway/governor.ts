/**
 * Takes in governance as it changes and acts on what runs: streams of budgets that were lowered, requests of keys whose owner, place or
 * organisation is gone. Answers the control worker's questions about keys and routing. What comes before the gateway is there is only taken in.
 */
import type { Clock } from '../clock.ts'
import type { GovernanceRow } from '../governance/rows.ts'
import type { GovernanceState } from '../governance/state.ts'
import type { FromControl, ToControl } from '../threads/messages.ts'
import { effectiveOfKey, explainOfKey } from './explain.ts'
import type { Gateway } from './pipeline.ts'
import { answerRouting } from './routing-desk.ts'
import type { Snapshot } from './snapshot.ts'

export type KeyQuestion = Extract<FromControl, { kind: 'effective' | 'explain' | 'routing' | 'emptyCache' }>

export class Governor {
  readonly #governance: GovernanceState
  readonly #clock: Clock
  readonly #snapshot: () => Snapshot | null
  gateway: Gateway | null = null

  constructor(governance: GovernanceState, clock: Clock, snapshot: () => Snapshot | null) {
    this.#governance = governance
    this.#clock = clock
    this.#snapshot = snapshot
  }

  apply(rows: readonly GovernanceRow[]): void {
    const ends = this.#governance.apply(rows)
    const snapshot = this.#snapshot()
    if (snapshot === null || this.gateway === null) return
    this.gateway.admission.changed(rows, snapshot)
    if (ends) this.#cutStopped(this.gateway, snapshot)
  }

  /** Another snapshot is in force. */
  swapped(): void {
    const snapshot = this.#snapshot()
    if (snapshot === null || this.gateway === null) return
    for (const { isSuspended } of snapshot.organisations.values()) if (isSuspended === true) return this.#cutStopped(this.gateway, snapshot)
  }

  async answer(question: KeyQuestion): Promise<ToControl> {
    const { kind, id } = question
    const snapshot = this.#snapshot()
    const { gateway } = this
    if (kind === 'emptyCache') return { kind, id, emptied: gateway && await gateway.cache.empty(question.org) }
    if (kind === 'effective') return { kind, id, effective: snapshot && gateway && await effectiveOfKey(gateway, snapshot, question.key, this.#clock.epochMs()) }
    if (kind === 'routing') return { kind, id, answer: snapshot && gateway && await answerRouting(gateway, snapshot, question.ask, this.#clock) }
    return { kind, id, explained: snapshot && gateway && await explainOfKey(gateway, snapshot, question.ask, this.#clock) }
  }

  /** Requests that come later are asked when they come. */
  #cutStopped({ live, admission }: Gateway, snapshot: Snapshot): void {
    live.cutStopped(({ key }) => admission.principal(key!, snapshot).stopped !== null)
  }
}
