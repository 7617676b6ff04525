/** What a request reserved is given back, whatever becomes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, startRig } from './harness.ts'

test('a defect between the hold and the dispatch leaves no hold open', async () => {
  const rig = await startRig()
  const defects: unknown[] = []
  rig.gateway.onDefect = (error) => defects.push(error)
  rig.publish((data) => { data.providers[0]!.vendor.quirks = null as never })
  const { text } = rig.addKey({ budget: { limitNano: 1e9, period: 'day', mode: 'soft' } })
  const { status } = await chat(rig, { model: 'priced', stream: true }, { authorization: `Bearer ${text}` })
  assert.equal(status, 500)
  assert.equal(defects.length, 1)
  const { openHolds, heldNano } = rig.money.ledger.held()
  assert.deepEqual({ openHolds, heldNano, arrived: rig.upstream.log.length }, { openHolds: 0, heldNano: 0, arrived: 0 })
})

for (const [how, fail] of [['at once', () => { throw new Error('no hold') }], ['after a wait', () => Promise.reject(new Error('no hold'))]] as const) {
  test(`a defect in taking the hold, ${how}, gives back the place at the deployment`, async () => {
    const rig = await startRig()
    const defects: unknown[] = []
    rig.gateway.onDefect = (error) => defects.push(error)
    rig.gateway.admission.ledger.hold = fail
    assert.equal((await chat(rig, { model: 'priced' })).status, 500)
    assert.deepEqual(rig.gateway.tools.health.all(0).map(({ id, inFlight }) => [id, inFlight]), [['priced', 0]])
    assert.equal(defects.length, 1)
  })
}

test('a budget that is lowered below what was spent blocks the next request, and one that is raised admits it again', async () => {
  const rig = await startRig()
  const { text, entry } = rig.addKey({ budget: { limitNano: 1e9, period: 'day', mode: 'strict' } })
  const ask = () => chat(rig, { model: 'priced', max_tokens: 50 }, { authorization: `Bearer ${text}` })
  assert.equal((await ask()).status, 200)
  rig.gateway.keys.replace({ ...entry, version: 2, budget: { limitNano: 1, period: 'day', mode: 'strict' } })
  const refused = await ask()
  assert.deepEqual([refused.status, JSON.parse(refused.text).error.code, refused.headers.get('x-should-retry')], [402, 'budget_exceeded', 'false'])
  rig.gateway.keys.replace({ ...entry, version: 3, budget: { limitNano: 1e9, period: 'day', mode: 'strict' } })
  assert.equal((await ask()).status, 200)
})

test('a stream whose budget has no room for its next slice ends with the reason, and what was delivered is charged', async () => {
  const rig = await startRig()
  const { text } = rig.addKey({ budget: { limitNano: 60_000_000, period: 'day', mode: 'standard' } })
  rig.publish((data) => { data.deployments[0]!.upstreamModel = 'echo-20000' })
  const { status, text: body } = await chat(rig, { model: 'priced', stream: true }, { authorization: `Bearer ${text}` })
  assert.equal(status, 200)
  assert.ok(body.includes('"code":"budget_exceeded"') && !body.includes('[DONE]'), body.slice(-300))
  const [record] = await rig.recorded(1)
  const { costNano, usage } = record!.attempts[0]!
  assert.ok(usage.output > 100 && costNano > 0 && costNano <= 60_000_000, JSON.stringify({ costNano, usage }))
  assert.equal(rig.money.ledger.held().heldNano, 0)
  assert.deepEqual(rig.alarms, [])
})
