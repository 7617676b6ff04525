/**
 * How many tokens a request has before it is sent: asked of the vendor where its format can be asked, which costs nothing, else estimated
 * by what the deployment has taught, and marked. Nothing is held; a vendor that does not answer in time is not waited for.
 */
import type { After } from '../clock.ts'
import type { Failure } from '../errors.ts'
import type { Calibration } from '../ledger/calibration.ts'
import type { JsonObject } from '../protocols/canonical.ts'
import { protocols } from '../protocols/index.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { SpokenFormat } from '../providers/provider.ts'
import type { CredentialTurns } from '../routing/credentials.ts'
import type { Exchange } from './exchange.ts'
import type { Deployment } from './snapshot.ts'
import type { Dispatching } from './authorized.ts'
import { headersFor, pathFor } from './translate.ts'
import type { UpstreamHandler, UpstreamRequest } from './transport.ts'
import { badRequest, formatFor, targetOf, understood } from './wording.ts'

const timeoutMs = 10_000
const answerBytes = 64 * 1024

export interface CountTools { transport: Dispatching; after: After; calibration: Calibration; credentials: CredentialTurns; userAgent: string }

/** Of the first deployment that would be tried. */
export async function countTokens(exchange: Exchange, tools: CountTools, deployment: Deployment): Promise<number | Failure> {
  const inside = conversationIn(exchange)
  if ('code' in inside) return inside
  const { protocol, body: asked } = inside
  const spoken = formatFor(deployment.provider.vendor, protocol, exchange.endpoint)!
  const format = protocols.get(spoken.protocol)!
  let conversation = asked
  if (format.id !== protocol.id) {
    const request = understood(protocol, exchange, asked)
    if ('code' in request) return request
    conversation = format.codec!.encodeRequest(request, targetOf(deployment)).body
  }
  const counted = await ask(exchange, tools, deployment, spoken, format, conversation)
  if (counted !== null) return counted
  exchange.warnings.push('estimated: the vendor was not asked, or did not say')
  return Math.ceil(tools.calibration.inputTokens(deployment.identity, Buffer.byteLength(JSON.stringify(conversation))))
}

/** What is to be counted, and its format. */
function conversationIn({ protocol, body }: Exchange): { protocol: Protocol; body: JsonObject } | Failure {
  const question = JSON.parse(body.toString()) as JsonObject
  const { asked, within } = protocol.counting!
  try {
    return within?.(question) ?? { protocol, body: asked(question) }
  } catch (error) {
    return badRequest(error)
  }
}

/** Null: the vendor can't be asked, or gave no number. */
async function ask(exchange: Exchange, { transport, after, credentials, userAgent }: CountTools, deployment: Deployment, spoken: SpokenFormat, format: Protocol, conversation: JsonObject): Promise<number | null> {
  const { counting } = format
  const { provider, upstreamModel } = deployment
  const credential = credentials.pick(provider, upstreamModel, [], exchange.clock.monotonicUs() / 1000, true)
  // Where a vendor has paths of its own, whether it counts is not known.
  if (counting === null || (spoken.path !== undefined && spoken.countPath === undefined) || credential === null) return null
  const where = { deployment, credential }
  const request: UpstreamRequest = {
    provider, credentialId: credential.id, tenant: exchange.key!.org, method: 'POST', path: pathFor(where, spoken, spoken.countPath ?? counting.path), headers: headersFor(exchange, { protocol: format, spoken }, where, false, `${exchange.id}-count`, userAgent),
    body: Buffer.from(JSON.stringify(counting.question(conversation, upstreamModel))), connectTimeoutMs: exchange.snapshot.settings.deadlines.connectMs,
  }
  const answer = await new Promise<JsonObject | null>((resolve) => {
    const once = new Once(resolve)
    const call = transport.dispatch(request, once)
    once.cancel = after(timeoutMs, () => {
      call.abort()
      once.end(null)
    })
  })
  return answer === null ? null : counting.tokens(answer)
}

/** A small answer, whole. */
class Once implements UpstreamHandler {
  cancel: (() => void) | null = null
  readonly #resolve: (answer: JsonObject | null) => void
  readonly #parts: Buffer[] = []
  #status = 0
  #bytes = 0

  constructor(resolve: (answer: JsonObject | null) => void) {
    this.#resolve = resolve
  }

  onSent(): boolean { return true }
  onHead(status: number): void { this.#status = status }

  onData(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes <= answerBytes) this.#parts.push(chunk)
  }

  onEnd(): void {
    this.end(this.#status === 200 && this.#bytes <= answerBytes ? parsed(Buffer.concat(this.#parts)) : null)
  }

  onError(): void { this.end(null) }

  end(answer: JsonObject | null): void {
    this.cancel?.()
    this.#resolve(answer)
  }
}

function parsed(body: Buffer): JsonObject | null {
  try {
    const value = JSON.parse(body.toString()) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as JsonObject : null
  } catch {
    return null
  }
}
