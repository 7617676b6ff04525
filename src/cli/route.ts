/** `megarouter route`: how models are chosen. `route explain` asks the running server what it would choose; `route eval` scores routing on a file of outcomes; it needs no gateway and no database, and changes nothing. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Command } from 'commander'
import { evaluate, type PoolResult } from '../routing/evaluate/evaluate.ts'
import { isBuildPart, OutcomesError, readOutcomes, type OutcomeRow } from '../routing/evaluate/outcomes.ts'
import { report } from '../routing/evaluate/report.ts'
import { readSpec, specOf } from '../routing/evaluate/spec.ts'
import { loadArtefact } from '../routing/load.ts'
import { seeded } from '../simulated/random.ts'
import { explainRoute } from './explain.ts'
import { CommandError, whole, type Io, type Output } from './io.ts'

/** Uncompressed; larger files are refused. */
const mostBytes = 1024 ** 3

export function route(program: Command, io: Io, output: () => Output): void {
  const command = program.command('route').description('how models are chosen')
  explainRoute(command, io, output)
  command.command('eval <file>').description('score routing on outcomes of several models: JSON lines, also gzipped, {"prompt": …, "q": {model: 0..1}, "usd": {model: dollars}}')
    .option('--settings <file>', 'pools, pairs, seeds and labels as JSON; default: made from the file')
    .option('--resamples <count>', 'resamples of the bootstrap', whole('--resamples'))
    .action((file: string, options: { settings?: string; resamples?: number }) => {
      const results = run(file, options, io.epochMs)
      output().show({ artefact: loadArtefact().version, pools: results }, () => report(results))
    })
}

function run(file: string, { settings, resamples }: { settings?: string; resamples?: number }, epochMs: () => number): PoolResult[] {
  const artefact = loadArtefact()
  try {
    const rows = readOutcomes(read(file))
    const spec = settings === undefined ? specOf(rows) : readSpec(read(settings))
    // Rows that the shipped artefact was trained on are learned from and never tested.
    const isTrained = ({ set, prompt }: OutcomeRow): boolean => artefact.trainedOn.includes(set) && isBuildPart(prompt)
    return evaluate(rows, { ...spec, resamples: Math.max(100, resamples ?? spec.resamples) }, { artefact, isTrained, random: seeded, nowMs: clockOf(epochMs) })
  } catch (error) {
    throw error instanceof OutcomesError ? new CommandError(`${file}: ${error.message}`) : error
  }
}

/** Decisions take microseconds: the process’s own clock, unless a test gave another. */
const clockOf = (epochMs: () => number): (() => number) => (epochMs === Date.now ? () => performance.now() : epochMs)

function read(file: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  try {
    return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, { maxOutputLength: mostBytes }) : bytes).toString('utf8')
  } catch (error) {
    throw new CommandError(`${file} cannot be unpacked (at most 1 GiB): ${error instanceof Error ? error.message : String(error)}`)
  }
}
