/**
 * The gateway's usage and cost of every recorded exchange are the vendor's own bill: each class, to the nano-dollar, however the
 * bytes were cut. The bill is computed by `test/upstream/bill.ts`, which knows nothing of `src/`.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { requestBodyOf, type RecordedExchange } from '../fixtures/recorded.ts'
import { closeConnections, overAll, pathOf, post } from './ask.ts'
import { withModel } from './edits.ts'
import { compareLedger, ledgerRows } from '../durability/ledger-rows.ts'
import type { Charge } from '../upstream/bill.ts'
import { compareWithBill, recordOf, type RecordedAttempt } from './ledger.ts'
import { modelOf, nameOf, startRig, type Rig } from './rig.ts'
import { sample } from './sample.ts'

const exchanges = sample()

/** Recorded usage that contradicts itself, so that no split into classes is the right one: it must be flagged. */
const impossible = new Map([['3dc781d1d19fee60', '4 completion tokens, of them 3 reasoning and 4 audio']])
/** Recorded usage that can be read in two ways: llama.cpp sends one usage chunk for each of two choices. */
const ambiguous = new Set(['2776f3f15467382a'])

let rig: Rig
/** Request id → exchange. */
const asked = new Map<string, RecordedExchange>()
/** Attempts whose usage nobody can know exactly, and what the gateway settled for them. */
const incomparable = new Set<string>()
let incomparableNano = 0n
const sumOf = (amounts: readonly number[]): bigint => amounts.reduce((sum, amount) => sum + BigInt(amount), 0n)

before(async () => { rig = await startRig({ models: exchanges.map(modelOf) }) })
after(async () => {
  closeConnections()
  await rig?.close()
})

async function replay(some: readonly RecordedExchange[]): Promise<void> {
  const target = { url: `${rig.gateway.url}/v1`, key: rig.key }
  await overAll(some, 8, async (exchange) => {
    const answer = await post(target, pathOf(exchange), withModel(requestBodyOf(exchange), nameOf(exchange.id)))
    asked.set(String(answer.headers['x-megarouter-request-id']), exchange)
  })
}

const isUnreported = (charge: Charge | undefined): boolean => charge?.outcome === 'complete' && !charge.reported

/** Where the vendor said nothing of usage, an estimate is right, and marked; everywhere else it is wrong. */
function compare(exchange: RecordedExchange, attempt: RecordedAttempt, charge: Charge | undefined): string | null {
  const estimated = attempt.flags.includes('estimated')
  if (isUnreported(charge)) return estimated ? null : 'usage that nobody reported is not marked as an estimate'
  if (impossible.has(exchange.id)) return attempt.flags.includes('anomalous') ? null : 'contradictory usage is not marked as anomalous'
  if (ambiguous.has(exchange.id)) return null
  return compareWithBill(attempt, charge) ?? (estimated || attempt.flags.includes('uncertain') ? `marked ${attempt.flags.join()} although the vendor reported it` : null)
}

describe(`the bill of ${exchanges.length} recorded exchanges`, () => {
  for (const [name, chunk] of [['random', ''], ['1-byte', 'chunk:1']] as const) {
    it(`equals the gateway’s usage and cost, attempt by attempt, with ${name} chunks`, async () => {
      for (const { id } of exchanges) rig.upstream.script(id, chunk)
      asked.clear()
      await replay(chunk === '' ? exchanges : exchanges.filter(({ stream }) => stream))
      const differing: string[] = []
      let compared = 0
      await overAll([...asked], 4, async ([id, exchange]) => {
        const record = await recordOf(rig.gateway, id)
        for (const attempt of record.attempts) {
          compared += 1
          const charge = rig.upstream.bill.charge(`${id}-${attempt.number}`)
          if (impossible.has(exchange.id) || ambiguous.has(exchange.id) || isUnreported(charge)) {
            incomparable.add(`${id}-${attempt.number}`)
            incomparableNano += BigInt(attempt.cost_nano)
          }
          const problem = compare(exchange, attempt, charge)
          if (problem !== null) differing.push(`${exchange.provider} ${exchange.endpoint} ${exchange.status} ${exchange.id}: ${problem}`)
        }
      })
      assert.ok(compared >= asked.size - 3, `${compared} attempts of ${asked.size} requests`)
      assert.ok(differing.length === 0, `${differing.length} of ${compared} attempts differ:\n${differing.slice(0, 25).join('\n')}`)
    })
  }

  it('adds up to the sum of all usage, however the usage is grouped', async () => {
    const billed = rig.upstream.bill.totalNano() - sumOf([...incomparable].map((attemptId) => rig.upstream.bill.charge(attemptId)?.costNano ?? 0))
    assert.ok(billed > 0n && incomparable.size < 20, `${incomparable.size} attempts can't be compared`)
    for (const groupBy of ['none', 'vendor', 'model']) {
      const { body } = await rig.gateway.admin<{ totals: { cost_nano: number } }>('GET', `/usage?group_by=${groupBy}`)
      assert.equal(BigInt(body.totals.cost_nano) - incomparableNano, billed, `grouped by ${groupBy}`)
    }
  })

  it('is the ledger’s, of tenants and overhead together, attempt by attempt', async () => {
    await rig.gateway.stop()
    const rows = ledgerRows(rig.gateway.dataDir)
    const charges = rig.upstream.bill.charges().filter(({ attemptId }) => !incomparable.has(attemptId!))
    const { problems, flagged, attempts } = compareLedger(rows.filter(({ attemptId }) => !incomparable.has(attemptId)), charges)
    assert.deepEqual({ problems, flagged }, { problems: [], flagged: [] })
    assert.equal(sumOf(rows.filter(({ attemptId }) => !incomparable.has(attemptId)).map(({ amountNano }) => amountNano)), sumOf(charges.map(({ costNano }) => costNano ?? 0)))
    assert.ok(attempts >= exchanges.length - 20, `${attempts} attempts`)
  })
})
