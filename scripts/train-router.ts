/**
 * Builds src/routing/artefact.json from the shared outcome data: `node scripts/train-router.ts [folder]`, about a minute. The folder
 * is the argument, or MEGAROUTER_ROUTING_DATA, or ../shared/routing-data. Only rows of the build part are read; the same data gives
 * the same file. It fails when the data lacks a set or a task has no name.
 */
import { writeFileSync } from 'node:fs'
import { artefactFormat, packWeights, readArtefact, rowsOf, tierCount, type Artefact, type ArtefactFile } from '../src/routing/artefact.ts'
import { hashBits } from '../src/routing/features.ts'
import { hashOf } from '../src/routing/evaluate/outcomes.ts'
import { cellCount, taskTypes } from '../src/routing/tasks.ts'
import { Understander } from '../src/routing/understand.ts'
import { seeded } from '../src/simulated/random.ts'
import { buildRows, defaultFolder, loadRows, taskOf } from './routing/data.ts'
import { examples } from './routing/examples.ts'
import { headsOf } from './routing/heads.ts'
import { bestShrinkage, difficultyOf, outputForecasts, tierPriors, type Seen } from './routing/priors.ts'
import { shuffle, train, type Example, type Settings, type Trained } from './routing/train.ts'

/** Chosen by cross-validation on the build part. */
const settings: Settings = { epochs: 6, rate: 0.1, taskDecay: 1e-5, headDecay: 1e-2, seed: 1 }
const perTask = 120
const folds = 3
/** Its quality is a judge's preference, not whether a task was solved: it teaches nothing about difficulty. */
const judged = 'alpacaeval2'
const sources = ['mmlu_pro: TIGER-AI-Lab/MMLU-Pro, Apache-2.0', 'routerbench: RouterBench, MIT', 'zeroeval_*: WildEval/ZeroEval, Apache-2.0', 'alpacaeval2: tatsu-lab/alpaca_eval, Apache-2.0', 'requests of further kinds: templates of scripts/routing/examples.ts']

const round = (values: Float32Array): number[] => Array.from(values, (value) => Number(value.toFixed(5)))
const say = (line: string): void => void process.stderr.write(`${line}\n`)

const unfinished = { version: '', difficulty: { easy: 1, medium: 0, hard: -1 }, shrinkage: { arm: 10, task: 20, cell: 40, tenant: 30, residual: 30 }, outputs: [], trainedOn: [] }
const provisional = (trained: Trained, rest: Partial<Artefact> = {}): Artefact => ({ ...unfinished, ...rowsOf(packWeights(trained.weights)), form: trained.form, bias: trained.bias, tiers: new Float32Array(tierCount * cellCount), ...rest })

const folder = process.argv[2] ?? process.env['MEGAROUTER_ROUTING_DATA'] ?? defaultFolder
const rows = buildRows(loadRows(folder))
const heads = headsOf(rows)
const order = rows.map((row, at): Example & { at: number } => ({ at, text: row.prompt, task: taskOf(row), heads: row.set === judged ? null : (heads[at] as number[]) }))
shuffle(order, seeded(settings.seed))
const others = examples(perTask, seeded(settings.seed)).map((each) => ({ ...each, heads: null }))
say(`${rows.length} rows of the build part, ${others.length} examples from templates`)

/** Each row as a classifier sees it that was trained without it. */
const strangers = Array.from({ length: folds }, (_, fold) => {
  say(`training without fold ${fold + 1} of ${folds}`)
  return new Understander(provisional(train([...order.filter((_each, place) => place % folds !== fold), ...others], settings, seeded(settings.seed))))
})
const rated = order.map((each, place) => ({ ...each, place })).filter(({ heads: known }) => known !== null)
const read = (understanders: readonly Understander[]): Seen[] => rated.map(({ at, text, place }) => ({ row: rows[at]!, understanding: understanders[place % folds]!.understand(text) }))
const difficulty = difficultyOf(read(strangers))
say('training on all of it')
const trained = train([...order, ...others], settings, seeded(settings.seed))
// The folds again, now that hardness is known.
const seen = read(strangers).map(({ row, understanding }) => ({ row, understanding: { ...understanding, hardness: hardnessOf(understanding.signals) } }))
function hardnessOf(signals: Float32Array): [number, number, number] {
  const chance = ((signals[1] as number) + (signals[2] as number) + (signals[3] as number)) / 3
  const part = chance >= difficulty.medium ? Math.min(1, (chance - difficulty.medium) / (difficulty.easy - difficulty.medium)) : Math.min(1, (difficulty.medium - chance) / (difficulty.medium - difficulty.hard))
  return chance >= difficulty.medium ? [part, 1 - part, 0] : [0, 1 - part, part]
}
const tiers = tierPriors(seen)
const shrinkage = bestShrinkage(seen, Float32Array.from(tiers), say)
const file: ArtefactFile = {
  format: artefactFormat, version: '', tasks: [...taskTypes], hashBits, difficulty, shrinkage, outputs: outputForecasts(seen), trainedOn: [...new Set(rows.map(({ set }) => set))].toSorted(), sources,
  tiers, bias: round(trained.bias), form: round(trained.form), weights: packWeights(trained.weights),
}
file.version = `routing-1-${hashOf(JSON.stringify(file)).toString(16).padStart(8, '0')}`
readArtefact(file)
writeFileSync(new URL('../src/routing/artefact.json', import.meta.url), `${JSON.stringify(file)}\n`)
say(`${file.version} ${JSON.stringify({ difficulty, shrinkage })}`)
