/** Runs every cell of the fault matrix against the real gateway: what the client sees, what the ledger says, and that the process lives. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { closeConnections, post, type RawAnswer, type Target } from '../conformance/ask.ts'
import { compareWithBill, recordOf } from '../conformance/ledger.ts'
import { nameOf, startRig, type Rig } from '../conformance/rig.ts'
import { eventsOf, dataOf } from '../upstream/answers.ts'
import { deadlines, heavy, matrix, type Cell, type Row, type Seen, type Settled } from './matrix.ts'

const modelOf = ({ fault }: Row, stream: boolean): string => `echo-30${fault === '' ? '' : `+${fault}`}${stream ? '' : '+chunk:whole'}`
/** Faults that change what a healthy client reads; the others only change how it travels. */
const forms = /^(crlf|cr|noblank|giant:|usage:|noend)/
const baselineOf = (model: string): string => model.split('+').filter((word, index) => index === 0 || forms.test(word)).join('+')

let rig: Rig
let gateway: Target
let pid = 0
const rows = [...matrix, ...heavy]

before(async () => {
  const models = rows.flatMap((row) => [true, false].map((stream) => modelOf(row, stream)))
  rig = await startRig({ models: models.map((upstreamModel) => ({ upstreamModel, provider: 'openai', vendor: 'openai' })), settings: { deadlines } })
  gateway = { url: `${rig.gateway.url}/v1`, key: rig.key }
  pid = rig.gateway.pid
})
after(async () => {
  closeConnections()
  await rig?.close()
})

const bodyFor = (model: string, stream: boolean, nonce: string): string => JSON.stringify({ model, messages: [{ role: 'user', content: nonce }], stream })

function assertError(body: Buffer, code: string | null): void {
  const { error } = JSON.parse(body.toString()) as { error: { message: string; code: unknown; type: unknown } }
  assert.equal(typeof error.message, 'string')
  if (code !== null) assert.equal(error.code, code)
}

async function assertSeen(seen: Seen, ours: RawAnswer, theirs: RawAnswer, arrived: () => RawAnswer): Promise<void> {
  const text = ours.body.toString()
  switch (seen.kind) {
    case 'same':
      assert.equal(ours.status, 200, text.slice(0, 500))
      return assert.ok(ours.body.equals(theirs.body), `expected ${theirs.body.toString().slice(-300)}\ngot ${text.slice(-300)}`)
    case 'complete':
      assert.equal(ours.status, 200, text.slice(0, 500))
      return assert.ok(!text.includes('"error"'), text.slice(-300))
    case 'error':
      assert.equal(ours.status, seen.status, text.slice(0, 500))
      return assertError(ours.body, seen.code)
    case 'passed':
      assert.equal(ours.status, seen.status, text.slice(0, 500))
      assert.equal(text, arrived().body.toString())
      return assert.equal(ours.headers['retry-after'] !== undefined, arrived().headers['retry-after'] !== undefined)
    case 'broken': {
      assert.equal(ours.status, 200, text.slice(0, 500))
      const events = eventsOf(text).filter((event) => !event.startsWith(':') && event.trim() !== '')
      const last = dataOf(events.at(-1)!) as { error?: { code?: unknown } } | null
      assert.equal(last?.error?.code, seen.code, text.slice(-400))
      assert.ok(!text.includes('[DONE]'), 'no [DONE] after an error')
      for (const event of events.slice(0, -1)) assert.ok(theirs.body.includes(event), `only whole, unchanged events before the error: ${event}`)
      return assert.ok(events.length > 2, 'output was delivered')
    }
  }
}

async function assertSettled(settled: Settled, id: string): Promise<void> {
  const record = await recordOf(rig.gateway, id)
  assert.ok(record.attempts.length > 0, 'the request was dispatched')
  for (const attempt of record.attempts) {
    const { usage, cost_nano: cost, flags } = attempt
    const about = `attempt ${attempt.number}: ${cost} ${JSON.stringify(usage)} [${flags.join()}] ${attempt.outcome}`
    assert.ok(Number.isSafeInteger(cost) && cost >= 0, about)
    const charge = rig.upstream.bill.charge(`${id}-${attempt.number}`)
    if (settled === 'exact' && attempt.final) {
      assert.equal(compareWithBill(attempt, charge), null)
      assert.ok(!flags.includes('estimated'), about)
    }
    if (settled === 'nothing') assert.equal(cost, 0, about)
    // A failed attempt that another one followed is the gateway's own cost.
    if (settled === 'input') assert.ok(flags.includes('uncertain') && usage['output'] === 0 && (attempt.final ? cost > 0 : cost === 0), about)
    if (settled === 'cut') assert.ok(flags.includes('estimated') && usage['output']! > 0 && (attempt.final ? cost > 0 : cost === 0), about)
    if (settled === 'estimate') assert.ok(flags.includes('estimated') && usage['output']! > 0 && cost > 0, about)
    if (settled === 'anomalous') assert.ok(flags.includes('anomalous') || flags.includes('estimated'), about)
  }
}

let serial = 0

async function run(row: Row, { seen, settled }: Cell, stream: boolean): Promise<void> {
  const model = modelOf(row, stream)
  const nonce = `n-${++serial}`
  const direct = { url: rig.upstream.url, key: 'sk-direct' }
  const ours = await post(gateway, '/chat/completions', bodyFor(nameOf(model), stream, nonce))
  const theirs = await post(direct, '/chat/completions', bodyFor(baselineOf(model), stream, nonce))
  const passed = seen.kind === 'passed' ? await post(direct, '/chat/completions', bodyFor(model, stream, nonce)) : theirs
  await assertSeen(seen, ours, theirs, () => passed)
  assert.ok(!ours.body.includes('POISON'))
  await assertSettled(settled, String(ours.headers['x-megarouter-request-id']))
}

const title = (row: Row, stream: boolean): string => {
  const { seen, settled } = stream ? row.stream : row.plain
  const what = 'code' in seen && seen.code !== null ? ` ${seen.code}` : 'status' in seen ? ` ${seen.status}` : ''
  return `${row.fault === '' ? 'no fault' : row.fault}, ${stream ? 'stream' : 'plain'}: ${seen.kind}${what}, settled ${settled}`
}

describe('a fault followed by a working upstream', () => {
  for (const row of matrix.filter(({ fault }) => fault.includes('fails:'))) {
    for (const stream of [true, false]) it(title(row, stream), () => run(row, stream ? row.stream : row.plain, stream))
  }
})

describe('the fault matrix', { concurrency: 6 }, () => {
  for (const row of matrix.filter(({ fault }) => !fault.includes('fails:') && !fault.includes('poison'))) {
    for (const stream of [true, false]) it(title(row, stream), () => run(row, stream ? row.stream : row.plain, stream))
  }
})

// One after another, with the time for the unasked response to arrive: what comes while the next request of the same organisation
// is on the socket can't be told from its answer; across organisations sockets are not shared (test/gateway/streams.test.ts).
describe('an unasked response on an idle socket', () => {
  for (const row of matrix.filter(({ fault }) => fault.includes('poison'))) {
    for (const stream of [true, false]) {
      it(title(row, stream), async () => {
        await run(row, stream ? row.stream : row.plain, stream)
        await new Promise((resolve) => setTimeout(resolve, 50))
      })
    }
  }
})

describe('much data', () => {
  for (const row of heavy) for (const stream of [true, false]) it(title(row, stream), () => run(row, stream ? row.stream : row.plain, stream))
})

describe('after all of it', () => {
  it('it is the same process, and it serves', async () => {
    assert.equal(rig.gateway.pid, pid)
    assert.ok(rig.gateway.running)
    const healthy = matrix[0]!
    await run(healthy, healthy.stream, true)
  })
})
