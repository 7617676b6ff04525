/**
 * An arm: a model with an effort of reasoning, where it can be asked, what it costs, and what was learned of it. Facts and prices
 * are replaced when the catalogue changes; what was learned stays.
 */
import type { Artefact } from './artefact.ts'
import { LogForecast, type ForecastState } from './forecast.ts'
import { Posterior, type PosteriorState } from './posterior.ts'
import { assumedOf } from './priors.ts'
import { Residual, type ResidualState } from './residual.ts'
import type { CacheRules } from './sessions.ts'
import { taskCount } from './tasks.ts'

/** Nano-dollars per million tokens. */
export interface Prices { input: number; output: number; cacheRead: number; cacheWrite: number }

export interface ArmFacts {
  /** Stable: model and effort. */
  id: string
  model: string
  effort: string
  /** Deployments that fail together share one: the vendor, or its region. */
  domain: string
  prices: Prices | null
  contextTokens: number
  outputTokens: number
  tools: boolean
  schema: boolean
  images: boolean
  audio: boolean
  reasoning: boolean
  /** ISO date, empty where unknown. */
  releasedOn: string
  /** Billions of parameters, 0 where unknown. */
  billions: number
  region: string
  /** How its vendor caches prompts, null: it does not. */
  cache: CacheRules | null
}

/** How far an arm may be used without being explored: see adoption.ts. */
export type Stage = 'candidate' | 'adopted' | 'rejected'

/** What was learned of an arm, as it is stored. `residual`: null while it says nothing. */
export interface ArmState { quality: PosteriorState; residual: ResidualState | null; outputs: ForecastState[]; ttftMs: ForecastState; tokenMs: ForecastState; taken: number }

const outputWindow = 500
const latencyWindow = 60
/** One second to the first token, give or take a factor of two. */
const assumedTtft = { mean: Math.log(1_000), deviation: 0.7 }
/** Milliseconds per token of output. */
const assumedPace = { mean: Math.log(15), deviation: 0.5 }

export class Arm {
  facts: ArmFacts
  stage: Stage
  readonly quality: Posterior
  readonly residual: Residual
  /** Tokens of output, per task. */
  readonly outputs: LogForecast[]
  readonly ttftMs = new LogForecast(assumedTtft, latencyWindow)
  readonly tokenMs = new LogForecast(assumedPace, latencyWindow)
  /** Raised by each thing that was learned: decision records cite it. */
  version = 0
  /** How often it was chosen. */
  taken = 0

  constructor(facts: ArmFacts, artefact: Artefact, stage: Stage = 'adopted') {
    this.facts = facts
    this.stage = stage
    this.quality = new Posterior(assumedOf(facts, artefact), artefact.shrinkage)
    this.residual = new Residual(artefact.shrinkage.residual)
    this.outputs = Array.from({ length: taskCount }, (_, task) => new LogForecast(artefact.outputs[task] ?? { mean: Math.log(200), deviation: 1 }, outputWindow))
  }

  state(): ArmState {
    const { quality, residual, outputs, ttftMs, tokenMs, taken } = this
    return { quality: quality.state(), residual: residual.outcomes === 0 ? null : residual.state(), outputs: outputs.map((each) => each.state()), ttftMs: ttftMs.state(), tokenMs: tokenMs.state(), taken }
  }

  /** Takes a stored state over, as far as it is of this version's tables. */
  restore({ quality, residual, outputs, ttftMs, tokenMs, taken }: ArmState): void {
    if (!this.quality.restore(quality)) return
    if (residual !== null) this.residual.restore(residual)
    for (let task = 0; task < this.outputs.length && outputs[task] !== undefined; task++) this.outputs[task]!.restore(outputs[task]!)
    this.ttftMs.restore(ttftMs)
    this.tokenMs.restore(tokenMs)
    this.taken = taken
  }
}
