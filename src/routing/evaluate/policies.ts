/** What the named policies would have done on the test rows, by the gateway’s own decisions; how long those took; and whether other words change them. */
import { builtInPolicies, type Policy } from '../policy.ts'
import type { Needs } from '../constraints.ts'
import type { Router } from '../router.ts'
import type { Understanding } from '../understand.ts'
import type { Point } from './curves.ts'
import { charsPerToken, type Matrix } from './matrix.ts'
import { perturb, perturbations, type Perturbation } from './perturb.ts'
import type { SeedRun } from './runs.ts'

export interface PolicyResult { policy: string; quality: number; ofBest: number; saving: number }
/** Milliseconds of understanding, predicting and scoring one request. */
export interface Times { p50Ms: number; p99Ms: number; decisions: number }
export interface Robustness { how: Perturbation; sameArm: number; quality: number; before: number }

const noNeeds: Needs = { promptTokens: 0, maxOutputTokens: 0, tools: false, schema: false, images: false, audio: false, models: null }

function decide(router: Router, understanding: Understanding, chars: number, policy: Policy, random: () => number): string {
  const { record } = router.decide({
    understanding, needs: { ...noNeeds, promptTokens: chars / charsPerToken }, tenant: '', session: null, isToolLoop: false, prefix: 0, outside: null, budgetPrice: 0, leftNano: Infinity, marksCache: false, isLowRisk: false,
  }, policy, 0, random)
  return record?.chosen ?? ''
}

export function decisionsOf(matrix: Matrix, { folds }: SeedRun, best: Point, random: () => number, nowMs: () => number): { policies: PolicyResult[]; times: Times } {
  const { models, test, rows } = matrix
  const times: number[] = []
  const policies = Object.values(builtInPolicies).filter(({ name }) => name !== 'fast').map((policy): PolicyResult => {
    let quality = 0
    let usd = 0
    for (const { predictor: { router }, places } of folds) for (const place of places) {
      const row = test[place] as number
      const { prompt } = rows[row]!
      const before = nowMs()
      const chosen = models.indexOf(decide(router, router.understander.understand(prompt), prompt.length, policy, random))
      times.push(nowMs() - before)
      quality += matrix.quality[row * models.length + chosen] as number
      usd += matrix.usd[row * models.length + chosen] as number
    }
    return { policy: policy.name, quality: quality / test.length, ofBest: quality / test.length / best.quality, saving: 1 - usd / test.length / best.cost }
  })
  times.sort((a, b) => a - b)
  return { policies, times: { p50Ms: times[Math.floor(times.length / 2)] ?? 0, p99Ms: times[Math.floor(times.length * 0.99)] ?? 0, decisions: times.length } }
}

export function robustness(matrix: Matrix, { folds }: SeedRun, random: () => number): Robustness[] {
  const { models, test, rows } = matrix
  return perturbations.map((how) => {
    let same = 0
    let after = 0
    let before = 0
    for (const { predictor: { router }, places } of folds) for (const place of places) {
      const row = test[place] as number
      const { prompt } = rows[row]!
      const plain = decide(router, matrix.understood[row]!, prompt.length, builtInPolicies.balanced, random)
      const changed = decide(router, router.understander.understand(perturb(prompt, how, random)), prompt.length, builtInPolicies.balanced, random)
      if (plain === changed) same++
      before += matrix.quality[row * models.length + models.indexOf(plain)] as number
      after += matrix.quality[row * models.length + models.indexOf(changed)] as number
    }
    return { how, sameArm: same / test.length, quality: after / test.length, before: before / test.length }
  })
}
