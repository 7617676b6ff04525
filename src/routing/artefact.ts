/**
 * What was learned before the first request: weights of the classifier, shrinkage settings and priors of price tiers, built by
 * `scripts/train-router.ts`. It knows tasks and tiers, and no model. A file that does not fit this code is refused with the reason.
 */
import { buckets, formCount, hashBits } from './features.ts'
import { PackedRows } from './packed-rows.ts'
import { cellCount, taskTypes, wordTasks } from './tasks.ts'

export const artefactFormat = 1
/** Chances that models solve a prompt, relative to others of its kind: those of the lower, middle and upper third. */
export const headCount = 3
export const outputCount = wordTasks + headCount
export const tierCount = 5

/** How fast evidence about an arm outweighs what is assumed: each is worth so many outcomes. */
export interface Shrinkage { arm: number; task: number; cell: number; tenant: number; residual: number }

export interface Artefact {
  version: string
  /** Row per bucket, `outputCount` wide, in units of `factors`. */
  rows: PackedRows
  /** By output. */
  factors: Float32Array
  /** Row per figure of form. */
  form: Float32Array
  bias: Float32Array
  /** The mean of the heads below and above which a prompt is easy or hard for its kind, and the middle. */
  difficulty: { easy: number; medium: number; hard: number }
  shrinkage: Shrinkage
  /** Assumed quality of a model of each tier: `tierCount` × `cellCount`. */
  tiers: Float32Array
  /** Characters of output that are assumed, per task: mean and deviation of their logarithm. */
  outputs: { mean: number; deviation: number }[]
  /** Sets of outcomes it was trained on; their rows of the build part are never tested. */
  trainedOn: string[]
}

/** The file: JSON, with numbers of many places as base64 of small integers and a factor per column. */
export interface ArtefactFile extends Omit<Artefact, 'rows' | 'factors' | 'form' | 'bias' | 'tiers'> {
  format: number
  tasks: string[]
  hashBits: number
  weights: { factors: number[]; int8: string }
  form: number[]
  bias: number[]
  tiers: number[]
  /** Where the data came from and under which licences. */
  sources: string[]
}

export class ArtefactError extends Error {
  override name = 'ArtefactError'
}

const numbers = (value: readonly number[], length: number, name: string): Float32Array => {
  if (!Array.isArray(value) || value.length !== length || !value.every((each) => Number.isFinite(each))) throw new ArtefactError(`The routing artefact has no ${length} numbers in “${name}”. Build it again with scripts/train-router.ts.`)
  return Float32Array.from(value)
}

export function readArtefact(file: ArtefactFile): Artefact {
  if (file.format !== artefactFormat) throw new ArtefactError(`The routing artefact has format ${String(file.format)}; this version reads ${artefactFormat}. Build it again with scripts/train-router.ts.`)
  if (file.hashBits !== hashBits || file.tasks.join() !== taskTypes.join()) throw new ArtefactError('The routing artefact was built for other tasks or features. Build it again with scripts/train-router.ts.')
  const { rows, factors } = rowsOf(file.weights)
  return {
    version: file.version, rows, factors, form: numbers(file.form, formCount * outputCount, 'form'), bias: numbers(file.bias, outputCount, 'bias'),
    difficulty: file.difficulty, shrinkage: file.shrinkage, tiers: numbers(file.tiers, tierCount * cellCount, 'tiers'), outputs: file.outputs, trainedOn: file.trainedOn,
  }
}

export function rowsOf({ factors, int8 }: ArtefactFile['weights']): Pick<Artefact, 'rows' | 'factors'> {
  const bytes = Buffer.from(int8, 'base64')
  if (bytes.length !== buckets * outputCount) throw new ArtefactError(`The routing artefact has ${bytes.length} weights and needs ${buckets * outputCount}: the file is damaged.`)
  return { rows: new PackedRows(new Int8Array(bytes), outputCount), factors: numbers(factors, outputCount, 'weights.factors') }
}

/** Rounds weights to bytes, a factor per output. */
export function packWeights(weights: Float32Array): ArtefactFile['weights'] {
  const factors = Array.from({ length: outputCount }, () => 0)
  for (let at = 0; at < weights.length; at++) factors[at % outputCount] = Math.max(factors[at % outputCount] as number, Math.abs(weights[at] as number))
  for (let column = 0; column < outputCount; column++) factors[column] = Number(((factors[column] as number) / 127 || 1e-9).toPrecision(6))
  const bytes = new Int8Array(weights.length)
  for (let at = 0; at < weights.length; at++) bytes[at] = Math.round((weights[at] as number) / (factors[at % outputCount] as number))
  return { factors, int8: Buffer.from(bytes.buffer).toString('base64') }
}
