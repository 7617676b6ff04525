/**
 * The upstream's own bill: what a vendor would charge for each attempt, in nano-dollars. It is the oracle of the gateway's ledger,
 * so it imports nothing from `src/`, computes in exact integers and, when given a file, survives a kill of either process:
 * one line when a request arrives, one when its charge is final.
 */
import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import type { VendorRules } from './vendors.ts'

/** Disjoint counts: no token is in two of them. */
export interface Units {
  input: number
  cachedInput: number
  cacheWrite: number
  audioInput: number
  imageInput: number
  output: number
  reasoning: number
  audioOutput: number
  imageOutput: number
}

/** US dollars per million units as exact decimals. A class left out costs what its parent costs (input or output). */
export type PriceTable = { input: string; output: string } & { [Name in Exclude<keyof Units, 'input' | 'output'>]?: string } & { request?: string }

export type ChargeOutcome =
  /** The whole answer was sent. */
  | 'complete'
  /** It was cut; what had been generated is charged. */
  | 'partial'
  /** The client left, and this vendor charges the whole answer all the same. */
  | 'billed_after_abort'
  /** An error: nothing is charged. */
  | 'error'
  /** Arrived, and no answer has begun (or the upstream was killed). */
  | 'open'

export interface Charge {
  number: number
  attemptId: string | null
  model: string
  vendor: string
  outcome: ChargeOutcome
  units: Units
  /** Null: the model has no price here. */
  costNano: number | null
  /** The client was told these units truthfully. */
  reported: boolean
}

export const noUnits = (): Units => ({ input: 0, cachedInput: 0, cacheWrite: 0, audioInput: 0, imageInput: 0, output: 0, reasoning: 0, audioOutput: 0, imageOutput: 0 })

/** USD per million → nano-dollars per million: the decimal point moves by nine. */
export function nanoPerMillion(decimal: string): bigint {
  const match = /^(\d+)(?:\.(\d{1,9}))?$/.exec(decimal)
  if (match === null) throw new Error(`"${decimal}" is not a price in US dollars with at most 9 decimals.`)
  return BigInt(match[1]! + (match[2] ?? '').padEnd(9, '0'))
}

export function costOf(units: Units, prices: PriceTable): number {
  const parent: Record<keyof Units, 'input' | 'output'> = {
    input: 'input', cachedInput: 'input', cacheWrite: 'input', audioInput: 'input', imageInput: 'input',
    output: 'output', reasoning: 'output', audioOutput: 'output', imageOutput: 'output',
  }
  let sum = nanoPerMillion(prices.request ?? '0')
  for (const [name, count] of Object.entries(units) as [keyof Units, number][]) sum += BigInt(count) * nanoPerMillion(prices[name] ?? prices[parent[name]])
  return Number((sum + 999_999n) / 1_000_000n)
}

type Json = Record<string, unknown>
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
const count = (...candidates: unknown[]): number => {
  const found = candidates.find((value) => typeof value === 'number')
  return typeof found === 'number' && found > 0 ? Math.floor(found) : 0
}

/** Reads a vendor's usage object the way the vendor counts. */
export function unitsOf(usage: unknown, vendor: VendorRules): Units {
  const said = object(usage)
  const promptDetails = object(said['prompt_tokens_details'])
  const completionDetails = object(said['completion_tokens_details'])
  const prompt = count(said['prompt_tokens'], said['total_tokens'])
  const completion = count(said['completion_tokens'])
  const cachedInput = Math.min(prompt, count(promptDetails['cached_tokens'], said['prompt_cache_hit_tokens'], said['cached_tokens'], said['cache_read_input_tokens']))
  const cacheWrite = Math.min(prompt - cachedInput, count(promptDetails['cache_write_tokens'], said['cache_creation_input_tokens']))
  const imageInput = Math.min(prompt - cachedInput - cacheWrite, count(promptDetails['image_tokens']))
  const audioSaid = count(promptDetails['audio_tokens'])
  const freshAndAudio = prompt - cachedInput - cacheWrite - imageInput
  const audioInput = vendor.promptIncludesAudio ? Math.min(freshAndAudio, audioSaid) : audioSaid
  const reasoningSaid = count(completionDetails['reasoning_tokens'], said['reasoning_tokens'])
  const reasoning = vendor.completionIncludesReasoning ? Math.min(completion, reasoningSaid) : reasoningSaid
  const visible = completion - (vendor.completionIncludesReasoning ? reasoning : 0)
  const audioOutput = Math.min(visible, count(completionDetails['audio_tokens']))
  const imageOutput = Math.min(visible - audioOutput, count(completionDetails['image_tokens']))
  return {
    input: freshAndAudio - (vendor.promptIncludesAudio ? audioInput : 0), cachedInput, cacheWrite, audioInput, imageInput,
    output: visible - audioOutput - imageOutput, reasoning, audioOutput, imageOutput,
  }
}

/** What was generated when `share` (0 to 1) of the answer had been sent; the input was read in full. */
export function partOf(units: Units, share: number): Units {
  const part = (value: number): number => Math.floor(value * share)
  return { ...units, output: part(units.output), reasoning: part(units.reasoning), audioOutput: part(units.audioOutput), imageOutput: part(units.imageOutput) }
}

export interface Bill {
  /** By arrival. */
  charges(): Charge[]
  charge(attemptId: string): Charge | undefined
  /** Sum of all charges; those without a price count as nothing. */
  totalNano(): bigint
  /** Returns the number of the arrival. */
  open(arrival: { attemptId: string | null; model: string; vendor: string }): number
  settle(number: number, outcome: Exclude<ChargeOutcome, 'open'>, units: Units, reported: boolean): void
  close(): void
}

export interface BillOptions {
  /** By model name without faults, `*` for the others. */
  prices?: Readonly<Record<string, PriceTable>>
  /** JSON lines, appended; an existing file is continued. */
  file?: string
}

/** The charges in a bill's file: the last line of each arrival holds. A torn last line is ignored, and cut off when a bill goes on. */
export function readBill(file: string): Charge[] {
  const charges = new Map<number, Charge>()
  for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
    const charge = JSON.parse(line) as Charge
    charges.set(charge.number, charge)
  }
  return [...charges.values()]
}

export function createBill({ prices = {}, file }: BillOptions = {}): Bill {
  const charges = new Map<number, Charge>()
  const byAttempt = new Map<string, Charge>()
  let last = 0
  const put = (charge: Charge): void => {
    charges.set(charge.number, charge)
    last = Math.max(last, charge.number)
    if (charge.attemptId !== null) byAttempt.set(charge.attemptId, charge)
  }
  if (file !== undefined && existsSync(file)) {
    truncateSync(file, readFileSync(file).lastIndexOf(0x0a) + 1)
    for (const charge of readBill(file)) put(charge)
  }
  const descriptor = file === undefined ? null : openSync(file, 'a')
  const write = (charge: Charge): void => {
    put(charge)
    if (descriptor !== null) writeSync(descriptor, `${JSON.stringify(charge)}\n`)
  }
  const priceOf = (model: string): PriceTable | undefined => prices[model] ?? prices[model.split('+')[0]!] ?? prices['*']
  return {
    charges: () => [...charges.values()],
    charge: (attemptId) => byAttempt.get(attemptId),
    totalNano: () => [...charges.values()].reduce((sum, charge) => sum + BigInt(charge.costNano ?? 0), 0n),
    open(arrival) {
      const number = last + 1
      write({ number, ...arrival, outcome: 'open', units: noUnits(), costNano: 0, reported: false })
      return number
    },
    settle(number, outcome, units, reported) {
      const opened = charges.get(number)
      if (opened === undefined) throw new Error(`Request ${number} was never opened on the bill.`)
      const charged = outcome === 'error' ? noUnits() : units
      const table = priceOf(opened.model)
      write({ ...opened, outcome, units: charged, costNano: outcome === 'error' ? 0 : table === undefined ? null : costOf(charged, table), reported })
    },
    close: () => { if (descriptor !== null) closeSync(descriptor) },
  }
}
