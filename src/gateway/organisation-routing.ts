/**
 * Routing within one organisation: its arms as the snapshot in force has them, what stands against each of them for a key at this
 * moment, and the router that learns. Nothing of it is shared with another organisation.
 */
import type { Facts } from '../governance/conditions.ts'
import type { Principal } from '../governance/principal.ts'
import type { Artefact } from '../routing/artefact.ts'
import { isTaken, type CompiledPolicy } from '../routing/compile-policy.ts'
import { reasons } from '../routing/constraints.ts'
import type { CredentialTurns } from '../routing/credentials.ts'
import type { HealthBook } from '../routing/health.ts'
import { Router, type ArmChanges, type StoredArm } from '../routing/router.ts'
import type { Understander } from '../routing/understand.ts'
import { armsOf, type Arm } from './arms.ts'
import { asUsedBy, isAllowed, isListed } from './policy.ts'
import { Repeated } from './repeated.ts'
import type { Deployment, KeyEntry, View } from './snapshot.ts'

export interface Standing { health: Pick<HealthBook, 'state' | 'isSilent'>; credentials: Pick<CredentialTurns, 'hasRested'> }

/** How old may be what is known of breakers and limits: a request that comes in between is mended by its fallback. */
const standingMs = 100

/** What a key may use, by arm. */
interface Allowed { view: View; bits: Uint32Array; deployments: (readonly Deployment[])[] }

export class OrganisationRouting {
  readonly router: Router
  readonly repeated = new Repeated()
  arms: readonly Arm[] = []
  #view: View | null = null
  readonly #standing: Standing
  #fallen = new Uint32Array(0)
  #fallenAtMs = -Infinity
  #allowed = new WeakMap<Principal, Allowed>()
  /** By version of a policy: arms that it does not name. */
  #unnamed = new Map<string, Uint32Array>()
  #outside = new Uint32Array(0)

  constructor(artefact: Artefact, understander: Understander, standing: Standing) {
    this.router = new Router(artefact, understander)
    this.#standing = standing
  }

  /** Takes over what the view has, once. Null: nothing changed. */
  adopt(view: View, stored: ReadonlyMap<string, StoredArm>): ArmChanges | null {
    if (view === this.#view) return null
    const isFirst = this.#view === null
    this.#view = view
    this.arms = armsOf(view)
    this.router.requiresApproval = view.newModels === 'approval'
    this.#allowed = new WeakMap()
    this.#unnamed.clear()
    this.#fallenAtMs = -Infinity
    const changes = this.router.setArms(this.arms.map(({ facts }) => facts), isFirst ? stored : new Map())
    this.#outside = new Uint32Array(this.arms.length)
    return changes
  }

  /** What stands against each arm besides its own facts, and where this key would ask it. */
  against(policy: CompiledPolicy, key: KeyEntry, principal: Principal, facts: Facts, nowMs: number, asked: string): { bits: Uint32Array; deployments: (readonly Deployment[])[] } {
    const { bits, deployments } = this.#allowedTo(key, principal, facts, asked)
    const fallen = this.#fallenNow(nowMs)
    const unnamed = this.#unnamedBy(policy, facts)
    const outside = this.#outside
    for (let at = 0; at < outside.length; at++) outside[at] = bits[at]! | fallen[at]! | unnamed[at]!
    return { bits: outside, deployments }
  }

  /** What stands at this moment against an arm for everybody. */
  standing(at: number, nowMs: number): number {
    return this.#fallenNow(nowMs)[at] ?? 0
  }

  #allowedTo(key: KeyEntry, principal: Principal, facts: Facts, asked: string): Allowed {
    const view = this.#view!
    const known = principal.asksRequests ? undefined : this.#allowed.get(principal)
    if (known !== undefined) return known
    const bits = new Uint32Array(this.arms.length)
    const deployments = this.arms.map(({ deployments: all }, at) => {
      const usable = all.flatMap((each) => asUsedBy(each, principal) ?? [])
      const mine = usable.filter((each) => each.price !== null && isListed(key, asked, each) && isAllowed(view, principal, each, facts))
      if (mine.length === 0) bits[at] = usable.length > 0 && usable.every(({ price }) => price === null) ? reasons.price_unknown : reasons.policy
      return mine
    })
    const allowed = { view, bits, deployments }
    if (!principal.asksRequests) this.#allowed.set(principal, allowed)
    return allowed
  }

  #fallenNow(nowMs: number): Uint32Array {
    if (nowMs - this.#fallenAtMs < standingMs && this.#fallen.length === this.arms.length) return this.#fallen
    if (this.#fallen.length !== this.arms.length) this.#fallen = new Uint32Array(this.arms.length)
    this.#fallenAtMs = nowMs
    for (let at = 0; at < this.arms.length; at++) this.#fallen[at] = this.#fallenOf(this.arms[at]!, nowMs)
    return this.#fallen
  }

  #fallenOf({ deployments }: Arm, nowMs: number): number {
    const { health, credentials } = this.#standing
    let bits: number = reasons.breaker
    for (const { identity, provider, upstreamModel } of deployments) {
      if (health.state(identity, nowMs) === 'open' || health.isSilent(identity, true, nowMs) || health.isSilent(identity, false, nowMs)) continue
      // Of credentials those of everyone are looked at; where a team has its own, the attempt finds out.
      if (provider.own !== null || credentials.hasRested(provider, upstreamModel, none, nowMs)) return 0
      bits = reasons.rate_limit
    }
    return bits
  }

  #unnamedBy({ candidates, version }: CompiledPolicy, facts: Facts): Uint32Array {
    const known = this.#unnamed.get(version)
    if (known !== undefined) return known
    const bits = new Uint32Array(this.arms.length)
    if (candidates === null) for (let at = 0; at < bits.length; at++) bits[at] = this.arms[at]!.isGeneral ? 0 : reasons.not_requested
    else {
      const named = new Set(candidates.filter((each) => isTaken(each, facts)).map(({ model, effort }) => (effort === null ? model : `${model}@${effort}`)))
      for (let at = 0; at < bits.length; at++) bits[at] = named.has(this.arms[at]!.facts.id) ? 0 : reasons.not_requested
    }
    if (candidates === null || candidates.every(({ when }) => when === null)) this.#unnamed.set(version, bits)
    return bits
  }
}

const none: readonly never[] = []
