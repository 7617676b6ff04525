/**
 * Sends spans of request records to an OpenTelemetry collector, when OTEL_EXPORTER_OTLP_ENDPOINT names one. The queue is bounded:
 * a collector that hangs or is gone costs spans, which are counted, and never memory or the records themselves.
 * The OpenTelemetry packages are loaded only here and only then.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { RequestRecord } from '../store/records.ts'
import { spansOf } from './spans.ts'

const spansPerExport = 512
const queueSpans = 8_192
const exportIntervalMs = 1_000
const closeGraceMs = 5_000
/** ExportResultCode.SUCCESS of @opentelemetry/core. */
const exported = 0

export interface TraceSettings {
  /** OTEL_EXPORTER_OTLP_ENDPOINT; spans go to `<endpoint>/v1/traces`. Other OTEL_EXPORTER_OTLP_* variables are read by the exporter. */
  endpoint: string
  /** OTEL_SERVICE_NAME */
  serviceName: string
  serviceVersion: string
}

export async function startTraces({ endpoint, serviceName, serviceVersion }: TraceSettings): Promise<Traces> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
  const { resourceFromAttributes } = await import('@opentelemetry/resources')
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` })
  return new Traces(exporter, resourceFromAttributes({ 'service.name': serviceName, 'service.version': serviceVersion }))
}

export class Traces {
  #exporter: SpanExporter
  #resource: Resource
  #queue: ReadableSpan[] = []
  #timer: NodeJS.Timeout | null = null
  #exporting: Promise<void> | null = null
  /** Spans that were never delivered. */
  dropped = 0

  constructor(exporter: SpanExporter, resource: Resource) {
    this.#exporter = exporter
    this.#resource = resource
  }

  add(records: readonly RequestRecord[]): void {
    for (const record of records) {
      const spans = spansOf(record, this.#resource)
      if (this.#queue.length + spans.length > queueSpans) this.dropped += spans.length
      else this.#queue.push(...spans)
    }
    if (this.#queue.length >= spansPerExport) this.#start()
    else if (this.#queue.length > 0) this.#timer ??= setTimeout(() => this.#start(), exportIntervalMs)
  }

  /** Delivers what is queued, as far as the collector takes it within `graceMs`; the rest is dropped and counted. */
  async close(graceMs: number = closeGraceMs): Promise<void> {
    this.#start()
    const grace = new AbortController()
    const finished = Promise.resolve(this.#exporting).then(() => this.#exporter.shutdown())
    await Promise.race([finished, sleep(graceMs, undefined, { signal: grace.signal }).catch(() => undefined)])
    grace.abort()
    this.dropped += this.#queue.splice(0).length
  }

  #start(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#exporting ??= this.#exportAll().finally(() => {
      this.#exporting = null
    })
  }

  async #exportAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, spansPerExport)
      const delivered = await new Promise<boolean>((resolve) => this.#exporter.export(batch, (result) => resolve(result.code === exported)))
      if (!delivered) this.dropped += batch.length
    }
  }
}
