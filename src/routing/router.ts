/**
 * Chooses an arm for a request and learns from what became of it: filter, predict, score, stick, explore, record. Clock and
 * randomness are passed in; nothing waits. When no arm is left, the reasons are returned.
 */
import { isOnTrial, review, type StageChange } from './adoption.ts'
import { Arm, type ArmFacts, type ArmState, type Prices, type Stage } from './arm.ts'
import type { Artefact } from './artefact.ts'
import { factsAgainst, nothingLeft, reasons, type Needs, type NothingLeft } from './constraints.ts'
import { Exploration, hope, trialHope } from './explore.ts'
import { Usual } from './pacing.ts'
import type { Policy } from './policy.ts'
import { Predictions, qualityOf, type Asked } from './predict.ts'
import { choose, keptRemoved, recordVersion, termsOf, type Candidate, type DecisionRecord, type Measures } from './record.ts'
import { caution, scoreOf, type Terms } from './score.ts'
import { Sessions } from './sessions.ts'
import type { Evidence } from './signals.ts'
import { Tenants } from './tenants.ts'
import { Understander, type Understanding } from './understand.ts'

/** Arms are the same to outcomes when their difference is below so many deviations of it (95 %, one side), and below this: where nothing is known yet, not all are the same. */
const certain = 1.65
const mostNoise = 0.05
/** Candidates of a record that are the best; the rest is for the session's arm and for what may be tried. */
const bestKept = 4
const triedKept = 3
const fallbackCount = 4

export interface RoutingRequest {
  understanding: Understanding
  needs: Needs
  tenant: string
  session: string | null
  /** The request brings a tool's answer: changing the model now would break the loop. */
  isToolLoop: boolean
  /** Hash of how the prompt starts, so that a cached prefix is recognised. */
  prefix: number
  /** What the gateway knows against each arm, by its index; null: nothing. */
  outside: Uint32Array | null
  /** Shadow price of its budgets, quality per nano-dollar. */
  budgetPrice: number
  /** Nano-dollars that its budgets have left; Infinity: none of them refuses. */
  leftNano: number
  /** It marks what of its prompt is to be cached. */
  marksCache: boolean
  /** Something may be tried with it. */
  isLowRisk: boolean
}

export type Decision = { record: DecisionRecord; arm: Arm } | { record: null; nothingLeft: NothingLeft }

/** What a process before this one knew. */
export interface StoredArm { stage: Stage; approved: boolean; state: ArmState | null }
/** Arms that are new here, and those whose price is another one. */
export interface ArmChanges { arrived: Arm[]; repriced: { arm: Arm; before: Prices | null }[] }
const noneStored: ReadonlyMap<string, StoredArm> = new Map()

const samePrices = (a: Prices | null, b: Prices | null): boolean => a === b || (a !== null && b !== null && a.input === b.input && a.output === b.output && a.cacheRead === b.cacheRead && a.cacheWrite === b.cacheWrite)

export interface Outcome { arm: string; tenant: string; understanding: Understanding }

export class Router {
  readonly understander: Understander
  readonly sessions = new Sessions()
  arms: Arm[] = []
  readonly #artefact: Artefact
  readonly #tenants: Tenants
  readonly #byId = new Map<string, Arm>()
  /** Also those that are not served at the moment. */
  readonly #known = new Map<string, Arm>()
  readonly #approved = new Set<string>()
  readonly #usual = new Map<string, Usual>()
  readonly #explorations = new Map<string, Exploration>()
  readonly #predictions = new Predictions()
  /** Of the predictions that were made last: the highest quality that some arm surely has. */
  #surest = 0
  /** Newcomers wait for `approve` before they may be chosen. */
  requiresApproval = false

  constructor(artefact: Artefact, understander = new Understander(artefact)) {
    this.#artefact = artefact
    this.#tenants = new Tenants(artefact.shrinkage.tenant)
    this.understander = understander
  }

  /** The catalogue's present arms. Those that are new are on trial, but for the first set. What a process before this one knew of an arm is taken over. */
  setArms(all: readonly ArmFacts[], stored: ReadonlyMap<string, StoredArm> = noneStored): ArmChanges {
    const stage = this.#known.size === 0 && stored.size === 0 ? 'adopted' : 'candidate'
    const changes: ArmChanges = { arrived: [], repriced: [] }
    this.arms = all.map((facts) => {
      const known = this.#known.get(facts.id)
      if (known === undefined) return this.#arrive(facts, stored.get(facts.id), stage, changes)
      if (!samePrices(known.facts.prices, facts.prices)) changes.repriced.push({ arm: known, before: known.facts.prices })
      known.facts = facts
      known.version++
      return known
    })
    this.#byId.clear()
    for (const arm of this.arms) this.#byId.set(arm.facts.id, arm)
    return changes
  }

  #arrive(facts: ArmFacts, stored: StoredArm | undefined, stage: Stage, changes: ArmChanges): Arm {
    const arm = new Arm(facts, this.#artefact, stored?.stage ?? stage)
    this.#known.set(facts.id, arm)
    if (stored?.approved) this.#approved.add(facts.id)
    if (stored?.state) arm.restore(stored.state)
    if (stored === undefined && stage === 'candidate') changes.arrived.push(arm)
    return arm
  }

  find(id: string): Arm | undefined {
    return this.#byId.get(id)
  }

  /** Among `arms`; −1: there is none. */
  indexOf(id: string): number {
    const arm = this.#byId.get(id)
    return arm === undefined ? -1 : this.arms.indexOf(arm)
  }

  approve(id: string): void {
    this.#approved.add(id)
  }

  isApproved(id: string): boolean {
    return this.#approved.has(id)
  }

  /** All that was learned of an arm is dropped; its stage stays. */
  reset(id: string): boolean {
    const arm = this.#known.get(id)
    if (arm === undefined) return false
    const fresh = new Arm(arm.facts, this.#artefact, arm.stage)
    fresh.version = arm.version + 1
    this.#known.set(id, fresh)
    this.#byId.set(id, fresh)
    this.arms = this.arms.map((each) => (each === arm ? fresh : each))
    this.#tenants.forget(id)
    return true
  }

  /** `isTrial`: of a request that is only thought of; nothing remembers it. */
  decide(request: RoutingRequest, policy: Policy, nowMs: number, random: () => number, isTrial = false): Decision {
    const { arms } = this
    const found = this.#predictions
    found.reserve(arms.length)
    const session = request.session === null ? null : this.sessions.find(request.session, nowMs)
    const usual = isTrial ? this.#usualOf(policy.name).copy() : this.#usualOf(policy.name)
    const best = this.#predict(request, policy, nowMs, session)
    if (best < 0) return { record: null, nothingLeft: nothingLeft(arms, found.filters) }
    const reference = this.#reference(best)
    usual.note(found.costNano[reference] as number, found.latencyMs[reference] as number)
    const measures: Measures = { costNano: fine(usual.costNano), latencyMs: fine(usual.latencyMs), budgetPrice: request.budgetPrice, surest: this.#surest }
    const terms = termsOf(policy, measures)
    const held = policy.sticky && session !== null ? { arm: session.arm, isToolLoop: request.isToolLoop } : null
    const candidates = this.#candidates(terms, held?.arm ?? '')
    const draw = random()
    const exploration = isTrial ? this.#explorationOf(policy).copy() : this.#explorationOf(policy)
    if (request.isLowRisk) offer(candidates, policy, terms, exploration)
    const choice = choose(candidates, terms, held, draw)
    const chosen = candidates[choice.at] as Candidate
    if (choice.why === 'explored') exploration.spend(chosen.costNano - (candidates[0] as Candidate).costNano)
    const { understanding: { tasks, weights, hardness, language, chars } } = request
    const record: DecisionRecord = {
      version: recordVersion, atMs: nowMs, artefact: this.#artefact.version, policy: policy.name, tenant: request.tenant, session: request.session,
      understood: { tasks, weights: weights.map(short), hardness: [short(hardness[0]), short(hardness[1]), short(hardness[2])], language, chars }, promptTokens: request.needs.promptTokens, terms, measures, candidates, removed: this.#removed(), held, draw,
      chosen: chosen.arm, why: choice.why, propensity: choice.propensity, fallbacks: fallbacks(candidates, chosen), baseline: { arm: (arms[best] as Arm).facts.id, costNano: found.costNano[best] as number },
    }
    const arm = this.#byId.get(chosen.arm) as Arm
    if (!isTrial) arm.taken++
    return { record, arm }
  }

  /** Fills the predictions; the arm of the best quality that could be taken, -1: none. */
  #predict(request: RoutingRequest, policy: Policy, nowMs: number, session: ReturnType<Sessions['find']>): number {
    const { arms } = this
    const { filters, quality, deviation, costNano, latencyMs } = this.#predictions
    const { understanding, needs } = request
    const asked: Asked = { understanding, promptTokens: needs.promptTokens, maxOutputTokens: needs.maxOutputTokens, prefix: request.prefix, nowMs, isLowRisk: request.isLowRisk, marksCache: request.marksCache }
    const own = this.#tenants.find(request.tenant)
    let best = -1
    let surest = 0
    for (let at = 0; at < arms.length; at++) {
      const arm = arms[at] as Arm
      this.#predictions.predict(at, arm, asked, own, this.sessions, session)
      let bits = factsAgainst(arm, needs) | (request.outside?.[at] ?? 0)
      if (policy.minQuality > 0 && quality[at]! < policy.minQuality) bits |= reasons.min_quality
      if (policy.maxCostNano > 0 && costNano[at]! > policy.maxCostNano) bits |= reasons.max_cost
      if (policy.maxLatencyMs > 0 && latencyMs[at]! > policy.maxLatencyMs) bits |= reasons.max_latency
      if (costNano[at]! > request.leftNano) bits |= reasons.budget
      if (arm.stage === 'candidate') bits |= !this.#isApproved(arm) ? reasons.not_approved : isOnTrial(arm) ? reasons.on_trial : 0
      filters[at] = bits
      if (bits !== 0) continue
      surest = Math.max(surest, quality[at]! - caution * deviation[at]!)
      if (best < 0 || quality[at]! > quality[best]!) best = at
    }
    this.#surest = fine(surest)
    return best
  }

  /** The cheapest arm that outcomes cannot tell from the best one: what the best quality really costs. */
  #reference(best: number): number {
    const { filters, quality, deviation, costNano } = this.#predictions
    let found = best
    for (let at = 0; at < this.arms.length; at++) {
      if (filters[at] !== 0 || costNano[at]! >= costNano[found]!) continue
      const noise = Math.min(mostNoise, certain * Math.sqrt(deviation[best]! ** 2 + deviation[at]! ** 2))
      if (quality[at]! >= quality[best]! - noise) found = at
    }
    return found
  }

  #isApproved({ facts }: Arm): boolean {
    return !this.requiresApproval || this.#approved.has(facts.id)
  }

  /** The best arms by score, the session's own, and those that may turn out better than the best: in this order. */
  #candidates(terms: Terms, held: string): Candidate[] {
    const { arms } = this
    const { filters, score, hope: hopes } = this.#predictions
    const kept: number[] = []
    let own = -1
    for (let at = 0; at < arms.length; at++) {
      const bits = filters[at] as number
      if (bits !== 0 && bits !== reasons.on_trial) continue
      const arm = arms[at] as Arm
      score[at] = this.#scoreOf(at, terms, bits !== 0)
      if (arm.facts.id === held && bits === 0) own = at
      if (bits === 0) insert(kept, at, score, bestKept)
    }
    if (own >= 0 && !kept.includes(own)) kept.push(own)
    const tried: number[] = []
    for (let at = 0; at < arms.length; at++) {
      const bits = filters[at] as number
      if ((bits !== 0 && bits !== reasons.on_trial) || kept.includes(at)) continue
      hopes[at] = this.#hopeOf(at, kept[0] as number, terms)
      if (hopes[at]! > -Infinity) insert(tried, at, hopes, triedKept)
    }
    return [...kept, ...tried].map((at) => {
      const arm = arms[at] as Arm
      const { quality, deviation, bonus, costNano, latencyMs } = this.#predictions
      return {
        arm: arm.facts.id, domain: arm.facts.domain, version: arm.version, filters: filters[at] as number, onTrial: filters[at] !== 0, score: score[at] as number, chance: 0,
        quality: quality[at] as number, deviation: deviation[at] as number, bonus: bonus[at] as number, costNano: costNano[at] as number, latencyMs: latencyMs[at] as number,
      }
    })
  }

  #scoreOf(at: number, terms: Terms, onTrial: boolean): number {
    const { quality, deviation, bonus, costNano, latencyMs } = this.#predictions
    return scoreOf(quality[at] as number, deviation[at] as number, bonus[at] as number, costNano[at] as number, latencyMs[at] as number, terms, onTrial)
  }

  /** How good it may turn out. A newcomer's own score is a cautious one; under `cheap` only what is cheaper, and may be good enough, is of interest. */
  #hopeOf(at: number, best: number, terms: Terms): number {
    const { filters, quality, deviation, bonus, costNano, score } = this.#predictions
    const more = (filters[at] === 0 ? hope : trialHope) * (deviation[at] as number)
    if (terms.kind === 'cheap') return costNano[at]! < costNano[best]! && quality[at]! + more >= terms.bar ? score[best]! + more : -Infinity
    return this.#scoreOf(at, terms, false) - (bonus[at] as number) + more
  }

  #removed(): DecisionRecord['removed'] {
    const { filters } = this.#predictions
    const groups: DecisionRecord['removed'] = []
    for (let at = 0; at < this.arms.length; at++) {
      const bits = filters[at] as number
      if (bits === 0) continue
      let group = groups.find((each) => each.filters === bits)
      if (group === undefined) groups.push((group = { filters: bits, arms: [], more: 0 }))
      if (group.arms.length < keptRemoved) group.arms.push((this.arms[at] as Arm).facts.id)
      else group.more++
    }
    return groups
  }

  #usualOf(policy: string): Usual {
    const usual = this.#usual.get(policy) ?? new Usual()
    this.#usual.set(policy, usual)
    return usual
  }

  #explorationOf({ name }: Policy): Exploration {
    const exploration = this.#explorations.get(name) ?? new Exploration()
    this.#explorations.set(name, exploration)
    return exploration
  }

  /** Learns what an answer was worth. Not on the request's path. */
  learn({ arm: id, tenant, understanding }: Outcome, { value, trust }: Evidence): StageChange | null {
    const arm = this.#byId.get(id)
    if (arm === undefined) return null
    const expected = qualityOf(arm, understanding, this.#tenants.find(tenant))
    if (tenant !== '') this.#tenants.learn(tenant, id, understanding, value - qualityOf(arm, understanding, undefined), trust)
    arm.residual.learn(understanding.signals, value - arm.quality.mean(understanding), trust)
    if (arm.quality.learn(understanding, value, trust, expected)) arm.residual.forget()
    arm.version++
    if (arm.stage !== 'candidate') return null
    const own = qualityOf(arm, understanding, undefined)
    const deviation = Math.sqrt((own * (1 - own)) / (arm.quality.strength(understanding) + 1))
    let best = 0
    for (const other of this.arms) if (other.stage === 'adopted' && costsNoMore(other, arm)) best = Math.max(best, qualityOf(other, understanding, undefined))
    return review(arm, own, deviation, best)
  }

  /** What an answer took: lengths and times, also of answers whose worth nobody tells. */
  observe(id: string, { tasks }: Understanding, outputTokens: number, ttftMs: number, totalMs: number): void {
    const arm = this.#byId.get(id)
    if (arm === undefined) return
    arm.outputs[tasks[0] as number]?.learn(outputTokens)
    arm.ttftMs.learn(ttftMs)
    if (outputTokens > 0) arm.tokenMs.learn((totalMs - ttftMs) / outputTokens)
    arm.version++
  }
}

/** A record is shorter for it, and terms follow from what stands there. */
const fine = (value: number): number => Math.round(value * 1e6) / 1e6

/** Sets the chances of what may be tried instead of the best one. */
function offer(candidates: Candidate[], policy: Policy, terms: Terms, exploration: Exploration): void {
  const best = candidates[0] as Candidate
  exploration.arrive(policy.exploreShare, policy.exploreSpend, best.costNano)
  const chances = exploration.chances(candidates, best, terms)
  for (let at = 0; at < chances.length; at++) (candidates[at] as Candidate).chance = Math.fround(chances[at] as number)
}

const short = (share: number): number => Math.round(share * 1e4) / 1e4

function costsNoMore({ facts: { prices: own } }: Arm, { facts: { prices: other } }: Arm): boolean {
  return own !== null && other !== null && own.input <= other.input && own.output <= other.output
}

/** Keeps a short list sorted by score, the best first. */
function insert(list: number[], at: number, score: Float64Array, most: number): void {
  const own = score[at] as number
  if (list.length === most && own <= (score[list[most - 1] as number] as number)) return
  let place = list.length === most ? most - 1 : list.length
  while (place > 0 && own > (score[list[place - 1] as number] as number)) {
    list[place] = list[place - 1] as number
    place--
  }
  list[place] = at
}

/** What to ask next: other failure domains first, each by score. */
function fallbacks(candidates: readonly Candidate[], chosen: Candidate): string[] {
  const elsewhere: string[] = []
  const others: string[] = []
  const domains = [chosen.domain]
  for (let at = 0; at < candidates.length; at++) {
    const { arm, domain, filters } = candidates[at] as Candidate
    if (filters !== 0 || arm === chosen.arm) continue
    if (domains.includes(domain)) others.push(arm)
    else {
      elsewhere.push(arm)
      domains.push(domain)
    }
  }
  for (let at = 0; at < others.length && elsewhere.length < fallbackCount; at++) elsewhere.push(others[at] as string)
  return elsewhere.length > fallbackCount ? elsewhere.slice(0, fallbackCount) : elsewhere
}
