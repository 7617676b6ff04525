/** What `auto` costs: the same traffic with a fixed model and with `auto`, by turns in one gateway, and the longest decisions on long prompts among many models. */
import { startGateway, type GatewayProcess } from '../../test/gateway-process.ts'
import { cpuUs, load, median, payloadOf, percentile, startUpstream } from '../load.ts'
import type { Measure } from '../proof.ts'

const windows = 7
const warmUps = 3
const windowMs = 3_000
const connections = 64
const few = 8
const many = 200
const longChars = 8_000
const asked = 2_000
const mostUs = 45
const mostMs = 0.5

const words = 'write a function that sorts numbers and explain why the sum of two primes is even unless one of them is two then translate the answer into french prove it by induction and summarise what the contract says of payment '.split(' ')
const longText = (seed: number): string => {
  let text = ''
  for (let at = seed; text.length < longChars; at = (at * 7 + 3) % 7_919) text += `${words[at % words.length]!} `
  return text.slice(0, longChars)
}

async function start(port: number, models: number): Promise<GatewayProcess> {
  const config = JSON.stringify({
    providers: Object.fromEntries(Array.from({ length: 4 }, (_, at) => [`mock${at}`, { base_url: `http://127.0.0.1:${port}/v1`, credentials: ['sk-test'] }])),
    deployments: Array.from({ length: models }, (_, at) => ({ model: `model-${at}`, provider: `mock${at % 4}`, upstream_model: `m${at}`, price: { input: (0.05 + at * 0.05).toFixed(2), output: (0.2 + at * 0.2).toFixed(2) } })),
    settings: { budget: { limit_usd: 1_000_000, period: 'month', mode: 'standard' } },
  })
  return startGateway({ config, nodeArgs: ['--min-semi-space-size=64', '--max-semi-space-size=64', '--disable-proto=delete'] })
}

/** CPU of a window per request, µs: of all threads and of the one that serves. */
async function window({ url, pid }: GatewayProcess, key: string, payload: Buffer): Promise<{ all: number; main: number }> {
  const before = cpuUs(pid)
  const done = await load(url, [key], connections, windowMs, payload)
  // What the store still writes belongs to these requests.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const after = cpuUs(pid)
  return { all: (after.all - before.all) / done, main: (after.main - before.main) / done }
}

async function cost(gateway: GatewayProcess, key: string): Promise<Record<'fixed' | 'auto', { all: number; main: number }>> {
  const payloads = { fixed: payloadOf('model-3'), auto: payloadOf('auto') }
  const found = { fixed: [] as { all: number; main: number }[], auto: [] as { all: number; main: number }[] }
  for (let i = 0; i < warmUps + windows; i++) {
    for (const name of ['fixed', 'auto'] as const) {
      const each = await window(gateway, key, payloads[name])
      if (i >= warmUps) found[name].push(each)
    }
  }
  const of = (list: { all: number; main: number }[]): { all: number; main: number } => ({ all: median(list.map(({ all }) => all)), main: median(list.map(({ main }) => main)) })
  return { fixed: of(found.fixed), auto: of(found.auto) }
}

/** The gateway's own time of requests one after the other, ms. */
async function overheads({ url }: GatewayProcess, key: string, model: string): Promise<number[]> {
  const times: number[] = []
  for (let at = 0; at < asked; at++) {
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: payloadOf(model, longText(at)) })
    await response.arrayBuffer()
    if (response.status !== 200) throw new Error(`A request of the measurement was answered with ${response.status}.`)
    times.push(Number(response.headers.get('x-megarouter-overhead-ms')))
  }
  return times
}

export const measure: Measure = async () => {
  const upstream = await startUpstream()
  const gateways: GatewayProcess[] = []
  try {
    const small = await start(upstream.port, few)
    gateways.push(small)
    const { fixed, auto } = await cost(small, (await small.createKey({ name: 'auto' })).key)
    await small.remove()
    gateways.pop()
    const large = await start(upstream.port, many)
    gateways.push(large)
    const { key } = await large.createKey({ name: 'auto' })
    await overheads(large, key, 'auto')
    const long = { fixed: await overheads(large, key, 'model-3'), auto: await overheads(large, key, 'auto') }
    const extra = auto.all - fixed.all
    const late = percentile(long.auto, 0.99) - percentile(long.fixed, 0.99)
    return {
      title: 'What auto costs',
      claim: `A request to auto costs at most ${mostUs} µs of CPU more than one to a fixed model, its record in the database included, and its decision at most ${mostMs} ms at p99 for prompts of ${longChars.toLocaleString('en')} characters among ${many} models.`,
      method: `One gateway with ${few} models at 4 providers under a budget, the same prompt of 1 KB to a fixed model and to auto by turns, ${windows} windows of ${windowMs / 1000} s each after ${warmUps} to warm up, ${connections} connections, an upstream that answers at once; CPU per request of all threads by the kernel's accounting, with a second after each window in which the store writes its records. Then ${asked.toLocaleString('en')} requests one after the other with prompts of ${longChars.toLocaleString('en')} characters, each another one, to a gateway with ${many} models: the gateway's own time as it tells it.`,
      rows: [
        { what: 'CPU per request, fixed model', value: fixed.all, unit: 'µs' },
        { what: 'CPU per request, auto', value: auto.all, unit: 'µs' },
        { what: 'auto adds', value: extra, unit: 'µs', target: `≤ ${mostUs}`, met: extra <= mostUs },
        { what: 'Of it on the thread that serves', value: auto.main - fixed.main, unit: 'µs' },
        { what: `Own time, ${longChars} characters, fixed model, p99`, value: percentile(long.fixed, 0.99), unit: 'ms' },
        { what: `The same, auto among ${many} models, p99`, value: percentile(long.auto, 0.99), unit: 'ms' },
        { what: 'auto adds at p99', value: late, unit: 'ms', target: `≤ ${mostMs}`, met: late <= mostMs },
        { what: 'auto adds in the middle', value: median(long.auto) - median(long.fixed), unit: 'ms' },
      ],
    }
  } finally {
    for (const gateway of gateways) await gateway.remove()
    upstream.close()
  }
}
