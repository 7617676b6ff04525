/** The shared outcome data as the training of the router sees it: the build part alone, with tasks in our names. Fails on a task that has no name. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { isBuildPart, readOutcomes, type OutcomeRow } from '../../src/routing/evaluate/outcomes.ts'
import { taskTypes, type TaskType } from '../../src/routing/tasks.ts'

export const defaultFolder = '../shared/routing-data'

const names: Record<string, TaskType> = {
  'knowledge/engineering': 'engineering', 'knowledge/physics': 'physics', 'knowledge/business': 'business', 'knowledge/chemistry': 'chemistry', 'knowledge/math': 'mathematics',
  'knowledge/computer science': 'computer_science', 'knowledge/psychology': 'psychology', 'knowledge/history': 'humanities', 'knowledge/economics': 'economics', 'knowledge/biology': 'biology',
  'knowledge/science': 'science', 'code/generation': 'coding', 'code/execution': 'code_reasoning', 'math/competition': 'maths', 'reasoning/commonsense': 'reasoning',
}

/** Null where the set's task says nothing about the prompt. */
export function taskOf({ task }: OutcomeRow): number | null {
  if (task === 'open-ended/instruction') return null
  const name = names[task]
  if (name === undefined) throw new Error(`The task ${task} has no name in scripts/routing/data.ts`)
  return taskTypes.indexOf(name)
}

export function loadRows(folder: string): OutcomeRow[] {
  return readOutcomes(gunzipSync(readFileSync(`${folder}/outcomes.jsonl.gz`)).toString('utf8'))
}

export const buildRows = (rows: readonly OutcomeRow[]): OutcomeRow[] => rows.filter(({ prompt }) => isBuildPart(prompt))
