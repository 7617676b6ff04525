/**
 * What an operator sees in `/metrics` of deployments, credentials and further attempts. Names may come from clients, so they are bounded
 * here; deployments that are called the same in several organisations are one series, which shows the worst of them.
 */
import { idIn } from '../gateway/snapshot.ts'
import type { DeploymentHealth } from '../routing/health.ts'
import type { HedgeBudget } from '../routing/hedge-budget.ts'
import type { PlanTools } from '../routing/plan.ts'

/** One metric with one label, as other parts report it: label values and numbers. Replaces what was reported before. */
export interface Series {
  name: string
  help: string
  kind: 'gauge' | 'counter'
  label: string
  values: readonly (readonly [string, number])[]
}

/** Deployments that are shown: those in trouble first, then those that work. */
export const shownDeployments = 500

const breakerOf = { closed: 0, half_open: 1, open: 2 } as const

const sum = (...values: number[]): number => values.reduce((total, value) => total + value, 0)
const urgency = ({ state, inFlight }: DeploymentHealth): number => breakerOf[state] * 2 + (inFlight > 0 ? 1 : 0)

export const hedgeSeries = ({ counts }: HedgeBudget): Series => ({
  name: 'megarouter_hedges_total', help: 'Second attempts beside late ones: started, which of both the client got, and those that were not made for want of spend.', kind: 'counter', label: 'event', values: Object.entries(counts),
})

export function healthSeries({ health, credentials, retries }: Pick<PlanTools, 'health' | 'credentials' | 'retries'>, nowMs: number): Series[] {
  const all = health.all(nowMs)
  const shown = all.length <= shownDeployments ? all : all.sort((a, b) => urgency(b) - urgency(a)).slice(0, shownDeployments)
  const named = Map.groupBy(shown, ({ id }) => idIn(id))
  const of = (name: string, help: string, value: (each: DeploymentHealth) => number, together: (...values: number[]) => number = Math.max, kind: Series['kind'] = 'gauge'): Series =>
    ({ name: `megarouter_deployment_${name}`, help, kind, label: 'deployment', values: [...named].map(([id, same]) => [id, together(...same.map(value))] as const) })
  return [
    of('breaker', '0 closed, 1 half-open, 2 open.', ({ state }) => breakerOf[state]),
    of('success_ratio', 'Share of calls that worked; old ones fade within a minute.', ({ successRate }) => successRate, Math.min),
    of('first_token_seconds', 'Faded peak of the time to the first token of streams; 0: nothing measured lately.', ({ firstTokenMs }) => firstTokenMs / 1000),
    of('answer_seconds', 'Faded peak of the time to a plain answer; 0: nothing measured lately.', ({ answerMs }) => answerMs / 1000),
    of('in_flight', 'Calls that run.', ({ inFlight }) => inFlight, sum),
    of('openings_total', 'Times the breaker opened.', ({ openings }) => openings, sum, 'counter'),
    { name: 'megarouter_retries_total', help: 'Attempts beyond the first of a request, by the fault before them.', kind: 'counter', label: 'reason', values: [...retries.made] },
    { name: 'megarouter_credentials_resting', help: 'Credentials that rest, for all models or for some.', kind: 'gauge', label: 'provider', values: [...credentials.resting(nowMs)] },
  ]
}
