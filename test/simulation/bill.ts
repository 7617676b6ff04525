/**
 * What the simulated vendors charge: exact integers, by rules and prices of their own. It shares no code with the gateway, whose
 * ledger is compared with it.
 */

/** Nano-dollars per million units. */
export interface PriceRow { input: bigint; cached: bigint; output: bigint; reasoning: bigint; request: bigint }

export const priceTable: Readonly<Record<string, PriceRow>> = {
  small: { input: 37_500_000n, cached: 9_375_000n, output: 150_000_000n, reasoning: 150_000_000n, request: 0n },
  large: { input: 2_500_000_000n, cached: 1_250_000_000n, output: 10_000_000_000n, reasoning: 10_000_000_000n, request: 0n },
  odd: { input: 333_333_333n, cached: 111_111_111n, output: 1_777_777_777n, reasoning: 2_333_333_331n, request: 7_000_000_000_001n },
  // The gateway is not told this price.
  secret: { input: 1_000_000_000n, cached: 1_000_000_000n, output: 1_000_000_000n, reasoning: 1_000_000_000n, request: 0n },
}

/** Disjoint counts. */
export interface Units { input: number; cached: number; output: number; reasoning: number; request: number }

export const noUnits: Units = { input: 0, cached: 0, output: 0, reasoning: 0, request: 0 }

export function costOf(model: string, units: Units): bigint {
  const row = priceTable[model]!
  let sum = 0n
  for (const name of ['input', 'cached', 'output', 'reasoning', 'request'] as const) sum += BigInt(units[name]) * row[name]
  return (sum + 999_999n) / 1_000_000n
}

export interface Charge {
  attemptId: string
  vendor: string
  model: string
  units: Units
  nano: bigint
  /** More than was asked for at most. */
  isExcessive: boolean
  /** The last word: the call is over at the vendor. */
  final: boolean
}

export class Bill {
  readonly charges = new Map<string, Charge>()
  /** Attempts that arrived more than once. */
  readonly twice: string[] = []

  open(attemptId: string, vendor: string, model: string, isExcessive: boolean): Charge {
    if (this.charges.has(attemptId)) this.twice.push(attemptId)
    const charge: Charge = { attemptId, vendor, model, units: noUnits, nano: 0n, isExcessive, final: false }
    this.charges.set(attemptId, charge)
    return charge
  }

  close(charge: Charge, units: Units): void {
    if (charge.final) throw new Error(`${charge.attemptId} is charged twice`)
    charge.final = true
    charge.units = units
    charge.nano = costOf(charge.model, units)
  }
}
