/**
 * Trains the classifier: logistic regression of task types, ridge regression of three chances of being solved, on hashed features,
 * by AdaGrad in a fixed order. The same rows and seed give the same weights on every machine with IEEE doubles.
 */
import { headCount, outputCount } from '../../src/routing/artefact.ts'
import { buckets, contextWeight, Features, formCount } from '../../src/routing/features.ts'
import { wantedText } from '../../src/routing/prompt-text.ts'
import { wordTasks } from '../../src/routing/tasks.ts'

/** `task`: null where unknown. `heads`: null where there are no outcomes. */
export interface Example { text: string; task: number | null; heads: readonly number[] | null }

export interface Settings { epochs: number; rate: number; taskDecay: number; headDecay: number; seed: number }
export interface Trained { weights: Float32Array; form: Float32Array; bias: Float32Array }

interface Read { grams: Uint16Array; counts: Float32Array; form: Float32Array; task: number; heads: readonly number[] | null; weight: number }

/** Rare kinds count more, by the square root. */
function read(examples: readonly Example[]): Read[] {
  const features = new Features()
  const perTask = new Float64Array(wordTasks)
  for (const { task } of examples) if (task !== null) perTask[task]!++
  const mean = examples.length / wordTasks
  return examples.map(({ text, task, heads }) => {
    features.read(wantedText(text))
    const counts = Float32Array.from({ length: features.gramCount }, (_, gram) => (gram < features.endCount ? 1 : contextWeight) * features.scale)
    return { grams: features.grams.slice(0, features.gramCount), counts, form: features.form.slice(), task: task ?? -1, heads, weight: task === null ? 0 : Math.sqrt(mean / (perTask[task] as number)) }
  })
}

export function train(examples: readonly Example[], settings: Settings, random: () => number): Trained {
  const rows = read(examples)
  const trained: Trained = { weights: new Float32Array(buckets * outputCount), form: new Float32Array(formCount * outputCount), bias: new Float32Array(outputCount) }
  const squares = { weights: new Float32Array(buckets * outputCount).fill(1e-2), form: new Float32Array(formCount * outputCount).fill(1e-2), bias: new Float32Array(outputCount).fill(1e-2) }
  const outputs = new Float64Array(outputCount)
  const errors = new Float64Array(outputCount)
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    shuffle(rows, random)
    for (const row of rows) {
      score(trained, row, outputs)
      blame(row, outputs, errors)
      step(trained, squares, row, errors, settings)
    }
  }
  return trained
}

export function shuffle<T>(list: T[], random: () => number): void {
  for (let at = list.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const held = list[at] as T
    list[at] = list[other] as T
    list[other] = held
  }
}

function score({ weights, form, bias }: Trained, row: Read, outputs: Float64Array): void {
  for (let output = 0; output < outputCount; output++) outputs[output] = bias[output] as number
  for (let gram = 0; gram < row.grams.length; gram++) for (let output = 0, at = (row.grams[gram] as number) * outputCount; output < outputCount; output++) outputs[output]! += (row.counts[gram] as number) * (weights[at + output] as number)
  for (let figure = 0; figure < formCount; figure++) for (let output = 0, at = figure * outputCount; output < outputCount; output++) outputs[output]! += (row.form[figure] as number) * (form[at + output] as number)
}

/** Gradients of the losses by output. */
function blame(row: Read, outputs: Float64Array, errors: Float64Array): void {
  let most = -Infinity
  let sum = 0
  for (let task = 0; task < wordTasks; task++) most = Math.max(most, outputs[task] as number)
  for (let task = 0; task < wordTasks; task++) sum += errors[task] = Math.exp((outputs[task] as number) - most)
  for (let task = 0; task < wordTasks; task++) errors[task] = row.task < 0 ? 0 : row.weight * ((errors[task] as number) / sum - (task === row.task ? 1 : 0))
  for (let head = 0; head < headCount; head++) errors[wordTasks + head] = row.heads === null ? 0 : (outputs[wordTasks + head] as number) - (row.heads[head] as number)
}

function step(trained: Trained, squares: Trained, row: Read, errors: Float64Array, { rate, taskDecay, headDecay }: Settings): void {
  const move = (table: 'weights' | 'form' | 'bias', at: number, output: number, signal: number, decay: number): void => {
    const gradient = (errors[output] as number) * signal + decay * (trained[table][at] as number)
    squares[table][at]! += gradient * gradient
    trained[table][at]! -= (rate * gradient) / Math.sqrt(squares[table][at] as number)
  }
  for (let output = 0; output < outputCount; output++) {
    if (errors[output] === 0) continue
    const decay = output < wordTasks ? taskDecay : headDecay
    for (let gram = 0; gram < row.grams.length; gram++) move('weights', (row.grams[gram] as number) * outputCount + output, output, row.counts[gram] as number, decay)
    for (let figure = 0; figure < formCount; figure++) move('form', figure * outputCount + output, output, row.form[figure] as number, decay / 10)
    move('bias', output, output, 1, 0)
  }
}
