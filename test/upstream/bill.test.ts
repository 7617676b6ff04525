import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { recordedExchanges } from '../fixtures/recorded.ts'
import { costOf, createBill, nanoPerMillion, noUnits, partOf, readBill, unitsOf, type Units } from './bill.ts'
import { vendorRules } from './vendors.ts'

const units = (some: Partial<Units>): Units => ({ ...noUnits(), ...some })

describe('prices', () => {
  it('are exact: a decimal becomes integer nano-dollars per million', () => {
    assert.equal(nanoPerMillion('0.0375'), 37_500_000n)
    assert.equal(nanoPerMillion('999999999.999999999'), 999_999_999_999_999_999n)
    for (const bad of ['', '-1', '1e3', '.5', '0.1234567891']) assert.throws(() => nanoPerMillion(bad), /not a price/)
  })

  it('a cost is rounded up once, and a class without a price takes its parent’s', () => {
    assert.equal(costOf(units({ input: 1 }), { input: '0.000000001', output: '0' }), 1)
    assert.equal(costOf(units({ input: 1, output: 1 }), { input: '0.0001', output: '0.0001' }), 1)
    assert.equal(costOf(units({ cachedInput: 10, reasoning: 10 }), { input: '1', output: '2' }), 10 * 1000 + 10 * 2000)
    assert.equal(costOf(units({ cachedInput: 10, reasoning: 10 }), { input: '1', output: '2', cachedInput: '0.1', reasoning: '3' }), 10 * 100 + 10 * 3000)
    assert.equal(costOf(noUnits(), { input: '1', output: '1', request: '5000' }), 5_000_000)
  })
})

describe('units', () => {
  const of = (vendor: string, usage: object): Partial<Units> => Object.fromEntries(Object.entries(unitsOf(usage, vendorRules(vendor))).filter(([, count]) => count > 0))

  it('cached and audio tokens are part of the prompt, reasoning of the completion (OpenAI)', () => {
    const usage = { prompt_tokens: 100, completion_tokens: 50, prompt_tokens_details: { cached_tokens: 60, audio_tokens: 10 }, completion_tokens_details: { reasoning_tokens: 30, audio_tokens: 5 } }
    assert.deepEqual(of('openai', usage), { input: 30, cachedInput: 60, audioInput: 10, output: 15, reasoning: 30, audioOutput: 5 })
  })

  it('reasoning comes on top of the completion (xAI), audio on top of the prompt (Mistral)', () => {
    assert.deepEqual(of('xai', { prompt_tokens: 12, completion_tokens: 2, completion_tokens_details: { reasoning_tokens: 320 } }), { input: 12, output: 2, reasoning: 320 })
    assert.deepEqual(of('mistral', { prompt_tokens: 11, completion_tokens: 15, prompt_tokens_details: { audio_tokens: 375, cached_tokens: 9 } }), { input: 2, cachedInput: 9, audioInput: 375, output: 15 })
  })

  it('the dialects of the cached count agree (DeepSeek, Moonshot, Venice)', () => {
    for (const said of [{ prompt_cache_hit_tokens: 7 }, { cached_tokens: 7 }, { cache_read_input_tokens: 7 }]) {
      assert.deepEqual(of('deepseek', { prompt_tokens: 10, completion_tokens: 0, ...said }), { input: 3, cachedInput: 7 })
    }
  })

  it('an embedding that says only its total is input (Voyage)', () => {
    assert.deepEqual(of('voyage', { total_tokens: 12 }), { input: 12 })
  })

  it('every recorded usage adds up: the classes are disjoint and none is negative', () => {
    for (const exchange of recordedExchanges().values()) {
      if (exchange.stream || exchange.status !== 200 || exchange.endpoint === 'models') continue
      const { usage } = JSON.parse(exchange.body.toString()) as { usage?: { total_tokens?: number } }
      if (usage?.total_tokens === undefined) continue
      const counted = unitsOf(usage, vendorRules(exchange.provider))
      assert.ok(Object.values(counted).every((count) => count >= 0), exchange.id)
      assert.equal(Object.values(counted).reduce((sum, count) => sum + count, 0), usage.total_tokens, `${exchange.provider} ${exchange.id}`)
    }
  })

  it('a part of an answer has the whole input and that share of the output, rounded down', () => {
    assert.deepEqual(partOf(units({ input: 9, output: 10, reasoning: 3 }), 0.5), units({ input: 9, output: 5, reasoning: 1 }))
  })
})

describe('the bill', () => {
  it('survives a kill: the file holds every arrival and settled charge, a torn last line is ignored, and numbers go on', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bill-'))
    const file = join(folder, 'bill.jsonl')
    const prices = { model: { input: '1', output: '1' } }
    const first = createBill({ file, prices })
    const settled = first.open({ attemptId: 'a', model: 'model+cut@3', vendor: 'echo' })
    first.settle(settled, 'complete', units({ input: 5 }), true)
    first.open({ attemptId: 'b', model: 'model', vendor: 'echo' })
    appendFileSync(file, '{"number":3,"att')
    assert.deepEqual(readBill(file).map(({ attemptId, outcome, costNano }) => [attemptId, outcome, costNano]), [['a', 'complete', 5000], ['b', 'open', 0]])
    const second = createBill({ file, prices })
    assert.equal(second.charge('a')!.costNano, 5000)
    assert.equal(second.totalNano(), 5000n)
    assert.equal(second.open({ attemptId: 'c', model: 'unpriced', vendor: 'echo' }), 3)
    second.settle(3, 'complete', units({ input: 5 }), true)
    assert.equal(second.charge('c')!.costNano, null)
    assert.equal(readBill(file).length, 3, 'the torn line did not swallow the next one')
    first.close()
    second.close()
    rmSync(folder, { recursive: true })
  })
})
