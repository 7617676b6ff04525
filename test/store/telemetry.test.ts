import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { noUsage } from '../../src/catalog/price.ts'
import { usageFlags } from '../../src/store/records.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { parseTraceparent, traceIdOf } from '../../src/telemetry/spans.ts'
import { startTraces } from '../../src/telemetry/traces.ts'
import { attempt, fallback, record, refusal } from './fixtures.ts'

interface OtlpSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  status: { code?: number; message?: string }
  attributes: { key: string; value: Record<string, unknown> }[]
}

const serverKind = 2
const clientKind = 3

/** A collector on 127.0.0.1 that keeps what it is sent, or answers with `status`. */
async function collector(t: TestContext, status = 200) {
  const spans: OtlpSpan[] = []
  const resources: unknown[] = []
  const paths: string[] = []
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    paths.push(`${request.method} ${request.url} ${request.headers['content-type']}`)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { resourceSpans: { resource: unknown; scopeSpans: { spans: OtlpSpan[] }[] }[] }
    if (status === 200) {
      for (const { resource, scopeSpans } of body.resourceSpans) {
        resources.push(resource)
        spans.push(...scopeSpans.flatMap((scope) => scope.spans))
      }
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, resources, paths }
}

const attributesOf = (span: OtlpSpan): Record<string, unknown> => Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
// An export that is not answered ends soon, so that the test process does.
process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] = '500'

const settings = { serviceName: 'gateway-1', serviceVersion: '0.1.0' }
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

test('a request becomes a span with a child for each attempt, in the caller\'s trace and at the times of the record', async (t) => {
  const { endpoint, spans, resources, paths } = await collector(t)
  const traces = await startTraces({ endpoint: `${endpoint}/`, ...settings })
  const original = fallback({ traceparent, session: 'chat-1' })
  traces.add([original])
  await traces.close()
  assert.deepEqual(paths, ['POST /v1/traces application/json'])
  assert.match(JSON.stringify(resources), /service\.name.*gateway-1/)
  const [request, first, second] = spans as [OtlpSpan, OtlpSpan, OtlpSpan]
  assert.equal(spans.length, 3)
  assert.deepEqual(spans.map(({ traceId }) => traceId), Array(3).fill('0af7651916cd43dd8448eb211c80319c'))
  assert.deepEqual([request.parentSpanId, first.parentSpanId, second.parentSpanId], ['b7ad6b7169203331', request.spanId, request.spanId])
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, 3)
  assert.deepEqual(spans.map(({ kind }) => kind), [serverKind, clientKind, clientKind])
  assert.deepEqual([request.name, second.name], ['chat gpt-5.1', 'chat gpt-5.1-2025-11-13'])
  const us = (nano: string): number => Number(BigInt(nano) / 1000n)
  assert.deepEqual([us(request.startTimeUnixNano), us(request.endTimeUnixNano)], [original.at, original.at + original.totalUs])
  assert.deepEqual([us(second.startTimeUnixNano), us(second.endTimeUnixNano)], [original.at + 90_400, original.at + 2_100_000])
  assert.deepEqual([request.status.code ?? 0, first.status, second.status.code ?? 0], [0, { code: 2, message: 'overloaded' }, 0])
  const attributes = attributesOf(second)
  assert.deepEqual([attributes['gen_ai.operation.name'], attributes['gen_ai.provider.name'], attributes['gen_ai.request.model'], Number(attributes['gen_ai.usage.input_tokens']), Number(attributes['gen_ai.usage.output_tokens'])],
    ['chat', 'openai', 'gpt-5.1-2025-11-13', 5_296, 478])
  assert.equal(attributesOf(request)['gen_ai.conversation.id'], 'chat-1')
  assert.equal(attributesOf(first)['error.type'], 'overloaded')
  assert.equal(traces.dropped, 0)
})

test('a request without a trace gets one named after its id, a refusal is an error without attempts, an unsampled trace is left out', async (t) => {
  const { endpoint, spans } = await collector(t)
  const traces = await startTraces({ endpoint, ...settings })
  const refused = refusal()
  traces.add([record({ traceparent: traceparent.replace(/01$/, '00') }), refused])
  await traces.close()
  assert.equal(spans.length, 1)
  assert.equal(spans[0]!.traceId, traceIdOf(refused.id, null))
  assert.equal(spans[0]!.parentSpanId, undefined)
  assert.deepEqual(spans[0]!.status, { code: 2, message: 'budget_exceeded' })
})

test('a collector that refuses costs spans, which are counted, and nothing else', async (t) => {
  const { endpoint } = await collector(t, 400)
  const traces = await startTraces({ endpoint, ...settings })
  traces.add([record(), record()])
  await traces.close()
  assert.equal(traces.dropped, 4)
})

test('the queue for a collector that does not answer is bounded, and so is the wait for it at the end', async (t) => {
  const held: { destroy(): void }[] = []
  const server = createServer(() => undefined).listen(0, '127.0.0.1')
  server.on('connection', (socket) => held.push(socket))
  await once(server, 'listening')
  t.after(() => server.close())
  const traces = await startTraces({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...settings })
  traces.add(Array.from({ length: 6_000 }, () => record()))
  assert.equal(traces.dropped, 6_000 * 2 - 8_192)
  await traces.close(20)
  assert.ok(traces.dropped >= 12_000 - 512, 'what the collector did not take in time is counted')
  for (const socket of held) socket.destroy()
})

test('only a well-formed traceparent is believed', () => {
  assert.deepEqual(parseTraceparent(traceparent), { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true })
  const zeros = traceparent.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32))
  for (const bad of [null, '', 'nonsense', zeros, traceparent.replace(/^00/, 'ff'), traceparent.toUpperCase(), traceparent.slice(1), `${traceparent}x`]) assert.equal(parseTraceparent(bad), null, String(bad))
})

test('requests, attempts, tokens and cost are counted from the records', async () => {
  const metrics = new Metrics()
  const doubtful = record({ attempts: [attempt({ flags: usageFlags.estimated | usageFlags.overBound, costNano: 0, usage: noUsage(), model: 'gpt-5.1' })] })
  for (const one of [fallback(), record(), refusal(), doubtful]) metrics.observe(one)
  const text = await metrics.text({})
  const value = (line: string): number | undefined => {
    const found = text.split('\n').find((each) => each.startsWith(`${line} `))
    return found === undefined ? undefined : Number(found.split(' ').at(-1))
  }
  assert.equal(value('megarouter_requests_total{endpoint="chat.completions",status_class="2xx",outcome="success",vendor="openai",model="gpt-5.1"}'), 3)
  assert.equal(value('megarouter_requests_total{endpoint="chat.completions",status_class="4xx",outcome="refused",vendor="",model=""}'), 1)
  assert.equal(value('megarouter_attempts_total{vendor="groq",deployment="groq/gpt-5.1",outcome="upstream_error"}'), 1)
  assert.equal(value('megarouter_tokens_total{class="cache_read",model="gpt-5.1",vendor="openai"}'), 8_192)
  assert.equal(value('megarouter_cost_usd_total{model="gpt-5.1",vendor="openai"}'), 0.0100255)
  assert.equal(value('megarouter_request_duration_seconds_count{endpoint="chat.completions",outcome="success"}'), 3)
  assert.equal(value('megarouter_first_token_seconds_count{endpoint="chat.completions",vendor="openai"}'), 3)
  for (const flag of ['estimated', 'over_bound']) assert.equal(value(`megarouter_attempts_flagged_total{flag="${flag}",vendor="openai",model="gpt-5.1"}`), 1)
})

test('names that a client invents never make more than 500 labels of a kind', async () => {
  const metrics = new Metrics()
  for (let index = 0; index < 2_000; index++) metrics.observe(record({ attempts: [attempt({ model: `m${index}`, deployment: `d${index}` })] }))
  const text = await metrics.text({})
  const models = new Set([...text.matchAll(/^megarouter_requests_total\{.*model="([^"]*)"/gm)].map(([, model]) => model))
  assert.equal(models.size, 501)
  assert.match(text, /megarouter_requests_total\{[^}]*model="other"\} 1500\n/)
  assert.match(text, /megarouter_attempts_total\{[^}]*deployment="other"[^}]*\} 1500\n/)
})

test('reported values are gauges, totals are counters, and a later report replaces an earlier one', async () => {
  const metrics = new Metrics()
  await metrics.text({ megarouter_requests_in_flight: 7, megarouter_skipped_total: 3 })
  const text = await metrics.text({ megarouter_requests_in_flight: 2, megarouter_skipped_total: 5, 'bad name{}': 1, megarouter_broken: Number.NaN })
  assert.match(text, /# TYPE megarouter_requests_in_flight gauge\nmegarouter_requests_in_flight 2\n/)
  assert.match(text, /# TYPE megarouter_skipped_total counter\nmegarouter_skipped_total 5\n/)
  assert.doesNotMatch(text, /bad name|broken/)
})
