/**
 * Where the attempts of one request go. Deployments of equal preference are balanced by what one more call would meet there; the next
 * preference serves only while none of them can. After each fault it decides whether another attempt follows, and where: only while
 * the client has seen nothing, within the request's deadline and the retry budget of all requests. Where it is asked to, it names a
 * second target beside a late one.
 */
import { firstAnswerMs } from '../gateway/deadlines.ts'
import type { Fault } from '../gateway/fault.ts'
import type { Deployment, SettingsData } from '../gateway/snapshot.ts'
import type { FaultClass } from '../protocols/protocol.ts'
import { spentForMs, type Headers } from './cooldown.ts'
import type { Credential, CredentialTurns } from './credentials.ts'
import { overdueMs, type HealthBook, type Visit } from './health.ts'
import type { RetryBudget } from './retry-budget.ts'

export interface Target {
  deployment: Deployment
  credential: Credential
  /** Pause before the dispatch. */
  delayMs: number
  visit: Visit
  /** What is left of the request's time until the first token, or a plain answer. */
  limitMs: number
  /** From here on it is overdue and may be given up for another one, if `mayGiveUp`; Infinity where there is none. */
  patienceMs: number
}

export interface PlanTools {
  health: HealthBook
  credentials: CredentialTurns
  retries: RetryBudget
  /** In [0, 1). */
  random: () => number
  maxAttempts: number
  maxRetryAfterMs: number
}

/** How an attempt ended, or what is known of it so far. Times in monotonic µs. */
export interface Tried {
  startedUs: number
  firstTokenUs: number | null
  outcome: string | null
  fault: Pick<Fault, 'class'> | null
  headers: Headers
}

const retryBaseMs = 250
/** The same deployment may well answer a second time. */
const passing = new Set<FaultClass>(['connect', 'server', 'overloaded', 'rate_limit', 'truncated'])
/** Another credential of the same provider may do. */
const ofCredential = new Set<FaultClass>(['auth', 'quota', 'rate_limit'])
/** Answers of a healthy deployment that another one may give differently: no load that a fault multiplies, so the budget does not count them. */
const ofRequest = new Set<FaultClass>(['context_window', 'content_policy'])
const none: readonly never[] = []
/** Of a request to go to one that was passed over for long, so that few do where there are few. */
const exploreChance = 0.2
/** Sooner than that no answer is called late. */
const leastLateMs = 20
/** More than any other. */
const unprovenCost = 1e15

export class Plan {
  readonly #tools: PlanTools
  readonly #deployments: readonly Deployment[]
  readonly #isStream: boolean
  readonly #deadlines: SettingsData['deadlines']
  #deadlineMs = 0
  #attempts = 0
  #stopped = false
  /** Deployments that are not to be asked again. */
  #tried: readonly Deployment[] = none
  /** Of the deployment that is asked now. */
  #triedCredentials: readonly string[] = none
  #current: Target | null = null
  /** That runs beside the current one. */
  #second: Target | null = null
  /** Why the last attempt failed, while the budget has not been asked about another one. */
  #owed: FaultClass | null = null
  /** It was asked when the last attempt was given up. */
  #isPaid = false
  /** The last attempt was a probe: what follows it is not refused. */
  #isDue = false
  #repeatAfterMs: number | null = null
  #repeated = false
  /** The deployment that was chosen is tried again after it was passed over for long. */
  #explores = false

  constructor(deployments: readonly Deployment[], tools: PlanTools, isStream: boolean, deadlines: SettingsData['deadlines']) {
    this.#deployments = deployments
    this.#tools = tools
    this.#isStream = isStream
    this.#deadlines = deadlines
  }

  /** The next target, which has entered its deployment's health, or null when there is none. `nowMs` is monotonic, here and below. */
  next(nowMs: number): Target | null {
    if (this.#attempts === 0 && this.#deadlineMs === 0) {
      this.#deadlineMs = nowMs + firstAnswerMs(this.#deadlines, this.#isStream)
      this.#tools.retries.request(nowMs)
    }
    if (this.#stopped || this.#attempts >= this.#tools.maxAttempts) return null
    const repeat = this.#repeatAfterMs
    const deployment = repeat === null ? this.#choose(nowMs) : this.#current!.deployment
    if (deployment === null) return null
    const { health, credentials, retries } = this.#tools
    if (deployment !== this.#current?.deployment) this.#triedCredentials = none
    const credential = credentials.pick(deployment.provider, deployment.upstreamModel, this.#triedCredentials, nowMs, true)
    const delayMs = repeat ?? 0
    const limitMs = this.#deadlineMs - nowMs - delayMs
    if (credential === null || limitMs <= 0) return null
    // Asked only now, when it is known that there is another attempt to make.
    if (this.#owed !== null && !retries.spend(this.#owed, nowMs, this.#isDue)) return null
    const visit = health.enter(deployment.identity, this.#isStream, nowMs, nowMs + delayMs, this.#explores ? 'probe' : 'anyway')
    this.#explores = false
    if (visit === null) return null
    this.#owed = this.#repeatAfterMs = null
    this.#attempts++
    this.#current = { deployment, credential, delayMs, visit, limitMs, patienceMs: Infinity }
    if (this.#deployments.length > 1 && this.#attempts < this.#tools.maxAttempts) this.#current.patienceMs = this.#patience(this.#current, nowMs)
    return this.#current
  }

  /** From when on, ms after its dispatch, the target is late enough for a second one beside it; Infinity: never. A stream whose headers are due before that stays where it is. */
  lateMs({ deployment: { identity } }: Target): number {
    if (this.#deployments.length === 1 || this.#attempts >= this.#tools.maxAttempts) return Infinity
    const lateMs = Math.max(leastLateMs, this.#tools.health.lateMs(identity, this.#isStream))
    return this.#isStream && lateMs >= this.#deadlines.commitAfterMs ? Infinity : lateMs
  }

  /** A target beside the current one, which is late: at another provider, else at another deployment; null: none can serve at once, or the retry budget is used up. It is dispatched (`doubled`) or given back (`unfitSecond`). */
  second(nowMs: number, keepsModel = false): Target | null {
    const { health, credentials, retries } = this.#tools
    const limitMs = this.#deadlineMs - nowMs
    if (this.#stopped || this.#second !== null || this.#attempts >= this.#tools.maxAttempts || limitMs <= 0 || !retries.hasRoom(nowMs)) return null
    const deployment = this.#elsewhere(nowMs, keepsModel, true) ?? this.#elsewhere(nowMs, keepsModel, false)
    const credential = deployment && credentials.pick(deployment.provider, deployment.upstreamModel, none, nowMs, true)
    const visit = credential && health.enter(deployment.identity, this.#isStream, nowMs)
    if (!visit) return null
    this.#attempts++
    this.#second = { deployment, credential, delayMs: 0, visit, limitMs, patienceMs: Infinity }
    if (this.#attempts < this.#tools.maxAttempts) this.#second.patienceMs = this.#patience(this.#second, nowMs)
    return this.#second
  }

  /** The second target is dispatched. */
  doubled(nowMs: number): void {
    this.#tools.retries.spend('hedge', nowMs, true)
  }

  /** It was not, because the budget can't carry both. */
  unfitSecond(): void {
    this.#tools.health.leave(this.#second!.visit)
    this.#second = null
    this.#attempts--
  }

  /** Of two that run at once one has ended, by a fault or because the other was first; after `ended`. The other goes on as the only one. */
  dropped(target: Target, fault: Fault | null, nowMs: number): void {
    if (fault !== null) {
      this.#blame(target, fault, nowMs)
      this.#tried = [...this.#tried, target.deployment]
    }
    if (target === this.#current) {
      this.#current = this.#second
      this.#triedCredentials = none
    }
    this.#second = null
  }

  /** The attempt's stream has begun. */
  began({ visit }: Target, { startedUs, firstTokenUs }: Tried, nowMs: number): void {
    if (firstTokenUs !== null) this.#tools.health.began(visit, (firstTokenUs - startedUs) / 1000, nowMs)
  }

  /** The attempt has ended, however it did: what deployment and credential are known for is learned here. */
  ended(target: Target, tried: Tried, nowMs: number, epochMs: number): void {
    const { health, credentials } = this.#tools
    const { deployment: { identity, provider, upstreamModel }, credential, visit } = target
    const fault = tried.outcome === 'cancelled' ? undefined : (tried.fault?.class ?? null)
    this.#isDue = visit.isProbe
    if (fault === null || fault === undefined) this.began(target, tried, nowMs)
    health.done(visit, fault, nowMs)
    if (fault === null) {
      credentials.worked(credential.id)
      const spentMs = spentForMs(provider.vendor.quirks.rateLimitHeaders, tried.headers, epochMs)
      if (spentMs !== null) credentials.spent(provider, credential.id, upstreamModel, spentMs, nowMs)
    } else if (fault !== undefined && this.#deployments.length > 1) health.ejectOutlier(identity, this.#bestOther(target.deployment, nowMs), nowMs)
  }

  /** The last target's answer is overdue: whether it may be given up for another one. */
  mayGiveUp(nowMs: number): boolean {
    // Another one runs already.
    if (this.#second !== null) return false
    const { deployment, visit } = this.#current!
    if (!this.#hasOther(deployment, nowMs) || !this.#tools.retries.spend('timeout', nowMs, visit.isProbe)) return false
    this.#isPaid = true
    return true
  }

  /** Takes in why the last target failed; after `ended`. */
  failed(target: Target, fault: Fault, nowMs: number): void {
    const { credentials } = this.#tools
    const { deployment, credential } = target
    const isCredentials = this.#blame(target, fault, nowMs)
    if (fault.class === 'request') {
      this.#stopped = true
      return
    }
    this.#owed = this.#isPaid || ofRequest.has(fault.class) ? null : fault.class
    this.#isPaid = false
    if (isCredentials) this.#triedCredentials = [...this.#triedCredentials, credential.id]
    if (isCredentials && credentials.hasRested(deployment.provider, deployment.upstreamModel, this.#triedCredentials, nowMs)) return
    this.#tried = [...this.#tried, deployment]
    if (this.#choose(nowMs) !== null) return
    // A pause of our own leaves most of the time to the attempt behind it.
    const pauseMs = fault.retryAfterMs ?? Math.ceil(Math.min(this.#tools.random() * retryBaseMs * 2 ** this.#attempts, Math.max(0, this.#deadlineMs - nowMs) / 4))
    if (!passing.has(fault.class) || this.#repeated || pauseMs > this.#tools.maxRetryAfterMs) this.#stopped = true
    this.#repeated = true
    this.#repeatAfterMs = pauseMs
    this.#triedCredentials = none
  }

  /** The last target was not dispatched, because the budget can't carry it. */
  unfit(): void {
    this.#tools.health.leave(this.#current!.visit)
    this.#tried = [...this.#tried, this.#current!.deployment]
    this.#attempts--
  }

  /** No attempt follows. Gives back the place of one that was never made, whatever happened to it. */
  close(): void {
    if (this.#current) this.#tools.health.leave(this.#current.visit)
    if (this.#second) this.#tools.health.leave(this.#second.visit)
  }

  /** Whether it is a fault of the credential. */
  #blame({ deployment: { provider, upstreamModel }, credential }: Target, fault: Fault, nowMs: number): boolean {
    const isCredentials = ofCredential.has(fault.class)
    if (isCredentials || fault.class === 'not_found') this.#tools.credentials.failed(provider, credential.id, upstreamModel, fault.class, fault.status, fault.cooldownMs, nowMs)
    return isCredentials
  }

  /** The next preference, and of equals the one that costs least, that could serve beside the current one. */
  #elsewhere(nowMs: number, keepsModel: boolean, atOtherProvider: boolean): Deployment | null {
    const all = this.#deployments
    const { deployment: { identity, logicalModel, provider: { id } } } = this.#current!
    let best: Deployment | null = null
    for (let from = 0, to = 0; from < all.length && best === null; from = to) {
      to = endOfTier(all, from)
      for (let i = from, bestCost = Infinity; i < to; i++) {
        const other = all[i]!
        if (other.identity === identity || (atOtherProvider && other.provider.id === id) || (keepsModel && other.logicalModel !== logicalModel) || !this.#canServe(other, nowMs)) continue
        const cost = this.#cost(other, from, to, nowMs)
        if (cost < bestCost) {
          best = other
          bestCost = cost
        }
      }
    }
    return best
  }

  #choose(nowMs: number): Deployment | null {
    const all = this.#deployments
    for (let from = 0, to = 0; from < all.length; from = to) {
      to = endOfTier(all, from)
      const best = this.#best(from, to, nowMs)
      if (best !== null) return best
    }
    return this.#lastResort(nowMs)
  }

  /** Of equal preference: one that wants a probe, while another could mend its failure; else the one that costs least. */
  #best(from: number, to: number, nowMs: number): Deployment | null {
    const { health, random } = this.#tools
    const count = to - from
    let best: Deployment | null = null
    let bestCost = Infinity
    let probe: Deployment | null = null
    // From a random one on, so that equals share.
    const start = count > 1 ? Math.floor(random() * count) : 0
    for (let i = 0; i < count; i++) {
      const deployment = this.#deployments[from + ((start + i) % count)]!
      if (!this.#isReady(deployment, nowMs)) continue
      const state = health.state(deployment.identity, nowMs)
      if (state === 'half_open' && health.wantsProbe(deployment.identity, nowMs)) {
        if (this.#attempts === 0) return deployment
        probe ??= deployment
      }
      if (state !== 'closed') continue
      if (count > 1 && this.#attempts === 0 && health.isForgotten(deployment.identity, nowMs) && random() < exploreChance) {
        this.#explores = true
        return deployment
      }
      const cost = count > 1 ? this.#cost(deployment, from, to, nowMs) : 0
      if (cost < bestCost) {
        best = deployment
        bestCost = cost
      }
    }
    return best ?? probe
  }

  /** One of which nothing is known is taken for as quick as the quickest, so that it gets its share. */
  #cost({ identity }: Deployment, from: number, to: number, nowMs: number): number {
    const { health } = this.#tools
    let latencyMs = health.latencyMs(identity, this.#isStream, nowMs)
    if (latencyMs === null) {
      latencyMs = Infinity
      for (let i = from; i < to; i++) latencyMs = Math.min(latencyMs, health.latencyMs(this.#deployments[i]!.identity, this.#isStream, nowMs) ?? Infinity)
      if (latencyMs === Infinity) latencyMs = 0
    }
    const cost = health.cost(identity, Math.max(latencyMs, health.waitedMs(identity, nowMs)), nowMs)
    return health.isUnproven(identity) ? cost + unprovenCost : cost
  }

  /** Better one that is worse than others, does not answer, or whose credentials may still be limited, than no answer at all. */
  #lastResort(nowMs: number): Deployment | null {
    const { health } = this.#tools
    for (const deployment of this.#deployments) {
      if (this.#tried.includes(deployment)) continue
      if (health.state(deployment.identity, nowMs) === 'closed' || health.wantsProbe(deployment.identity, nowMs) || health.isOutlier(deployment.identity)) return deployment
    }
    return null
  }

  #isReady(deployment: Deployment, nowMs: number): boolean {
    const { health, credentials } = this.#tools
    return !this.#tried.includes(deployment) && !health.isSilent(deployment.identity, this.#isStream, nowMs)
      && credentials.hasRested(deployment.provider, deployment.upstreamModel, deployment === this.#current?.deployment ? this.#triedCredentials : none, nowMs)
  }

  /** Another deployment could serve at once. */
  #hasOther(deployment: Deployment, nowMs: number): boolean {
    if (this.#attempts >= this.#tools.maxAttempts) return false
    for (const other of this.#deployments) if (other !== deployment && this.#canServe(other, nowMs)) return true
    return false
  }

  #canServe(deployment: Deployment, nowMs: number): boolean {
    return this.#tools.health.state(deployment.identity, nowMs) === 'closed' && this.#isReady(deployment, nowMs)
  }

  /** The best success rate among those that could take its place, and have shown it; 0 where there is none: then it is not put out. */
  #bestOther(deployment: Deployment, nowMs: number): number {
    const { health, credentials } = this.#tools
    let best = 0
    for (const other of this.#deployments) {
      if (other === deployment || health.state(other.identity, nowMs) !== 'closed' || health.isSilent(other.identity, this.#isStream, nowMs)) continue
      if (credentials.hasRested(other.provider, other.upstreamModel, none, nowMs)) best = Math.max(best, health.provenRate(other.identity, nowMs))
    }
    return best
  }

  /**
   * How long the target is waited for while another could serve: until its answer is overdue, but at the latest when the other still
   * has time for its own. A stream that is not overdue when its headers are sent stays where it is.
   */
  #patience({ deployment: { identity }, visit, limitMs }: Target, nowMs: number): number {
    const { health } = this.#tools
    let otherMs = Infinity
    for (const other of this.#deployments) if (other.identity !== identity && this.#canServe(other, nowMs)) otherMs = Math.min(otherMs, health.usualMs(other.identity, this.#isStream) ?? limitMs / 4)
    if (otherMs === Infinity) return Infinity
    const halfMs = firstAnswerMs(this.#deadlines, this.#isStream) / 2
    const latestMs = Math.min(halfMs, Math.max(limitMs - 2 * otherMs, otherMs))
    const usualMs = visit.isProbe ? null : health.usualMs(identity, this.#isStream)
    if (usualMs === null) return this.#isStream ? Math.min(halfMs, this.#deadlines.commitAfterMs) : halfMs
    return Math.max(2 * usualMs, Math.min(latestMs, overdueMs(usualMs)))
  }
}

/** Those of one group that stand together are of equal preference. */
function endOfTier(all: readonly Deployment[], from: number): number {
  const { group } = all[from]!
  let to = from + 1
  if (group !== null) while (to < all.length && all[to]!.group === group) to++
  return to
}
