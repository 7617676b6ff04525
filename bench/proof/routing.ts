/** Routing on recorded outcomes: savings beside every simple thing, and a simulator in which all outcomes are known. Needs the shared outcome data. */
import { evaluate, type PoolResult } from '../../src/routing/evaluate/evaluate.ts'
import type { Interval } from '../../src/routing/evaluate/bootstrap.ts'
import { loadArtefact } from '../../src/routing/load.ts'
import { seeded } from '../../src/simulated/random.ts'
import type { Measure, Row } from '../proof.ts'
import { again, decisionTimes } from '../routing/again.ts'
import { sessions } from '../routing/agent-sessions.ts'
import { regretsOf } from '../routing/bandits.ts'
import { ceiling, newcomer, outage, priceCut, regression } from '../routing/scenarios.ts'
import { fixedSpec, isTrained, readData, worldsOf, type World } from '../routing/world.ts'

const seeds = Array.from({ length: 20 }, (_, at) => at + 1)
/** Regrets of single seeds differ more than players do: with 20 of them the deviation of a mean is a tenth of it. */
const regretSeeds = 50
const manySeeds = Array.from({ length: 100 }, (_, at) => at + 1)
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`
const points = ({ value, low, high }: Interval): string => `${(100 * value).toFixed(1)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
const share = (values: readonly boolean[]): number => values.filter(Boolean).length / values.length

export function evaluated(pool: PoolResult): Row[] {
  const { name, savings } = pool
  const isCore = name === 'mmlu_pro' || name === 'routerbench'
  const three = (values: readonly number[]): string => values.map(percent).join(' / ')
  return [
    ...(['router', 'hull', 'task_table', 'length', 'oracle'] as const).map((curve): Row => ({ what: `${name}: saving at 100 / 99 / 95 % of the best, ${curve}`, value: `${three(savings[curve].saving)}, AIQ ${savings[curve].aiq.toFixed(4)}`, unit: '' })),
    { what: `${name}: router less mixing on the hull at 99 %, points`, value: points(pool.lead[1]), unit: '', ...(isCore ? { target: 'above 0 with 95 %', met: pool.lead[1].low > 0 } : {}) },
    { what: `${name}: router less hull at 100 / 95 %, points`, value: `${points(pool.lead[0])} / ${points(pool.lead[2])}`, unit: '', target: 'not below −1', met: pool.lead.every(({ value }) => value > -0.01) },
    { what: `${name}: saving at 99 % by own labels`, value: pool.learning.map(({ labels, saving99 }) => `${labels}: ${percent(saving99)}`).join(', '), unit: '' },
    ...pool.pairs.flatMap((pair): Row[] => {
      const most = Math.max(pair.by.length.apgr, pair.by.task_table.apgr)
      return [
        { what: `${name}: APGR ${pair.strong} or ${pair.weak}`, value: Object.entries(pair.by).map(([curve, { apgr }]) => `${curve} ${apgr.toFixed(3)}`).join(', '), unit: '', target: `≥ ${(most - 0.01).toFixed(3)}`, met: pair.by.router.apgr >= most - 0.01 },
        { what: '… by own labels, router / length / table', value: pair.learning.map(({ labels, router, length, task_table: table }) => `${labels}: ${router.toFixed(3)} / ${length.toFixed(3)} / ${table.toFixed(3)}`).join(', '), unit: '' },
        { what: '… less length, less table', value: Object.values(pair.lead).map(({ value, low, high }) => `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`).join(', '), unit: '' },
      ]
    }),
    { what: `${name}: policies, share of the best model’s quality and saving`, value: pool.policies.map(({ policy, ofBest, saving }) => `${policy} ${percent(ofBest)}, ${percent(saving)}`).join('; '), unit: '' },
    { what: `${name}: the same model after other words`, value: pool.robustness.map(({ how, sameArm, quality, before }) => `${how} ${percent(sameArm)}, quality ${before.toFixed(3)} → ${quality.toFixed(3)}`).join('; '), unit: '' },
  ]
}

function regrets(world: World): Row[] {
  const { name } = world
  return [0.05, 0.3].map((weight): Row => {
    const { regrets: found, wins } = regretsOf(world, weight, 2_000, regretSeeds)
    const own = found.find(({ player }) => player === 'router')!.perRequest
    return {
      what: `${name}: regret per request, cost weight ${weight}`, value: `${found.map(({ player, perRequest }) => `${player} ${perRequest.toFixed(4)}`).join(', ')}; least in ${wins} of ${regretSeeds} seeds`, unit: '',
      target: 'below all baselines', met: found.every(({ player, perRequest }) => player === 'router' || own < perRequest),
    }
  })
}

function ceilings(world: World): Row[] {
  const { name } = world
  return [0.3, 0.7].flatMap((part): Row[] => {
    const still = seeds.map((seed) => ceiling(world, part, 3_000, seed, false).spent)
    const found = seeds.map((seed) => ceiling(world, part, 3_000, seed))
    const spent = found.map((each) => each.spent)
    const binding = found.filter(({ isBinding }) => isBinding)
    return [{
      what: `${name}: spend of a ceiling at ${percent(part)} of free spend when what the policy wants stays the same, least to most of ${seeds.length}`, value: `${percent(Math.min(...still))} to ${percent(Math.max(...still))}`, unit: '',
      target: 'within 1 %', met: still.every((each) => each >= 0.99 && each <= 1.01),
    }, {
      what: `${name}: spend of a ceiling at ${percent(part)} of free spend while it learns, least to most of ${seeds.length}`, value: `${percent(Math.min(...spent))} to ${percent(Math.max(...spent))}; it binds to the end in ${binding.length}: from ${percent(Math.min(1, ...binding.map((each) => each.spent)))}`, unit: '',
      target: 'never above; where it binds within 1 %', met: spent.every((each) => each <= 1) && binding.every((each) => each.spent >= 0.99),
    }]
  })
}

function changes(world: World): Row[] {
  const { name } = world
  const better = seeds.map((seed) => newcomer(world, { better: 0.2 }, seed))
  const equal = seeds.map((seed) => newcomer(world, {}, seed))
  const bad = manySeeds.map((seed) => newcomer(world, { worse: 0.25 }, seed))
  const wrong = share(bad.map(({ late, before }) => late > before / 2))
  const outages = seeds.map((seed) => outage(world, seed))
  const cuts = seeds.map((seed) => priceCut(world, seed))
  const regressions = seeds.map((seed) => regression(world, 0.5, seed))
  const moved = Math.max(...outages.map(({ movedMs }) => movedMs))
  const carries = (all: readonly { requestsToHalf: number }[]): number => share(all.map(({ requestsToHalf }) => requestsToHalf <= 500))
  return [
    { what: `${name}: a better newcomer at half the price carries more than half of its tasks within 500 requests`, value: `${percent(carries(better))} of seeds, median after ${median(better.map(({ requestsToHalf }) => requestsToHalf))}`, unit: '', target: 'all', met: carries(better) === 1 },
    { what: `${name}: an equal one at half the price`, value: `${percent(carries(equal))} of seeds, median after ${median(equal.map(({ requestsToHalf }) => requestsToHalf))}, share of requests 400 to 500 ${percent(median(equal.map((each) => each.share)))}`, unit: '', target: 'all', met: carries(equal) === 1 },
    { what: `${name}: one that loses a quarter of what it solves, carrying in requests 500 to 1,000 more than half of what the model it copies carried before it came`, value: percent(wrong), unit: `of ${bad.length} seeds`, target: '≤ 1 %', met: wrong <= 0.01 },
    { what: `${name}: the same, carrying more requests than the model it copies, however few; more than 5 % of all requests`, value: `${percent(share(bad.map(({ lateShare }) => lateShare > 0.5)))}; ${percent(share(bad.map(({ late }) => late > 0.05)))}`, unit: `of ${bad.length} seeds` },
    { what: `${name}: outage, until traffic has moved, longest`, value: moved, unit: 'ms', target: '≤ 2000, posteriors unchanged', met: moved <= 2_000 && outages.every(({ isQualityUntouched }) => isQualityUntouched) },
    { what: `${name}: requests until a price cut counts; share of the model before and after`, value: `${Math.max(...cuts.map(({ requests }) => requests))}; ${percent(median(cuts.map(({ before }) => before)))} → ${percent(median(cuts.map(({ after }) => after)))}`, unit: '', target: '0', met: cuts.every(({ requests }) => requests === 0) },
    { what: `${name}: outcomes until a model that lost half of its quality is left, median and most`, value: `${median(regressions.map(({ outcomes }) => outcomes))}, ${Math.max(...regressions.map(({ outcomes }) => outcomes))}`, unit: '', target: '≤ 300', met: regressions.every(({ outcomes }) => outcomes <= 300) },
  ]
}

function agents(world: World): Row[] {
  const found = sessions(world, 200, seeds.length)
  return [
    {
      what: `${world.name}: cost of ${200 * seeds.length} agent sessions, and of the cheapest fixed mix of equal quality`, value: `$${found.usd.toFixed(0)} against $${found.fixedUsd.toFixed(0)} (single model $${found.singleUsd.toFixed(0)}; without sessions and caches $${found.blindUsd.toFixed(0)} at ${found.blindQuality.toFixed(4)}); quality ${found.quality.toFixed(4)}`, unit: '',
      target: '≤ fixed', met: found.usd <= found.fixedUsd * 1.0001,
    },
    { what: `${world.name}: changes of model within a tool loop`, value: found.switchesInLoops, unit: `of ${found.switches} changes`, target: '0', met: found.switchesInLoops === 0 },
  ]
}

function decisions(world: World): Row[] {
  const { decisions: all, same } = again(world, 10_000, 1)
  const typical = decisionTimes(world, loadArtefact(), 20, 0, 4_000)
  const large = decisionTimes(world, loadArtefact(), 200, 8_000, 2_000)
  return [
    { what: `${world.name}: decisions that are the same when made again from their record`, value: `${same} of ${all}`, unit: '', target: 'all', met: same === all },
    { what: `${world.name}: understand, predict, score and record, 20 candidates, mean and p99`, value: `${typical.meanUs.toFixed(1)}, ${typical.p99Us.toFixed(1)}`, unit: 'µs', target: 'mean ≤ 45', met: typical.meanUs <= 45 },
    { what: `${world.name}: the same for 8,000 characters and 200 candidates`, value: `${large.meanUs.toFixed(1)}, ${large.p99Us.toFixed(1)}`, unit: 'µs', target: 'p99 ≤ 500', met: large.p99Us <= 500 },
  ]
}

/** The simulator’s parts, each on one world. */
export const parts = { regrets, ceilings, changes, agents, decisions }

export const measure: Measure = async () => {
  const artefact = loadArtefact()
  const rows = readData()
  const pools = evaluate(rows, fixedSpec(), { artefact, isTrained: isTrained(artefact), random: seeded, nowMs: () => performance.now() })
  const worlds = worldsOf(rows, artefact)
  return {
    title: 'Routing',
    claim: 'At the same quality the router saves more than mixing models at random, it orders prompts at least as well as their length or their true task do, it learns from what it chose, and each decision can be made again from its record.',
    method: 'Outcomes of 7 to 20 models on the same prompts; pools, pairs, parts and seeds are those of bench/route-eval.json, fixed before anything was trained. The artefact was trained, and every setting chosen, on the build part; figures are of the test part: five seeds, five folds, paired bootstrap over prompts with 95 %. The simulator replays the full outcome matrices of the test part; a policy sees only the outcome of what it chose. docs/routing-measured.md says what this does not show.',
    rows: [...pools.flatMap(evaluated), ...Object.values(parts).flatMap((part) => worlds.flatMap(part))],
  }
}
