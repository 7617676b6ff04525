/**
 * The exact cache: whoever may get the same answer and sends the same request gets the bytes of the answer that was given, and pays nothing.
 * Off unless a routing policy, or the organisation and the request, switch it on. Only whole answers are kept, and what is kept is given
 * out only where its deployment could still serve the key. A store that fails is a miss.
 */
import { failure } from '../errors.ts'
import type { Pepper } from '../governance/key-format.ts'
import { limits } from '../limits.ts'
import type { AnswerCache, Emptied, KeptAnswer } from './answer-cache.ts'
import type { Attempt } from './attempt.ts'
import { CacheKeys, comparable, ownerOf } from './cache-key.ts'
import { resolve } from './choose.ts'
import type { Deadlines } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import { asUsedBy, factsFor, isAllowed, isListed } from './policy.ts'
import { Recording, type Headers, type Pool } from './recording.ts'
import type { Replay } from './repeats.ts'
import { commonHeaders } from './respond.ts'
import type { Deployment } from './snapshot.ts'
import { isWholeAnswer } from './own-end.ts'

/** `scope`: name and version of the routing policy; '' where a model is asked for by name. */
export interface CachePolicy { ttlMs: number; scope: string }

/** Of a request that missed: what its client is being sent. */
export interface Capture { key: string; recording: Recording; /** Warnings that had been said before its first attempt. */ warnings: number }

/** Of the answer and not of the request. */
const ofTheAnswer = /^(content-type|cache-control|x-accel-buffering|openai-(version|model)|x-amzn-bedrock-[\w-]+|x-megarouter-(provider|model))$/
const uncounted: Pool = { resized() {} }
/** Nobody is told: a recording has no readers. */
const notWanted = failure('internal_error', 'This answer is not kept.')

export class ExactCache implements Pool {
  hits = 0
  misses = 0
  kept = 0
  /** Answers that were not fit to be kept. */
  unfit = 0
  /** The store did not answer or did not take it. */
  failed = 0
  savedNano = 0
  /** Of answers that are on their way. */
  recordingBytes = 0
  readonly #keys: CacheKeys
  readonly answers: AnswerCache
  /** With whose they are, the oldest first. */
  readonly #recordings = new Map<Recording, string>()

  constructor(pepper: Pick<Pepper, 'key'>, answers: AnswerCache) {
    this.#keys = new CacheKeys(pepper)
    this.answers = answers
  }

  /** Null: there is no such answer, or none is wanted. `deployments`: those that may serve the request. */
  find(exchange: Exchange, deployments: readonly Deployment[]): null | Replay | Promise<Replay | null> {
    const { cache: wish } = exchange.options!
    if (wish === false) exchange.cachePolicy = null
    else if (exchange.cachePolicy === undefined) exchange.cachePolicy = wish === true ? ofOrganisation(exchange) : null
    const policy = exchange.cachePolicy ?? null
    if (policy === null && wish !== true) return null
    const compared = policy === null ? { why: 'neither the routing policy nor the organisation keeps answers' } : comparable(exchange)
    if (policy === null || 'why' in compared) {
      if (wish === true && 'why' in compared) exchange.warnings.push(`the cache is not used, since ${compared.why}`)
      return null
    }
    const key = this.#keys.of(exchange, policy.scope, deployments, compared.body)
    return this.#ask(exchange, deployments, policy, key)
  }

  /** A request is over: its answer is kept if it is whole. */
  answered(exchange: Exchange): void {
    const { capture, attempts, last, cachePolicy, outcome, status, key, routed } = exchange
    if (capture === null || !cachePolicy) return
    const { recording } = capture
    const isDone = last !== null && outcome === 'success' && status === 200 && last.outcome === 'success' && recording.complete && recording.whole
    // The answer of a fallback would go on being given once the first model is back, and one of a model that was only tried once it is given up.
    if (!isDone || modelOf(attempts[0]!) !== modelOf(last) || routed?.record.why === 'explored' || !isWhole(exchange, last, recording.bytes)) return void this.unfit++
    this.#attend(this.answers.keep(key!.org, capture.key, keptFrom(exchange, last, capture), cachePolicy.ttlMs))
    this.kept++
  }

  /** Gives back the memory of an answer that was on its way. */
  close({ recording }: Capture): void {
    this.#recordings.delete(recording)
    recording.release()
  }

  /** Answers that are on their way are not kept either. */
  async empty(org: string): Promise<Emptied> {
    for (const [recording, of] of this.#recordings) if (of === org) recording.lose(notWanted)
    return this.answers.empty(org)
  }

  resized(bytes: number): void {
    this.recordingBytes += bytes
    if (bytes <= 0) return
    for (const recording of this.#recordings.keys()) {
      if (this.recordingBytes <= limits.cacheRecordingBytes) return
      this.#recordings.delete(recording)
      recording.lose(notWanted)
    }
  }

  #ask(exchange: Exchange, deployments: readonly Deployment[], policy: CachePolicy, key: string): Replay | null | Promise<Replay | null> {
    try {
      const found = this.answers.find(exchange.key!.org, key)
      if (!(found instanceof Promise)) return this.#decide(exchange, deployments, policy, key, found)
      return found.catch(() => this.#lost()).then((later) => this.#decide(exchange, deployments, policy, key, later))
    } catch {
      return this.#decide(exchange, deployments, policy, key, this.#lost())
    }
  }

  #decide(exchange: Exchange, deployments: readonly Deployment[], { ttlMs, scope }: CachePolicy, key: string, answer: KeptAnswer | null): Replay | null {
    // A time that was made shorter holds for what is kept already.
    const isFresh = answer !== null && exchange.clock.epochMs() - answer.at < ttlMs
    if (isFresh && mayServe(answer, scope === '' ? deployments : [...deployments, ...found(exchange, answer)])) {
      this.hits++
      this.savedNano += answer.costNano
      return new Hit(answer)
    }
    this.misses++
    exchange.cache = 'miss'
    const recording = new Recording(this, limits.cacheAnswerBytes, exchange.id, Math.floor(exchange.at / 1000))
    this.#recordings.set(recording, exchange.key!.org)
    exchange.capture = { key, recording, warnings: exchange.warnings.length }
    return null
  }

  #attend(keeping: void | Promise<void>): void {
    if (keeping instanceof Promise) keeping.catch(() => this.#lost())
  }

  #lost(): null {
    this.failed++
    return null
  }
}

/** An answer that was kept, on its way to one more client. */
class Hit implements Replay {
  readonly #answer: KeptAnswer

  constructor(answer: KeptAnswer) {
    this.#answer = answer
  }

  serve(exchange: Exchange, deadlines: Deadlines): ReturnType<Replay['serve']> {
    const { requestId, at, headers: described, body, warnings } = this.#answer
    exchange.cache = 'hit'
    // What was decided is not done: the request that the answer was made for has its own decision.
    exchange.routed = null
    exchange.route = `cached answer of ${requestId}`
    exchange.warnings.push(...warnings)
    exchange.captured?.push(body)
    const recording = new Recording(uncounted, Infinity, requestId, at)
    recording.answer(200, {}, body)
    const headers: Headers = { ...commonHeaders(exchange, undefined), ...described, 'x-megarouter-cost-usd': '0', age: String(Math.max(0, Math.floor((exchange.clock.epochMs() - at) / 1000))) }
    if (!exchange.asked!.stream) headers['content-length'] = String(body.length)
    return recording.serve(exchange, deadlines, headers)
  }
}

function ofOrganisation({ view }: Exchange): CachePolicy | null {
  const ttlMs = view!.cacheTtlMs ?? 0
  return ttlMs > 0 ? { ttlMs, scope: '' } : null
}

/** In the vendor's words, and in those that its client got. */
const isWhole = (exchange: Exchange, { options: { translation, deployment } }: Attempt, bytes: Buffer): boolean =>
  translation?.endsItself !== false && isWholeAnswer(exchange, bytes, deployment.provider.vendor.proofs)

const modelOf = ({ options: { deployment } }: Attempt): string => deployment.logicalModel

function keptFrom(exchange: Exchange, { options: { deployment } }: Attempt, { recording, warnings }: Capture): KeptAnswer {
  const headers: Headers = {}
  for (const [name, value] of Object.entries(recording.headers)) if (ofTheAnswer.test(name)) headers[name] = value
  return {
    requestId: exchange.id, at: exchange.clock.epochMs(), headers, body: recording.bytes, warnings: exchange.warnings.slice(warnings),
    deployment: deployment.identity, model: deployment.logicalModel, owner: ownerOf(deployment), costNano: exchange.attempts.reduce((sum, { metered }) => sum + (metered?.tenantNano ?? 0), 0),
  }
}

/** Its deployment is still one of those, with the same credentials. */
const mayServe = ({ deployment, owner }: KeptAnswer, deployments: readonly Deployment[]): boolean =>
  deployments.some((each) => each.identity === deployment && ownerOf(each) === owner)

/** Of a routing policy, which may choose another model each time: where the answer came from, if the key may use it now. */
function found(exchange: Exchange, { model }: KeptAnswer): Deployment[] {
  const { key, asked } = exchange
  const [view, principal] = [exchange.view!, exchange.principal!]
  const facts = factsFor(exchange, principal)
  return resolve(view, model, () => 0, principal).flatMap((each) => asUsedBy(each, principal) ?? [])
    .filter((each) => isListed(key!, asked!.model, each) && isAllowed(view, principal, each, facts))
}
