/** Turns a finished exchange into its record and hands records to the store worker in batches. Content never enters a record. */
import { noUsage } from '../catalog/price.ts'
import { statusOf } from '../errors.ts'
import { usageFlags, type AttemptRecord, type RequestRecord } from '../store/records.ts'
import type { Attempt } from './attempt.ts'
import type { Metered } from './meter.ts'
import type { Exchange } from './exchange.ts'
import { taskOf } from './routing.ts'

/** An attempt that a defect of ours left open: what it cost is not known. */
const unsettled: Metered = { usage: noUsage(), costNano: 0, tenantNano: 0, priceVersion: null, flags: usageFlags.uncertain, charged: false }
/** Bytes of request and of response content that one record keeps. */
const contentBytes = 1024 * 1024
/** Refusals without a key that are recorded per flush: a flood of them must not become a flood of rows. */
const strangersPerFlush = 20

export class Recorder {
  readonly #post: (records: RequestRecord[]) => void
  readonly #batchSize: number
  #batch: RequestRecord[] = []
  #strangers = 0
  /** Refusals without a key that were not recorded. */
  skipped = 0

  constructor(post: (records: RequestRecord[]) => void, batchSize = 512) {
    this.#post = post
    this.#batchSize = batchSize
  }

  add(record: RequestRecord): void {
    if (record.key === null && ++this.#strangers > strangersPerFlush) {
      this.skipped++
      return
    }
    this.#batch.push(record)
    if (this.#batch.length >= this.#batchSize) this.flush()
  }

  /** Called on every tick, so that a record waits no longer than one. */
  flush(): void {
    this.#strangers = 0
    if (this.#batch.length === 0) return
    this.#post(this.#batch)
    this.#batch = []
  }
}

export function recordOf(exchange: Exchange): RequestRecord {
  exchange.enter('record')
  const { key, principal, asked, options, request, refusal } = exchange
  const tenant = principal?.tenant ?? key
  const { last } = exchange
  const header = (name: string): string | null => {
    const value = request.headers[name]
    return typeof value === 'string' ? value.slice(0, 256) : null
  }
  const refused = exchange.outcome === 'success' || exchange.outcome === 'cancelled' ? null : refusal
  return {
    id: exchange.id, at: exchange.at, endpoint: exchange.endpoint.name, stream: asked?.stream ?? false,
    org: key?.org ?? exchange.snapshot.settings.soleOrg, team: tenant?.team ?? null, project: tenant?.project ?? null, user: key?.user ?? null, serviceAccount: key?.serviceAccount ?? null, key: key?.id ?? null, keyName: key?.name ?? null,
    session: options?.session ?? null, tags: [...exchange.tags], task: exchange.routed && taskOf(exchange.routed.record),
    modelAsked: (asked?.written ?? asked?.model)?.slice(0, 256) ?? null, route: exchange.route,
    status: exchange.status || (refused ? statusOf(refused) : 499), outcome: exchange.outcome,
    errorCode: refused?.code ?? last?.fault?.code ?? null, errorText: (refused?.message ?? last?.fault?.text ?? null)?.slice(0, 500) ?? null,
    cache: exchange.cache, decision: exchange.routed && exchange.id, requestBytes: exchange.form?.receivedBytes ?? exchange.body.length, responseBytes: exchange.responseBytes,
    steps: exchange.stepTimes(), totalUs: Math.round(exchange.elapsedUs()),
    firstTokenUs: exchange.firstTokenUs === null ? null : Math.round(exchange.firstTokenUs - exchange.startedUs),
    overheadUs: Math.round(exchange.overheadUs()),
    client: header('user-agent'), clientAddress: exchange.clientAddress, clientRequestId: header('x-client-request-id')?.slice(0, 128) ?? null, traceparent: header('traceparent'),
    attempts: exchange.attempts.map((attempt) => attemptRecord(exchange, attempt)),
    content: contentOf(exchange),
  }
}

function attemptRecord(exchange: Exchange, attempt: Attempt): AttemptRecord {
  const { deployment, credentialId, number } = attempt.options
  const metered = attempt.metered ?? unsettled
  const since = (at: number | null): number | null => (at === null ? null : Math.round(at - exchange.startedUs))
  return {
    number, vendor: deployment.provider.vendor.id, provider: deployment.provider.id, deployment: deployment.id, model: deployment.logicalModel, upstreamModel: deployment.upstreamModel,
    credential: credentialId === '' ? null : credentialId, outcome: attempt.outcome, status: attempt.status,
    errorCode: attempt.fault?.code.slice(0, 64) ?? null, errorText: attempt.fault?.text.slice(0, 500) ?? null,
    upstreamRequestId: typeof attempt.headers['x-request-id'] === 'string' ? attempt.headers['x-request-id'].slice(0, 128) : null,
    startedUs: since(attempt.startedUs)!, firstTokenUs: since(attempt.firstTokenUs), endedUs: since(attempt.endedUs)!,
    usage: metered.usage, costNano: metered.tenantNano, priceVersion: metered.priceVersion, flags: metered.flags, final: attempt.final,
  }
}

function contentOf({ captured, body }: Exchange): RequestRecord['content'] {
  if (!captured) return null
  const response = Buffer.concat(captured)
  return { request: body.subarray(0, contentBytes), response: response.subarray(0, contentBytes), truncated: body.length > contentBytes || response.length > contentBytes }
}
