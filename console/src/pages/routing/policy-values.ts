/** A routing policy as it is typed, its way to and from the admin API, and what it says in words. Empty means: as the base has it. */
import { type ApiError, type RuleProblem } from '../../api.ts'
import { duration, money, moneyInput, parseUsd, percent, plural } from '../../format.ts'
import type { Base, Effort, NewRoutingPolicy, RoutingPolicy } from '../../routing/types.ts'

export const baseWords: Record<Base, string> = {
  balanced: 'Quality first, with an eye on cost and time.',
  cheap: 'The cheapest model that is as surely good as any other, less a tolerance.',
  best: 'Quality, whatever it costs.',
  fast: 'Time counts most.',
}
export const bases = Object.keys(baseWords) as Base[]
export const efforts: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high']

export interface CandidateValues {
  model: string
  effort: Effort | ''
  when: string
}
export const blankCandidate: CandidateValues = { model: '', effort: '', when: '' }

/** Fields that are a number of the API, by its names. */
export const numbers = ['cost', 'latency', 'tolerance', 'margin', 'min_quality', 'max_latency_ms', 'explore_share', 'explore_spend'] as const
export type NumberName = (typeof numbers)[number]

export type PolicyValues = Record<NumberName | 'max_cost_usd' | 'hedge' | 'cache', string> & {
  name: string
  base: Base
  /** Null: every model that the key may use. */
  candidates: CandidateValues[] | null
  sticky: '' | 'yes' | 'no'
}

const text = (value: number | null): string => (value === null ? '' : String(value))

export const blankPolicy: PolicyValues = {
  name: '', base: 'balanced', candidates: null, sticky: '', cost: '', latency: '', tolerance: '', margin: '', min_quality: '', max_latency_ms: '', explore_share: '', explore_spend: '', max_cost_usd: '', hedge: '', cache: '',
}

export const policyValues = (policy: RoutingPolicy): PolicyValues => ({
  name: policy.name, base: policy.base,
  candidates: policy.candidates?.map(({ model, effort, when }) => ({ model, effort: effort ?? '', when: when ?? '' })) ?? null,
  sticky: policy.sticky === null ? '' : policy.sticky ? 'yes' : 'no',
  ...(Object.fromEntries(numbers.map((name) => [name, text(policy[name])])) as Record<NumberName, string>),
  max_cost_usd: policy.max_cost_usd === null ? '' : moneyInput(Math.round(Number(policy.max_cost_usd) * 1e9)),
  hedge: text(policy.hedge?.max_spend ?? null), cache: text(policy.cache?.ttl_seconds ?? null),
})

const numberOf = (typed: string): number | null => (typed.trim() === '' ? null : Number(typed))

/** Complete, so that what was emptied is the base’s again. A candidate without a model is a line that nobody filled. */
export function policyInput(values: PolicyValues): NewRoutingPolicy {
  const [hedge, cache] = [numberOf(values.hedge), numberOf(values.cache)]
  return {
    name: values.name.trim(), base: values.base,
    candidates: values.candidates?.filter(({ model }) => model.trim()).map(({ model, effort, when }) => ({ model: model.trim(), effort: effort || null, when: when.trim() || null })) ?? null,
    ...(Object.fromEntries(numbers.map((name) => [name, numberOf(values[name])])) as Record<NumberName, number | null>),
    sticky: values.sticky === '' ? null : values.sticky === 'yes',
    max_cost_usd: values.max_cost_usd.trim() ? parseUsd(values.max_cost_usd) : null,
    hedge: hedge === null ? null : { max_spend: hedge }, cache: cache === null ? null : { ttl_seconds: cache },
  }
}

/** By the server's names of fields, `candidates.0.model` included. */
export type Problems = Readonly<Record<string, string>>

/** What could not be sent. Everything else is the server's to judge. */
export function typedProblems(values: PolicyValues, isNew: boolean): Problems {
  const wrong = [...numbers, 'hedge', 'cache'] as const
  const found = Object.fromEntries(wrong.filter((name) => values[name].trim() !== '' && !Number.isFinite(Number(values[name]))).map((name) => [serverName(name), 'Write a number, such as 0.05.']))
  return {
    ...found,
    ...(isNew && values.name.trim() === '' && { name: 'Give it a name: requests ask for auto:<name>.' }),
    ...(values.max_cost_usd.trim() !== '' && parseUsd(values.max_cost_usd) === null && { max_cost_usd: 'Write US dollars, such as 0.05.' }),
    ...(values.candidates !== null && values.candidates.every(({ model }) => model.trim() === '') && { candidates: 'Name a model, or let it choose from every model.' }),
  }
}
const serverName = (name: string): string => (name === 'hedge' ? 'hedge.max_spend' : name === 'cache' ? 'cache.ttl_seconds' : name)

/** Candidates are numbered as they stand in the form, where empty lines were left out. */
function atLine(field: string, { candidates }: PolicyValues): string {
  const [, index, rest] = /^candidates\.(\d+)(.*)$/.exec(field) ?? []
  if (index === undefined || candidates === null) return field
  const lines = candidates.flatMap(({ model }, line) => (model.trim() ? [line] : []))
  return `candidates.${lines[Number(index)] ?? index}${rest}`
}

const sentence = (message: string): string => `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.?!]$/.test(message) ? '' : '.'}`
function said({ message, line, column }: RuleProblem): string {
  const place = line === undefined ? '' : `Line ${line}, column ${column ?? 1}: `
  return place ? `${place}${message}.` : sentence(message)
}

/** What the server found, at the fields of the form as it was sent. */
export function serverProblems(error: ApiError, sent: PolicyValues): Problems {
  if (error.problems.length > 0) return Object.fromEntries(error.problems.toReversed().map((problem) => [atLine(problem.field, sent), said(problem)]))
  return error.param === null ? {} : { [atLine(error.param, sent)]: error.message }
}

const candidateText = ({ model, effort, when }: { model: string; effort: string | null; when: string | null }): string => `${model}${effort ? ` @${effort}` : ''}${when ? ' when…' : ''}`

/** What it says beyond its base, for the list: `candidates gpt-5.1, gpt-5-mini; quality ≥ 0.7`. */
export function policyText(policy: RoutingPolicy): string {
  const { candidates, hedge, cache } = policy
  const parts = [
    candidates && (candidates.length > 3 ? `${candidates.slice(0, 2).map(candidateText).join(', ')} and ${candidates.length - 2} more` : candidates.map(candidateText).join(', ')),
    policy.cost !== null && `cost ${policy.cost}`,
    policy.latency !== null && `time ${policy.latency}`,
    policy.tolerance !== null && `tolerance ${policy.tolerance}`,
    policy.min_quality !== null && `quality ≥ ${policy.min_quality}`,
    policy.max_cost_usd !== null && `at most ${money(Number(policy.max_cost_usd) * 1e9)}`,
    policy.max_latency_ms !== null && `within ${duration(policy.max_latency_ms)}`,
    policy.sticky !== null && (policy.sticky ? 'sessions stay' : 'sessions may change'),
    policy.margin !== null && `margin ${policy.margin}`,
    policy.explore_share !== null && `tries ≤ ${percent(policy.explore_share)}`,
    policy.explore_spend !== null && `tries ≤ ${percent(policy.explore_spend)} of the spend`,
    hedge && `hedges for ≤ ${percent(hedge.max_spend)}`,
    cache && `keeps answers ${duration(cache.ttl_seconds * 1000)}`,
  ].filter((part) => typeof part === 'string' && part !== '')
  return parts.join('; ')
}

/** For a conflict: what the two versions differ in. */
export const shownValues = (values: PolicyValues): Record<string, string> => ({
  Base: values.base,
  Candidates: values.candidates === null ? 'every model' : plural(values.candidates.length, 'model') + ': ' + values.candidates.map(({ model, effort, when }) => candidateText({ model, effort, when })).join(', '),
  Cost: values.cost, Time: values.latency, Tolerance: values.tolerance, 'Lowest quality': values.min_quality, 'Highest cost': values.max_cost_usd, 'Longest time': values.max_latency_ms,
  Sessions: values.sticky, Margin: values.margin, 'Tries, requests': values.explore_share, 'Tries, spend': values.explore_spend, Hedging: values.hedge, Cache: values.cache,
})
