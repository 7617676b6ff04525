/**
 * Three deployments of one model, one black-holed, one at 30 % errors, one slow: what clients see of it, what is sent twice, and how
 * soon each takes traffic again. The gateway is a process of its own; clients arrive by the clock, whether or not earlier ones are done.
 */
import { Agent, request } from 'node:http'
import { startGateway, type GatewayProcess } from '../../test/gateway-process.ts'
import { startUpstream, type Upstream } from '../../test/upstream/server.ts'
import type { Measure, Row } from '../proof.ts'

/** Upstream models by their part: each has a script of its own. */
const parts = { 'black-holed': 'echo-20', 'at 30 % errors': 'echo-21', slow: 'echo-22' } as const
type Part = keyof typeof parts
const scripts: Record<Part, string> = { 'black-holed': 'blackhole', 'at 30 % errors': 'delay:50+status:500+percent:30', slow: 'delay:600' }
const well = 'delay:100'

const firstTokenMs = 2_000
/** A plain answer has five times as long, as docs/request-path.md says. */
const plainMs = 5 * firstTokenMs
const graceMs = 50
const coldPerSecond = 40
const warmPerSecond = 150
const phaseMs = 60_000
const warmUpMs = 20_000
/** A part takes traffic again when it has this share of what arrives within a second. */
const backShare = 0.1
const backWithinMs = 30_000

interface Seen { ok: boolean; stream: boolean; firstByteMs: number }

/** One client: until its first byte, and whether it got a complete answer. */
function ask(agent: Agent, gateway: GatewayProcess, key: string, stream: boolean): Promise<Seen> {
  const began = performance.now()
  const { hostname, port } = new URL(gateway.url)
  const payload = JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'What is served, and by whom?' }] })
  return new Promise((resolve) => {
    const sent = request({ agent, hostname, port, path: '/v1/chat/completions', method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) } }, (response) => {
      const firstByteMs = performance.now() - began
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('error', () => resolve({ ok: false, stream, firstByteMs }))
      response.on('end', () => resolve({ ok: response.statusCode === 200 && !text.includes('"error"') && (!stream || text.includes('[DONE]')), stream, firstByteMs }))
    })
    sent.on('error', () => resolve({ ok: false, stream, firstByteMs: performance.now() - began }))
    sent.end(payload)
  })
}

/** Every other client streams. */
async function load(gateway: GatewayProcess, key: string, perSecond: number, forMs: number, signal: AbortSignal): Promise<Seen[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1_000 })
  const began = performance.now()
  const running: Promise<Seen>[] = []
  for (let elapsed = 0; elapsed < forMs; elapsed = performance.now() - began) {
    signal.throwIfAborted()
    while (running.length < (elapsed / 1000) * perSecond) running.push(ask(agent, gateway, key, running.length % 2 === 0))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const seen = await Promise.all(running)
  agent.destroy()
  return seen
}

const quantile = (values: readonly number[], at: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * at))] ?? 0

/** What one phase shows: errors, waiting, and requests at the upstream for each of the clients'. */
function rowsOf(what: string, seen: readonly Seen[], arrived: number): Row[] {
  const waits = (stream: boolean): number[] => seen.filter((each) => each.stream === stream).map(({ firstByteMs }) => firstByteMs)
  const errors = seen.filter(({ ok }) => !ok).length
  const perClient = (100 * arrived) / seen.length
  const p99 = (stream: boolean, limitMs: number): Row => {
    const value = quantile(waits(stream), 0.99)
    return { what: `${what}: ${stream ? 'streams' : 'plain answers'}, p99 until the first byte`, value, unit: 'ms', target: `≤ ${limitMs + graceMs}`, met: value <= limitMs + graceMs }
  }
  return [
    { what: `${what}: clients`, value: seen.length, unit: '' },
    { what: `${what}: client errors`, value: errors, unit: '', target: '0', met: errors === 0 },
    p99(true, firstTokenMs), p99(false, plainMs),
    { what: `${what}: longest until the first byte`, value: quantile(seen.map(({ firstByteMs }) => firstByteMs), 1), unit: 'ms' },
    { what: `${what}: upstream requests for the clients’`, value: perClient, unit: '%', target: '≤ 110', met: perClient <= 110 },
  ]
}

const play = (upstream: Upstream, script: (part: Part) => string): void => {
  for (const [part, model] of Object.entries(parts)) upstream.script(model, script(part as Part))
}
const epochMs = (): number => performance.timeOrigin + performance.now()

/** From `sinceMs` until the first second in which the part has its share; Infinity where it never had. */
function backAfterMs(upstream: Upstream, part: Part, sinceMs: number): number {
  const later = upstream.log.filter(({ arrivedAt }) => arrivedAt >= sinceMs)
  for (let ms = 0; ms < phaseMs; ms += 250) {
    const second = later.filter(({ arrivedAt }) => arrivedAt >= sinceMs + ms && arrivedAt < sinceMs + ms + 1_000)
    if (second.length > 0 && second.filter(({ model }) => model === parts[part]).length >= backShare * second.length) return ms + 1_000
  }
  return Infinity
}

function start(upstream: Upstream): Promise<GatewayProcess> {
  return startGateway({
    config: JSON.stringify({
      providers: { up: { base_url: upstream.url, credentials: ['sk-test'] } },
      deployments: Object.values(parts).map((model) => ({ model: 'm', provider: 'up', upstream_model: model, price: { input: '1', output: '2' } })),
      settings: { deadlines: { first_token_ms: firstTokenMs } },
    }),
  })
}

/** Runs with a gateway and an upstream of its own. */
async function withGateway(work: (gateway: GatewayProcess, key: string, upstream: Upstream) => Promise<Row[]>): Promise<Row[]> {
  const upstream = await startUpstream({ logEntries: 200_000 })
  const gateway = await start(upstream)
  try {
    const { key } = await gateway.createKey({ name: 'proof' })
    return await work(gateway, key, upstream)
  } finally {
    await gateway.remove()
    await upstream.close()
  }
}

export const measure: Measure = async (signal) => {
  const cold = await withGateway(async (gateway, key, upstream) => {
    play(upstream, (part) => scripts[part])
    const seen = await load(gateway, key, coldPerSecond, phaseMs, signal)
    return rowsOf(`from the first request on, ${coldPerSecond}/s`, seen, upstream.log.length)
  })
  const warm = await withGateway(async (gateway, key, upstream) => {
    play(upstream, () => well)
    const before = await load(gateway, key, warmPerSecond, warmUpMs, signal)
    const arrivedBefore = upstream.log.length
    play(upstream, (part) => scripts[part])
    const during = await load(gateway, key, warmPerSecond, phaseMs, signal)
    const arrived = upstream.log.length - arrivedBefore
    play(upstream, () => well)
    const wellAt = epochMs()
    const after = await load(gateway, key, warmPerSecond, phaseMs / 2, signal)
    const lost = [...before, ...after].filter(({ ok }) => !ok).length
    return [
      ...rowsOf(`all three fail while ${warmPerSecond}/s run`, during, arrived),
      { what: 'client errors before and after', value: lost, unit: '', target: '0', met: lost === 0 },
      ...Object.keys(parts).map((part): Row => {
        const ms = backAfterMs(upstream, part as Part, wellAt)
        return { what: `${part}: well again, until it has a tenth of the traffic`, value: ms / 1000, unit: 's', target: `≤ ${backWithinMs / 1000}`, met: ms <= backWithinMs }
      }),
    ]
  })
  return {
    title: 'Deployments that fail',
    claim: 'With three deployments of one model, one black-holed, one at 30 % errors and one slow, no client sees an error, all are answered within the deadline, at most a tenth is sent a second time, and who recovers takes traffic again within 30 s.',
    method: `A gateway process in front of the test upstream; every other client streams; first_token_ms ${firstTokenMs} (plain answers ${plainMs}). The black hole never answers, the second fails 30 % of its requests after 50 ms, the slow one takes 600 ms. First a gateway that knows nothing meets them as they are; then another one, warm, meets their failing and their recovery.`,
    rows: [...cold, ...warm],
  }
}
