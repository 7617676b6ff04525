/** A world in which every model’s outcome of every prompt is known: what a policy chooses is revealed, the rest stays hidden from it. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Arm, ArmFacts } from '../../src/routing/arm.ts'
import type { Artefact } from '../../src/routing/artefact.ts'
import { matrixOf, type Matrix } from '../../src/routing/evaluate/matrix.ts'
import { isBuildPart, readOutcomes, type OutcomeRow } from '../../src/routing/evaluate/outcomes.ts'
import { factsOf } from '../../src/routing/evaluate/predictors.ts'
import { shuffled } from '../../src/routing/evaluate/runs.ts'
import { readSpec, type Spec } from '../../src/routing/evaluate/spec.ts'
import type { Policy } from '../../src/routing/policy.ts'
import { Router, type Decision } from '../../src/routing/router.ts'
import { Understander } from '../../src/routing/understand.ts'
import { seeded } from '../../src/simulated/random.ts'

export const dataFolder = process.env['MEGAROUTER_ROUTING_DATA'] ?? '../shared/routing-data'
export const readData = (): OutcomeRow[] => readOutcomes(gunzipSync(readFileSync(`${dataFolder}/outcomes.jsonl.gz`)).toString('utf8'))
export const fixedSpec = (): Spec => readSpec(readFileSync(new URL('../route-eval.json', import.meta.url), 'utf8'))
export const isTrained = (artefact: Artefact) => ({ set, prompt }: OutcomeRow): boolean => artefact.trainedOn.includes(set) && isBuildPart(prompt)

export interface World {
  name: string
  matrix: Matrix
  artefact: Artefact
  facts: ArmFacts[]
  /** Dollars that a request costs with the best model. */
  usualUsd: number
  best: number
}

export function worldsOf(rows: readonly OutcomeRow[], artefact: Artefact, trained = isTrained(artefact)): World[] {
  const understander = new Understander(artefact)
  return fixedSpec().pools.map((pool) => {
    const matrix = matrixOf(rows, pool, understander, trained)
    const means = matrix.models.map((_, model) => meanOf(matrix, model))
    const best = means.reduce((found, { quality }, model) => (quality > means[found]!.quality ? model : found), 0)
    return { name: pool.name, matrix, artefact, facts: factsOf(matrix), usualUsd: means[best]!.usd, best }
  })
}

export function meanOf({ models, test, quality, usd }: Matrix, model: number): { quality: number; usd: number } {
  let sumQuality = 0
  let sumUsd = 0
  for (const row of test) {
    sumQuality += quality[row * models.length + model] as number
    sumUsd += usd[row * models.length + model] as number
  }
  return { quality: sumQuality / test.length, usd: sumUsd / test.length }
}

/** Test rows in random order, again and again. */
export function stream({ matrix }: World, count: number, seed: number): number[] {
  const random = seeded(seed)
  const rows: number[] = []
  while (rows.length < count) rows.push(...shuffled(matrix.test, random))
  return rows.slice(0, count)
}

export const outcome = ({ matrix }: World, row: number, model: number): { quality: number; usd: number; tokens: number } => {
  const at = row * matrix.models.length + model
  return { quality: matrix.quality[at] as number, usd: matrix.usd[at] as number, tokens: matrix.outputTokens[at] as number }
}

/** The product’s router in this world, and one request of it. */
export class Routed {
  readonly router: Router
  readonly world: World
  readonly policy: Policy
  readonly random: () => number
  constructor(world: World, policy: Policy, seed: number, facts: readonly ArmFacts[] = world.facts) {
    this.router = new Router(world.artefact)
    this.router.setArms(facts)
    this.world = world
    this.policy = policy
    this.random = seeded(seed)
  }

  ask(row: number, { price = 0, outside = null as Uint32Array | null, nowMs = 0, policy = this.policy } = {}): Extract<Decision, { arm: Arm }> {
    const { matrix } = this.world
    const decision = this.router.decide({
      understanding: matrix.understood[row]!, needs: { promptTokens: matrix.rows[row]!.prompt.length / 4, maxOutputTokens: 0, tools: false, schema: false, images: false, audio: false, models: null },
      tenant: '', session: null, isToolLoop: false, prefix: 0, outside, budgetPrice: price / 1e9, leftNano: Infinity, marksCache: false, isLowRisk: true,
    }, policy, nowMs, this.random)
    if (decision.record === null) throw new Error(`nothing left: ${JSON.stringify(decision.nothingLeft)}`)
    return decision
  }

  tell(row: number, arm: string, quality: number, tokens: number): void {
    const understanding = this.world.matrix.understood[row]!
    this.router.learn({ arm, tenant: '', understanding }, { value: quality, trust: 1 })
    this.router.observe(arm, understanding, tokens, 0, 0)
  }
}
