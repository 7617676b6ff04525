/**
 * Health of deployments as their callers feel it: a success rate in which old failures fade, how long they take, and a circuit
 * breaker. Open: not asked; half-open: one request probes; its success closes the breaker, its failure opens it again. Nothing
 * here asks a deployment by itself.
 */
import type { FaultClass } from '../protocols/protocol.ts'
import { Latency } from './latency.ts'

/** Consecutive failures that open the breaker: five, and more where many calls run, since among thousands five in a row are chance. */
const leastInRow = 5
const mostInRow = 20
const callsPerInRow = 4
/** With jitter a breaker is never open for more than 18 s, so that a deployment that recovered is asked again within 30 s. */
const firstOpenMs = 5_000
const longestOpenMs = 15_000
const openJitter = 0.2
/** Closed for so long, it starts with the shortest time again. */
const calmMs = 60_000
/** Outcomes fade to a third in this time. */
const fadeMs = 20_000
/** Good outcomes that each deployment starts with, so that one failure is not everything that is known. */
const assumedGood = 2
/** A deployment is an outlier when it fails so much more often than the best that could take its place, and not by chance. */
const outlierMargin = 0.1
const outlierCalls = 10
const outlierFailures = 3
const provenCalls = 2
/** One that was worse than others comes back with so much of its past. */
const keptCalls = 5
/** An answer is overdue after this many times the usual, and never before this. Fewer answers than that teach no usual time. */
const overdueTimes = 8
const leastOverdueMs = 2_000
const usualAnswers = 10
/** So many calls must wait, all for too long, before a deployment counts as silent. */
const silentCalls = 3
/** Calls that one that never answered gets at a time, while others can take the rest. */
const unprovenCalls = 5
/** One that its equals were preferred to for so long, by what it did then, is tried again. */
const forgottenMs = 15_000
/** Deployments that are remembered: their ids may come from clients. */
export const rememberedDeployments = 2_000

export type BreakerState = 'closed' | 'open' | 'half_open'

/** What a deployment looks like from outside. Times in ms. */
export interface DeploymentHealth {
  id: string
  state: BreakerState
  /** Why the breaker is not closed: failures in a row, or failing more often than others that serve the same model. */
  reason: 'failures' | 'outlier' | null
  successRate: number
  inFlight: number
  /** Faded peak of the time to the first token, and to a plain answer; 0: nothing measured lately. */
  firstTokenMs: number
  answerMs: number
  /** Until the breaker lets a probe through; 0: at once. */
  opensInMs: number
  /** How often the breaker opened since the start. */
  openings: number
}

/** Faults that say something about the deployment, and not about the request or our credential. */
const blames = new Set<FaultClass>(['connect', 'timeout', 'server', 'overloaded', 'truncated'])

class Health {
  failures = 0
  openUntilMs = 0
  openMs = firstOpenMs
  openedAtMs = -Infinity
  reason: DeploymentHealth['reason'] = null
  probing = false
  inFlight = 0
  openings = 0
  good = 0
  all = 0
  countedAtMs = 0
  lastGoodMs = -Infinity
  lastEndMs = Infinity
  readonly latency = { stream: new Latency(), plain: new Latency() }
  /** Calls that wait for their first token, the oldest first. */
  oldest: Visit | null = null
  newest: Visit | null = null
  waiting = 0

  fade(nowMs: number): void {
    const kept = Math.exp((this.countedAtMs - nowMs) / fadeMs)
    this.good *= kept
    this.all *= kept
    this.countedAtMs = nowMs
  }

  successRate(nowMs: number): number {
    this.fade(nowMs)
    return (this.good + assumedGood) / (this.all + assumedGood)
  }
}

/** One call at a deployment. It takes a place, and gives it back by `done` or `leave`. */
export class Visit {
  readonly health: Health
  readonly isStream: boolean
  /** Until it has closed the breaker. */
  isProbe: boolean
  readonly sinceMs: number
  isOver = false
  isWaiting = true
  older: Visit | null = null
  newer: Visit | null = null

  constructor(health: Health, isStream: boolean, isProbe: boolean, sinceMs: number) {
    this.health = health
    this.isStream = isStream
    this.isProbe = isProbe
    this.sinceMs = sinceMs
    this.older = health.newest
    if (health.newest === null) health.oldest = this
    else health.newest.newer = this
    health.newest = this
    health.waiting++
    health.inFlight++
  }

  stopWaiting(): void {
    if (!this.isWaiting) return
    this.isWaiting = false
    const { health, older, newer } = this
    if (older === null) health.oldest = newer
    else older.newer = newer
    if (newer === null) health.newest = older
    else newer.older = older
    this.older = this.newer = null
    health.waiting--
  }
}

export class HealthBook {
  readonly #health = new Map<string, Health>()
  readonly #random: () => number

  /** `random` in [0, 1) spreads the times at which breakers let a probe through. */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Takes a place at the deployment: null while its breaker is open. `anyway`: also at one that is only worse than others; `probe`: as one whose success makes the past forgotten. */
  enter(deployment: string, isStream: boolean, nowMs: number, sinceMs = nowMs, how: 'usual' | 'anyway' | 'probe' = 'usual'): Visit | null {
    const health = this.#of(deployment, nowMs)
    let isProbe = how === 'probe' && !health.probing
    if (health.openUntilMs > 0) {
      isProbe = nowMs >= health.openUntilMs && !health.probing
      if (!isProbe && !(how === 'anyway' && health.reason === 'outlier')) return null
    }
    if (isProbe) health.probing = true
    return new Visit(health, isStream, isProbe, sinceMs)
  }

  /** It has more calls than one should that never answered. */
  isUnproven(deployment: string): boolean {
    const health = this.#health.get(deployment)
    return health !== undefined && health.lastGoodMs === -Infinity && health.waiting >= unprovenCalls
  }

  /** Its first token came, after `latencyMs`: that is enough for a probe. */
  began(visit: Visit, latencyMs: number, nowMs: number): void {
    if (!visit.isWaiting) return
    const { health } = visit
    visit.stopWaiting()
    latencyOf(health, visit.isStream).answered(latencyMs, nowMs)
    health.lastGoodMs = nowMs
    if (visit.isProbe) this.#close(visit, latencyMs, nowMs)
  }

  /** `fault` null: it worked; undefined: it says nothing of success (the client left), only that it took so long. */
  done(visit: Visit, fault: FaultClass | null | undefined, nowMs: number): void {
    const { health, isWaiting, isProbe } = visit
    this.leave(visit)
    health.lastEndMs = nowMs
    const latency = latencyOf(health, visit.isStream)
    const blamed = fault !== undefined && fault !== null && blames.has(fault)
    if (isWaiting && (fault === undefined || fault === 'timeout')) latency.waited(nowMs - visit.sinceMs, nowMs)
    if (fault === undefined) return
    if (blamed) return this.#failed(health, isProbe, nowMs)
    if (fault === null) {
      health.fade(nowMs)
      health.good++
      health.all++
      health.failures = 0
      health.lastGoodMs = nowMs
    }
    // Whatever it says, it answers.
    if (isProbe && health.openUntilMs > 0) this.#close(visit, 0, nowMs)
  }

  /** The call was not made, or ended in a way that says nothing at all. */
  leave(visit: Visit): void {
    if (visit.isOver) return
    visit.isOver = true
    visit.stopWaiting()
    visit.health.inFlight--
    if (visit.isProbe) visit.isProbe = visit.health.probing = false
  }

  /** Opens the breaker of a deployment that fails much more often than `best`, the success rate of what could take its place. */
  ejectOutlier(deployment: string, best: number, nowMs: number): boolean {
    const health = this.#health.get(deployment)
    if (health === undefined || health.openUntilMs > 0) return false
    const rate = health.successRate(nowMs)
    if (health.all < outlierCalls || health.all - health.good < outlierFailures || rate >= best - outlierMargin) return false
    this.#open(health, 'outlier', nowMs)
    return true
  }

  state(deployment: string, nowMs: number): BreakerState {
    const health = this.#health.get(deployment)
    if (!health || health.openUntilMs === 0) return 'closed'
    return nowMs < health.openUntilMs ? 'open' : 'half_open'
  }

  /** A probe is welcome: the breaker is half-open, and no other probe runs. */
  wantsProbe(deployment: string, nowMs: number): boolean {
    const health = this.#health.get(deployment)
    return health !== undefined && health.openUntilMs > 0 && nowMs >= health.openUntilMs && !health.probing
  }

  /** Nothing was heard of it for long, since others were preferred: what it did then says little of now. */
  isForgotten(deployment: string, nowMs: number): boolean {
    const health = this.#health.get(deployment)
    return health !== undefined && health.inFlight === 0 && nowMs - health.lastEndMs > forgottenMs
  }

  /** Switched off only because others are better: still to be had where there is no other. */
  isOutlier(deployment: string): boolean {
    return this.#health.get(deployment)?.reason === 'outlier'
  }

  /** It answers nobody: several calls have waited far too long, and none got an answer since the oldest began. */
  isSilent(deployment: string, isStream: boolean, nowMs: number): boolean {
    const health = this.#health.get(deployment)
    if (health === undefined || health.waiting < silentCalls || health.lastGoodMs >= health.oldest!.sinceMs) return false
    const usualMs = usualOf(health, isStream)
    return usualMs !== null && nowMs - health.oldest!.sinceMs > overdueMs(usualMs)
  }

  /** Its success rate, cautiously; 0 where too few calls have shown it. */
  provenRate(deployment: string, nowMs: number): number {
    const health = this.#health.get(deployment)
    if (health === undefined) return 0
    health.fade(nowMs)
    return health.all < provenCalls ? 0 : (health.good + 0.5) / (health.all + 1)
  }

  /** The usual time to its first token, or plain answer, ms; null where too few have come to know. */
  usualMs(deployment: string, isStream: boolean): number | null {
    const health = this.#health.get(deployment)
    return health === undefined ? null : usualOf(health, isStream)
  }

  /** From when on its first token, or plain answer, is late: nineteen of twenty come sooner. Infinity where too few have come to know. */
  lateMs(deployment: string, isStream: boolean): number {
    const health = this.#health.get(deployment)
    return health === undefined ? Infinity : latencyOf(health, isStream).lateMs
  }

  /** The faded peak of its answers, ms; null where none was measured. */
  latencyMs(deployment: string, isStream: boolean, nowMs: number): number | null {
    const health = this.#health.get(deployment)
    if (health === undefined) return null
    const latency = latencyOf(health, isStream)
    return latency.isKnown ? latency.peakMs(nowMs) : null
  }

  /** How long the oldest call has waited for its first token, ms: nothing may be known of a black hole but this. */
  waitedMs(deployment: string, nowMs: number): number {
    const oldest = this.#health.get(deployment)?.oldest
    return oldest ? nowMs - oldest.sinceMs : 0
  }

  /**
   * The load that one more call would meet, for comparison: time × calls, by the eighth power of the success rate, since a failure
   * costs far more than its own time: further attempts are rationed.
   */
  cost(deployment: string, latencyMs: number, nowMs: number): number {
    const health = this.#health.get(deployment)
    if (health === undefined) return Math.max(1, latencyMs)
    const square = health.successRate(nowMs) ** 2
    return (Math.max(1, latencyMs) * (health.inFlight + 1)) / square ** 4
  }

  all(nowMs: number): DeploymentHealth[] {
    return [...this.#health].map(([id, health]) => ({
      id, state: this.state(id, nowMs), reason: health.reason, successRate: health.successRate(nowMs), inFlight: health.inFlight,
      firstTokenMs: Math.round(health.latency.stream.peakMs(nowMs)), answerMs: Math.round(health.latency.plain.peakMs(nowMs)),
      opensInMs: health.openUntilMs === 0 ? 0 : Math.max(0, Math.round(health.openUntilMs - nowMs)), openings: health.openings,
    }))
  }

  #failed(health: Health, isProbe: boolean, nowMs: number): void {
    health.fade(nowMs)
    health.all++
    health.failures++
    if (isProbe) return this.#open(health, health.reason ?? 'failures', nowMs)
    // What was under way when it opened changes nothing.
    if (health.openUntilMs > 0) return
    if (health.failures >= Math.min(mostInRow, Math.max(leastInRow, Math.floor(health.all / callsPerInRow)))) this.#open(health, 'failures', nowMs)
  }

  #open(health: Health, reason: 'failures' | 'outlier', nowMs: number): void {
    if (health.openUntilMs === 0 && nowMs - health.openedAtMs > calmMs) health.openMs = firstOpenMs
    health.reason = reason
    health.openedAtMs = nowMs
    health.openUntilMs = nowMs + health.openMs * (1 - openJitter + 2 * openJitter * this.#random())
    health.openMs = Math.min(longestOpenMs, health.openMs * 2)
    health.openings++
  }

  /** After failures it begins anew; one that was worse than others keeps some of its past, so that it has to show that it is better now. */
  #close(visit: Visit, latencyMs: number, nowMs: number): void {
    const { health } = visit
    visit.isProbe = health.probing = false
    const keptShare = health.reason === 'outlier' ? Math.min(1, keptCalls / health.all) : 0
    health.good *= keptShare
    health.all *= keptShare
    health.openUntilMs = 0
    health.reason = null
    health.failures = 0
    health.latency.stream.forget()
    health.latency.plain.forget()
    if (latencyMs > 0) latencyOf(health, visit.isStream).waited(latencyMs, nowMs)
  }

  #of(deployment: string, nowMs: number): Health {
    let health = this.#health.get(deployment)
    if (!health) {
      if (this.#health.size >= rememberedDeployments) this.#forgetOne(nowMs)
      health = new Health()
      this.#health.set(deployment, health)
    }
    return health
  }

  /** The oldest with nothing in flight and no open breaker; none, where all are busy or resting. */
  #forgetOne(nowMs: number): void {
    for (const [id, { inFlight, openUntilMs }] of this.#health) {
      if (inFlight === 0 && openUntilMs <= nowMs) return void this.#health.delete(id)
    }
  }
}

const latencyOf = (health: Health, isStream: boolean): Latency => (isStream ? health.latency.stream : health.latency.plain)

function usualOf(health: Health, isStream: boolean): number | null {
  const { answers, usualMs } = latencyOf(health, isStream)
  return answers < usualAnswers ? null : usualMs
}

/** From when on an answer is overdue. */
export const overdueMs = (usualMs: number): number => Math.max(leastOverdueMs, overdueTimes * usualMs)
