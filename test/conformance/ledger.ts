/** Reads back what the gateway recorded and compares it with the upstream's own bill, attempt by attempt. */
import assert from 'node:assert/strict'
import type { GatewayProcess } from '../gateway-process.ts'
import type { Charge, Units } from '../upstream/bill.ts'

export interface RecordedAttempt {
  number: number
  outcome: string | null
  status: number
  usage: Record<string, number>
  cost_nano: number
  flags: string[]
  final: boolean
}

export interface RecordedDetail {
  id: string
  status: number
  outcome: string
  error_code: string | null
  attempts: RecordedAttempt[]
}

const patienceMs = 15_000

/** A request's record; it is written behind the answer, so it may take a moment. */
export async function recordOf(gateway: GatewayProcess, id: string): Promise<RecordedDetail> {
  const until = performance.now() + patienceMs
  for (;;) {
    const { status, body } = await gateway.admin<RecordedDetail>('GET', `/requests/${id}`)
    if (status === 200) return body
    if (performance.now() > until) throw new Error(`Request ${id} was not recorded within ${patienceMs / 1000} s (status ${status}).`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The bill's classes from the gateway's names. */
export function unitsOfRecord(usage: Record<string, number>): Units {
  const of = (name: string): number => usage[name] ?? 0
  return {
    input: of('input'), cachedInput: of('cacheRead'), cacheWrite: of('cacheWrite5m') + of('cacheWrite1h'), audioInput: of('audioIn'), imageInput: of('imageIn'),
    output: of('output'), reasoning: of('reasoning'), audioOutput: of('audioOut'), imageOutput: of('imageOut'),
  }
}

/** Null, or how the attempt differs from what the vendor charges. */
export function compareWithBill(attempt: RecordedAttempt, charge: Charge | undefined): string | null {
  if (charge === undefined) return 'the vendor knows nothing of it'
  try {
    assert.deepEqual(unitsOfRecord(attempt.usage), charge.units)
    assert.equal(attempt.cost_nano, charge.costNano)
    return null
  } catch {
    return `recorded ${attempt.cost_nano} ${JSON.stringify(attempt.usage)} [${attempt.flags.join()}], charged ${charge.costNano} ${JSON.stringify(charge.units)} (${charge.outcome})`
  }
}
