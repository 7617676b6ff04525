/**
 * What faults of an upstream cost a client of the router: a black hole before and after its breaker opens, one slow request of twenty
 * with and without hedging, limits that a vendor announces, and an upstream that fails altogether.
 */
import { Agent, request } from 'node:http'
import { startGateway, type GatewayProcess } from '../../test/gateway-process.ts'
import { startUpstream, type Upstream } from '../../test/upstream/server.ts'
import type { Measure, Row } from '../proof.ts'
import { runTests } from '../tests.ts'

const firstTokenMs = 1_000
const graceMs = 50
const openMs = 20
/** Consecutive failures that open a breaker; it rests for 4 s at least. */
const untilOpen = 5
const restsMs = 4_000
const stormSeconds = 20
const stormPerSecond = 100

interface Seen { status: number; firstByteMs: number; text: string }
type Ask = (model: string, stream?: boolean) => Promise<Seen>

/** Upstream models by what they do; `down` fails in two places. */
const models = { hole: 'echo-20', well: 'echo-21', limited: 'echo-22', lone: 'echo-23', down: 'echo-24', 'down-too': 'echo-25' } as const

const start = (upstream: Upstream): Promise<GatewayProcess> => startGateway({
  config: JSON.stringify({
    providers: { up: { base_url: upstream.url, credentials: ['sk-first', 'sk-second'] }, other: { vendor: 'openai', base_url: upstream.url, credentials: ['sk-other'] } },
    deployments: Object.entries(models).map(([model, upstreamModel]) => ({ model, provider: model === 'limited' || model === 'hole' ? 'up' : 'other', upstream_model: upstreamModel, price: { input: '1', output: '2' } })),
    aliases: { 'hole-or-well': { targets: ['hole', 'well'] }, 'lone-or-well': { targets: ['lone', 'well'] }, broken: { targets: ['down', 'down-too'] } },
    settings: { deadlines: { first_token_ms: firstTokenMs } },
  }),
})

function asker(gateway: GatewayProcess, key: string, agent: Agent): Ask {
  const { hostname, port } = new URL(gateway.url)
  return (model, stream = true) => new Promise((resolve, reject) => {
    const payload = JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'What is served, and by whom?' }] })
    const began = performance.now()
    const sent = request({ agent, hostname, port, path: '/v1/chat/completions', method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) } }, (response) => {
      const firstByteMs = performance.now() - began
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode!, firstByteMs, text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(payload)
  })
}

const isWhole = ({ status, text }: Seen): boolean => status === 200 && text.includes('[DONE]')
const slowest = (seen: readonly Seen[]): number => Math.max(...seen.map(({ firstByteMs }) => firstByteMs))
const p99 = (seen: readonly Seen[]): number => seen.map(({ firstByteMs }) => firstByteMs).sort((a, b) => a - b)[Math.ceil(seen.length * 0.99) - 1]!
const within = (what: string, value: number, most: number, unit = 'ms'): Row => ({ what, value, unit, target: `≤ ${most}`, met: value <= most })
const all = (what: string, seen: readonly Seen[], holds: (each: Seen) => boolean): Row => ({ what, value: `${seen.filter(holds).length} of ${seen.length}`, unit: '', target: 'all', met: seen.every(holds) })

async function blackHole(ask: Ask, upstream: Upstream): Promise<Row[]> {
  upstream.script(models.hole, 'blackhole')
  for (let i = 0; i < 50; i++) await ask('well')
  const before = await Promise.all(Array.from({ length: untilOpen }, () => ask('hole')))
  const openedAt = performance.now()
  const arrived = upstream.arrivalsOf(models.hole).length
  const [refused, elsewhere]: [Seen[], Seen[]] = [[], []]
  while (refused.length < 200 && performance.now() - openedAt < restsMs - 500) {
    refused.push(await ask('hole'))
    elsewhere.push(await ask('hole-or-well'))
  }
  const later = upstream.arrivalsOf(models.hole).length - arrived
  return [
    all('a black hole: clients that are told 504', before, ({ status }) => status === 504),
    within('a black hole: longest until its clients know', slowest(before), firstTokenMs + graceMs),
    all('its breaker open, no other deployment: clients that are told 503', refused, ({ status, text }) => status === 503 && text.includes('upstream_unavailable')),
    within('its breaker open, no other deployment: p99 until its clients know', p99(refused), openMs),
    all('its breaker open, another deployment: clients that get a whole answer', elsewhere, isWhole),
    within('its breaker open, another deployment: p99 until the first byte', p99(elsewhere), openMs),
    { what: 'its breaker open: requests that reached it', value: later, unit: '', target: '0', met: later === 0 },
  ]
}

async function limits(ask: Ask, upstream: Upstream): Promise<Row[]> {
  upstream.script(models.limited, 'status:429+retry-after:30+fails:1')
  const limited = []
  for (let i = 0; i < 10; i++) limited.push(await ask('limited'))
  const used = upstream.arrivalsOf(models.limited).map(({ headers }) => headers['authorization']!)
  upstream.script(models.lone, 'status:429+retry-after:30')
  const lone = []
  for (let i = 0; i < 10; i++) lone.push(await ask('lone-or-well'))
  const asked = upstream.arrivalsOf(models.lone).length
  const moved = used.length === 11 && used[0] !== used[1] && new Set(used.slice(1)).size === 1
  return [
    all('429 with retry-after, two credentials: clients that get a whole answer', limited, isWhole),
    { what: 'of the limited credential', value: `${used.filter((each) => each === used[0]).length} of ${used.length} requests`, unit: '', target: '1, and the other one all that follow', met: moved },
    all('429 with retry-after, one credential, another deployment: clients that get a whole answer', lone, isWhole),
    { what: 'of the limited deployment, within its retry-after', value: asked, unit: 'requests', target: '1', met: asked === 1 },
  ]
}

async function storm(ask: Ask, upstream: Upstream, signal: AbortSignal): Promise<Row[]> {
  upstream.script(models.down, 'status:500')
  upstream.script(models['down-too'], 'status:500')
  const began = performance.now()
  const running: Promise<Seen>[] = []
  for (let elapsed = 0; elapsed < stormSeconds * 1000; elapsed = performance.now() - began) {
    signal.throwIfAborted()
    while (running.length < (elapsed / 1000) * stormPerSecond) running.push(ask('broken', running.length % 2 === 0))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const seen = await Promise.all(running)
  const arrived = upstream.arrivalsOf(models.down).length + upstream.arrivalsOf(models['down-too']).length
  return [
    { what: 'all deployments fail: clients', value: seen.length, unit: '' },
    within('all deployments fail: upstream requests for the clients’', (100 * arrived) / seen.length, 110, '%'),
    within('all deployments fail: p99 until a client knows', p99(seen), firstTokenMs + graceMs),
  ]
}

export const measure: Measure = async (signal) => {
  const upstream = await startUpstream({ logEntries: 50_000 })
  const gateway = await start(upstream)
  const agent = new Agent({ keepAlive: true, maxSockets: 1_000 })
  const rows: Row[] = []
  try {
    const { key } = await gateway.createKey({ name: 'proof' })
    const ask = asker(gateway, key, agent)
    rows.push(...await blackHole(ask, upstream), ...await limits(ask, upstream), ...await storm(ask, upstream, signal))
  } finally {
    agent.destroy()
    await gateway.remove()
    await upstream.close()
  }
  return {
    title: 'Faults under routing',
    claim: 'A black hole costs its clients their deadline and no more, and nothing once its breaker is open; hedging halves the p99 of the time to the first token at least where one request of twenty is slow, for six percent of the spend at most; a limit moves to the next credential or deployment; an upstream that fails altogether is not asked more often for it.',
    method: `A gateway process in front of the test upstream; streams, one after another but for the first ${untilOpen} at the black hole and ${stormPerSecond}/s at the upstream that fails (there every other one is a plain answer); first_token_ms ${firstTokenMs}. Hedging is measured by \`test/faults/hedging.test.ts\` at full counts: two providers in an order, the first waits 1 s with 5 % of its requests, maxSpend 0.06; the extra spend is what the ledger has on the account of the gateway, for each dollar of the tenants.`,
    rows: [...rows, ...await runTests(['test/faults/hedging.test.ts', 'test/gateway/hedge.test.ts'], signal)],
  }
}
