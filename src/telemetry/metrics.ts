/**
 * The Prometheus text of `/metrics`, fed from request records in the store worker, so that counting costs the request path nothing.
 * Label sets are bounded: names beyond `labelValues` of a kind are counted as `other`, since a client can invent models.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { usageClasses, type UsageClass } from '../catalog/price.ts'
import { flagNames, usageFlagOf, usageFlags, type RequestRecord } from '../store/records.ts'
import type { Series } from './health.ts'

const labelValues = 500
const nanoPerUsd = 1e9
const usPerSecond = 1e6

const durationBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640]
const overheadBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1]

/** The first names of a kind keep their own label; null is an empty label. */
class BoundedLabel {
  #seen = new Set<string>()
  of(value: string | null): string {
    if (value === null) return ''
    if (this.#seen.has(value)) return value
    if (this.#seen.size >= labelValues) return 'other'
    this.#seen.add(value)
    return value
  }
}

const validName = /^[a-z_][a-z0-9_]*$/

export class Metrics {
  #registry = new Registry()
  #vendor = new BoundedLabel()
  #model = new BoundedLabel()
  #deployment = new BoundedLabel()
  #endpoint = new BoundedLabel()
  #reported = new Map<string, Counter | Gauge>()

  #requests = this.#counter('megarouter_requests_total', 'Requests by how they ended.', ['endpoint', 'status_class', 'outcome', 'vendor', 'model'])
  #attempts = this.#counter('megarouter_attempts_total', 'Attempts at deployments by how they ended.', ['vendor', 'deployment', 'outcome'])
  #tokens = this.#counter('megarouter_tokens_total', 'Tokens (and tool calls, billed requests, images, audio milliseconds, characters, searches) by disjoint usage class.', ['class', 'model', 'vendor'])
  #cost = this.#counter('megarouter_cost_usd_total', 'Cost of all attempts in US dollars; the exact amounts are in the usage API.', ['model', 'vendor'])
  #flagged = this.#counter('megarouter_attempts_flagged_total', 'Attempts whose usage or cost is marked: estimated, uncertain, unpriced, anomalous, over_bound, over_hold.', ['flag', 'vendor', 'model'])
  #duration = this.#histogram('megarouter_request_duration_seconds', 'From the arrival of a request to its end.', durationBuckets, ['endpoint', 'outcome'])
  #firstToken = this.#histogram('megarouter_first_token_seconds', 'From the arrival of a request to its first token.', durationBuckets, ['endpoint', 'vendor'])
  #overhead = this.#histogram('megarouter_overhead_seconds', 'Time that the gateway itself added to a request.', overheadBuckets, ['endpoint'])

  get contentType(): string {
    return this.#registry.contentType
  }

  observe(record: RequestRecord): void {
    const final = record.attempts.find((attempt) => attempt.final) ?? null
    const endpoint = this.#endpoint.of(record.endpoint)
    const vendor = this.#vendor.of(final?.vendor ?? null)
    const { outcome } = record
    this.#requests.inc({ endpoint, status_class: `${Math.floor(record.status / 100)}xx`, outcome, vendor, model: this.#model.of(final?.model ?? null) })
    this.#duration.observe({ endpoint, outcome }, record.totalUs / usPerSecond)
    this.#overhead.observe({ endpoint }, record.overheadUs / usPerSecond)
    if (record.firstTokenUs !== null) this.#firstToken.observe({ endpoint, vendor }, record.firstTokenUs / usPerSecond)
    for (const attempt of record.attempts) this.#observeAttempt(attempt)
  }

  #observeAttempt(attempt: RequestRecord['attempts'][number]): void {
    const vendor = this.#vendor.of(attempt.vendor)
    const model = this.#model.of(attempt.model)
    this.#attempts.inc({ vendor, deployment: this.#deployment.of(attempt.deployment), outcome: attempt.outcome ?? '' })
    for (const name of usageClasses) {
      const units = attempt.usage[name]
      if (units > 0) this.#tokens.inc({ class: labelOf(name), model, vendor }, units)
    }
    for (const flag of flagNames) if (flag !== 'simulated' && (attempt.flags & usageFlags[usageFlagOf[flag]]) !== 0) this.#flagged.inc({ flag, vendor, model })
    if (attempt.costNano > 0) this.#cost.inc({ model, vendor }, attempt.costNano / nanoPerUsd)
  }

  /** `reported` are values that other parts keep, by metric name; a name that ends in `_total` is a counter. */
  async text(reported: Readonly<Record<string, number>>, series: readonly Series[] = []): Promise<string> {
    for (const each of series) this.#reportSeries(each)
    for (const [name, value] of Object.entries(reported)) if (validName.test(name) && Number.isFinite(value)) this.#report(name, value)
    return this.#registry.metrics()
  }

  #reportSeries({ name, help, kind, label, values }: Series): void {
    let metric = this.#reported.get(name)
    if (metric === undefined) {
      metric = kind === 'counter' ? this.#counter(name, help, [label]) : new Gauge({ name, help, labelNames: [label], registers: [this.#registry] })
      this.#reported.set(name, metric)
    }
    metric.reset()
    for (const [value, number] of values) metric.inc({ [label]: value }, Math.max(0, number))
  }

  #report(name: string, value: number): void {
    const help = 'As reported by the gateway.'
    let metric = this.#reported.get(name)
    if (metric === undefined) {
      metric = name.endsWith('_total') ? this.#counter(name, help, []) : new Gauge({ name, help, registers: [this.#registry] })
      this.#reported.set(name, metric)
    }
    if (metric instanceof Gauge) {
      metric.set(value)
    } else {
      metric.reset()
      metric.inc(Math.max(0, value))
    }
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] })
  }

  #histogram<Label extends string>(name: string, help: string, buckets: number[], labelNames: Label[]): Histogram<Label> {
    return new Histogram({ name, help, buckets, labelNames, registers: [this.#registry] })
  }
}

/** `cacheWrite5m` → `cache_write_5m` */
const labelOf = (name: UsageClass): string => name.replace(/[A-Z]|\d+[a-z]/g, (part) => `_${part.toLowerCase()}`)
