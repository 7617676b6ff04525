/** The way of a request through its steps, from the matched route to its record. The only file that knows all steps. */
import { allTokens } from '../catalog/price.ts'
import type { After } from '../clock.ts'
import { failure, type Failure } from '../errors.ts'
import type { Admission, Lease } from '../governance/admission.ts'
import type { SealedIds } from '../governance/sealed-ids.ts'
import type { Place, Pressure, Shedding, Waiting } from '../governance/priority.ts'
import { Hold } from '../ledger/hold.ts'
import type { HedgeBudget } from '../routing/hedge-budget.ts'
import { Plan, type PlanTools, type Target } from '../routing/plan.ts'
import type { Attempt } from './attempt.ts'
import { authenticate } from './authenticate.ts'
import type { AuthorizedTransport } from './authorized.ts'
import { choose, type Choice } from './choose.ts'
import { countTokens } from './count-tokens.ts'
import type { Deadlines } from './deadlines.ts'
import { begin, beginSecond, dropped, hedgesAfterMs, learn, nowMs, reserve } from './dispatch.ts'
import type { ExactCache } from './exact-cache.ts'
import type { Exchange } from './exchange.ts'
import { faultFrom } from './fault.ts'
import type { FeedbackSink, OutcomeKeeper } from './feedback.ts'
import { Race, type Leg, type Raced } from './hedge.ts'
import { bytesPerToken, endUserOf, inspect } from './inspect.ts'
import type { KeptResponses } from './kept-responses.ts'
import type { KeyIndex } from './key-index.ts'
import { learnFrom } from './learn.ts'
import { cutFailure, type Live } from './live.ts'
import type { MalformedLog } from './malformed.ts'
import { abandon, settle } from './meter.ts'
import { receive, type BodyBudget } from './receive.ts'
import { recordOf, type Recorder } from './record.ts'
import { Run, type Repeats, type Replay } from './repeats.ts'
import { answer, refuse, sayFault, sendJson } from './respond.ts'
import { pause, secure, secureFailure, untilEndWritten } from './secure.ts'
import type { Routing } from './routing.ts'
import type { Sharing } from './sharing.ts'
import type { Spool } from './spool.ts'
import { stream, type Settle } from './stream.ts'
import { withCost } from './usage-cost.ts'
import { wordingFor, type Wording } from './wording.ts'

/** What the steps work with: one for the process. */
export interface Gateway {
  keys: KeyIndex
  repeats: Repeats
  cache: ExactCache
  bodies: BodyBudget
  spool: Spool
  /** Of what vendors keep. */
  ids: SealedIds
  admission: Admission
  tools: PlanTools
  /** What second attempts beside late ones may cost. */
  hedges: HedgeBudget
  routing: Routing
  sharing: Sharing
  shedding: Shedding
  /** Of what the process may use, 1 is all. */
  memoryUsed(): number
  transport: Pick<AuthorizedTransport, 'dispatch' | 'sweep' | 'close'>
  deadlines: Deadlines
  live: Live
  recorder: Recorder
  userAgent: string
  /** Of what upstreams send in the place of answers. */
  malformed: MalformedLog
  kept: KeptResponses
  outcomes: OutcomeKeeper
  feedback: FeedbackSink
  after: After
  /** An exception inside the pipeline: always a defect. */
  onDefect(error: unknown, requestId: string | null): void
}

export async function handle(exchange: Exchange, gateway: Gateway): Promise<void> {
  gateway.live.enter(exchange)
  try {
    const next = await prepare(exchange, gateway)
    if (next instanceof Plan) {
      await attempt(exchange, gateway, next)
      gateway.cache.answered(exchange)
    } else if ('deployments' in next) await count(exchange, gateway, next)
    else if ('serve' in next) await replay(exchange, gateway, next)
    else refuseAs(exchange, next)
  } catch (error) {
    // A defect of ours ends this request and nothing else.
    gateway.onDefect(error, exchange.id)
    exchange.rival?.leave(false)
    exchange.running?.stop(faultFrom('request', failure('internal_error', 'The gateway failed at this request.')))
    if (exchange.response.headersSent) exchange.response.destroy()
    else refuseAs(exchange, failure('internal_error', 'The gateway failed at this request; its log says why, under the request id.'))
    exchange.outcome = 'failed'
  } finally {
    gateway.live.exit(exchange)
    close(exchange, gateway)
    if (exchange.capture !== null) gateway.cache.close(exchange.capture)
    if (exchange.routed !== null) learnFrom(exchange, gateway.routing)
    gateway.recorder.add(recordOf(exchange))
    exchange.letGo()
  }
}

/** Everything before the first dispatch: a failure here has cost nothing. */
async function prepare(exchange: Exchange, gateway: Gateway): Promise<Plan | Choice | Replay | Failure> {
  // The key comes first, so that only its owner can make us hold a body.
  const refused = authenticate(exchange, gateway.keys, gateway.admission)
  if (refused) return refused
  exchange.enter('receive')
  const unreadable = await receive(exchange, { budget: gateway.bodies, running: gateway.deadlines, spool: gateway.spool })
  if (unreadable) return unreadable
  exchange.enter('admit')
  const begun = gateway.repeats.begin(exchange)
  const use = begun instanceof Promise ? await begun : begun
  if (use instanceof Run) exchange.repeat = use
  else if (use) return use
  const key = exchange.key!
  const granted = gateway.admission.admit(key, exchange.snapshot, Math.ceil(exchange.body.length / bytesPerToken))
  if ('code' in granted) {
    exchange.limitHeaders = gateway.admission.headers(key, exchange.snapshot)
    return granted
  }
  exchange.lease = granted
  if (exchange.view!.storesContent) exchange.captured = []
  const opening = gateway.kept.open(exchange)
  const wrong = (opening instanceof Promise ? await opening : opening) ?? inspect(exchange)
  if (wrong) return wrong
  granted.about(exchange.tags, granted.asksEndUser ? endUserOf(exchange) : null)
  const chosen = choose(exchange, gateway)
  if ('code' in chosen) return chosen
  const choice = gateway.admission.hasThresholds ? await heedThresholds(exchange, gateway, granted, chosen) : chosen
  if ('code' in choice) return choice
  exchange.route = choice.route
  const placed = gateway.kept.place(exchange, choice.deployments)
  if ('code' in placed) return placed
  if (exchange.endpoint.counts) return { ...choice, deployments: [...placed] }
  const kept = gateway.cache.find(exchange, placed)
  const hit = kept instanceof Promise ? await kept : kept
  if (hit) return hit
  const entered = gateway.shedding.enter(exchange.key!.priority ?? 'standard', pressureOn(exchange, gateway, choice))
  const place = 'place' in entered ? await waitFor(exchange, entered) : entered
  if ('code' in place) return place
  exchange.place = place
  return new Plan(placed, gateway.tools, exchange.asked!.stream, exchange.snapshot.settings.deadlines)
}

/** How near the process is to the end of its memory, and the vendors that could serve to that of their quotas: of the freest one. */
function pressureOn({ clock }: Exchange, { memoryUsed, sharing }: Gateway, { deployments }: Choice): Pressure {
  const now = clock.monotonicUs() / 1000
  let quota = 1
  for (let i = 0; i < deployments.length && quota > 0; i++) quota = Math.min(quota, sharing.pressure(deployments[i]!.provider, deployments[i]!.upstreamModel, now))
  return { memory: memoryUsed(), quota }
}

/** A place that gets free in time; a client that leaves, or a key that is revoked, ends the waiting. */
async function waitFor(exchange: Exchange, waiting: Waiting): Promise<Place | Failure> {
  exchange.wake = () => waiting.cancel()
  if (exchange.clientGone || exchange.cutBy) waiting.cancel()
  const place = await waiting.place
  exchange.wake = null
  return exchange.cutBy && 'code' in place ? cutFailure(exchange.cutBy) : place
}

/** What thresholds of its budgets do to a request: nothing, a warning, a cheaper alias in the place of the model, an end. */
async function heedThresholds(exchange: Exchange, gateway: Gateway, lease: Lease, choice: Choice): Promise<Choice | Failure> {
  const asked = lease.standing(choice.deployments[0]!)
  const standing = asked instanceof Promise ? await asked : asked
  if (standing === null) return choice
  if ('code' in standing) return standing
  if (standing.blocked !== null) return standing.blocked
  exchange.warnings.push(...standing.warnings)
  const { alias } = standing
  const { model } = exchange.asked!
  if (alias === null || alias.name === model) return choice
  exchange.asked!.model = alias.name
  exchange.downgraded = true
  const cheaper = choose(exchange, gateway)
  if (!('code' in cheaper)) {
    exchange.warnings.push(`${alias.why}: ${alias.name} is served instead of ${model}`)
    return cheaper
  }
  // Whoever set the downgrade wanted work to go on.
  exchange.asked!.model = model
  exchange.downgraded = false
  exchange.warnings.push(`${alias.why}: ${alias.name} should be served instead of ${model}, and cannot (${cheaper.code})`)
  return choice
}

/** A question about the size of a request: nothing is held, and nothing is billed. */
async function count(exchange: Exchange, { transport, after, admission, tools, userAgent }: Gateway, { deployments }: Choice): Promise<void> {
  exchange.enter('call')
  const tokens = await countTokens(exchange, { transport, after, calibration: admission.calibration, credentials: tools.credentials, userAgent }, deployments[0]!)
  if (exchange.clientGone) return left(exchange)
  if (typeof tokens !== 'number') return refuseAs(exchange, tokens)
  exchange.outcome = 'success'
  sendJson(exchange, 200, exchange.protocol.counting!.answer(tokens))
}

/** A request whose `Idempotency-Key` ran before, or runs now: the same answer, and nothing is dispatched. */
async function replay(exchange: Exchange, gateway: Gateway, answer: Replay): Promise<void> {
  const failed = await answer.serve(exchange, gateway.deadlines)
  if (failed) refuseAs(exchange, failed)
}

/** Tries targets until one answers, the client leaves, or none is left. */
async function attempt(exchange: Exchange, gateway: Gateway, plan: Plan): Promise<void> {
  try {
    await tryTargets(exchange, gateway, plan)
  } finally {
    plan.close()
  }
}

async function tryTargets(exchange: Exchange, gateway: Gateway, plan: Plan): Promise<void> {
  let unfit: Failure | null = null
  for (let target = plan.next(nowMs(exchange)); target;) {
    if (target.delayMs > 0) await pause(exchange, target.delayMs, gateway.after)
    const turn = exchange.cutBy || exchange.clientGone ? null : turnOf(exchange, gateway, target)
    const late = turn instanceof Promise ? await turn : turn
    const wording = late ?? wordingFor(exchange, target.deployment)
    const reserved = 'code' in wording ? wording : exchange.cutBy ? cutFailure(exchange.cutBy) : exchange.clientGone ? null : reserve(exchange, wording, target)
    const hold = reserved instanceof Promise ? await reserved : reserved
    if (hold instanceof Hold) exchange.hold = hold
    if (hold instanceof Hold && !('code' in wording) && !exchange.clientGone && !exchange.cutBy) {
      if (await call(exchange, gateway, wording, target, plan, hold)) return
      // What is gone can't be sent again, and what the client broke off need not.
      target = exchange.form?.canRepeat === false ? null : plan.next(nowMs(exchange))
      settle(exchange.last!, target !== null)
      unfit = null
      continue
    }
    if (exchange.cutBy) {
      await secureFailure(exchange, gateway.after)
      return refuseAs(exchange, cutFailure(exchange.cutBy))
    }
    if (exchange.clientGone || hold === null || hold instanceof Hold) return left(exchange)
    unfit = hold
    // No other deployment changes that.
    if (hold.code === 'ledger_unavailable') break
    // Another deployment may be cheaper, or have a price at all.
    plan.unfit()
    target = plan.next(nowMs(exchange))
  }
  await secureFailure(exchange, gateway.after)
  const { last } = exchange
  // After an attempt its own fault says more than why there is no other.
  if (!last && unfit) return refuseAs(exchange, unfit)
  if (!last) return refuseAs(exchange, failure('upstream_unavailable', `Every deployment of ${exchange.asked!.model} rests after repeated failures, so none was asked. One is tried again within seconds: send the request again after retry-after, or use another model.`, { retryAfterMs: 5000 }))
  concluded(last)
  exchange.outcome = 'failed'
  exchange.refusal = last.fault!.upstream ? null : last.fault!.failure
  sayFault(exchange, last, last.fault!)
}

/** Waits, for a moment at most, until the team of the key may use the vendor's quota; a refusal where that takes longer. */
function turnOf(exchange: Exchange, gateway: Gateway, target: Target): null | Failure | Promise<null | Failure> {
  const turn = gateway.sharing.turn(target, exchange.lease!.principal, exchange.asked!.estimatedInputTokens, nowMs(exchange), 0)
  return turn === 0 ? null : typeof turn === 'number' ? waitForTurn(exchange, gateway, target, turn) : turn
}

async function waitForTurn(exchange: Exchange, gateway: Gateway, target: Target, firstMs: number): Promise<null | Failure> {
  for (let waitMs = firstMs, waitedMs = 0; ;) {
    await pause(exchange, waitMs, gateway.after)
    if (exchange.cutBy || exchange.clientGone) return null
    waitedMs += waitMs
    const turn = gateway.sharing.turn(target, exchange.lease!.principal, exchange.asked!.estimatedInputTokens, nowMs(exchange), waitedMs)
    if (typeof turn !== 'number') return turn
    if (turn === 0) return null
    waitMs = turn
  }
}

/** One attempt, or two at once. True when it is settled and the client has its answer, whatever it is; false: it failed, and another may follow. */
async function call(exchange: Exchange, gateway: Gateway, wording: Wording, firstTarget: Target, plan: Plan, hold: Hold): Promise<boolean> {
  const first = begin(exchange, gateway, wording, firstTarget, plan, hold)
  exchange.last = exchange.running = first.attempt
  const lateMs = hedgesAfterMs(exchange, plan, firstTarget)
  const { leg, reply } = lateMs === Infinity ? { leg: first, reply: await first.replied } : await race(exchange, gateway, plan, first, lateMs)
  const { attempt: tried, target } = leg
  if (reply === 'answer') settle(tried)
  const secured = reply === 'stream' || reply === 'answer' ? secure(exchange, gateway.admission.ledger, tried) : null
  if (secured) await secured
  if (reply === 'stream') plan.began(target, tried, nowMs(exchange))
  let withheld = reply === 'answer' && !tried.options.hold.isEndWritten ? await untilEndWritten(exchange, tried.options.hold, gateway.after) : null
  if (reply === 'stream') withheld = await stream(exchange, tried, gateway.deadlines, settleBeforeEnd, gateway.after)
  exchange.enter('meter')
  exchange.running = null
  learn(exchange, gateway, plan, leg)
  exchange.firstTokenUs = tried.firstTokenUs
  if (reply === 'failed' && !exchange.clientGone) {
    plan.failed(target, tried.fault!, nowMs(exchange))
    return false
  }
  tried.final = true
  const { tenantNano } = settle(tried)
  if (reply === 'answer' && withheld) refuse(exchange, withheld, tried)
  else if (reply === 'answer') answer(exchange, tried, bodyFor(exchange, tried, tenantNano))
  if (!withheld) gateway.kept.answered(exchange, tried)
  conclude(exchange, withheld ?? tried.fault?.failure ?? null)
  return true
}

const race = (exchange: Exchange, gateway: Gateway, plan: Plan, first: Leg, lateMs: number): Promise<Raced> => new Race(exchange, first, {
  after: gateway.after, second: (isOver) => beginSecond(exchange, gateway, plan, first, isOver), dropped: (leg, isSecond) => dropped(exchange, gateway, plan, leg, isSecond),
}).run(lateMs)

const settleBeforeEnd: Settle = (_exchange, attempt) => {
  settle(attempt)
  attempt.options.hold.write()
}

/** Gives back what the request holds; after a defect also what its attempts do. */
function close(exchange: Exchange, { hedges }: Gateway): void {
  const { lease, hold, place, repeat, attempts, last, form, hedge, hedgeTakenNano } = exchange
  let tokens = 0
  let nano = 0
  let lostNano = 0
  let charged = false
  for (const each of attempts) {
    if (!each.metered) abandon(each)
    else {
      tokens += allTokens(each.metered.usage)
      nano += each.metered.tenantNano
      charged ||= each.metered.charged
      if (hedgeTakenNano !== null && each !== last) lostNano += each.metered.costNano
    }
  }
  form?.close()
  if (hedge !== null) hedges.over(hedge, last?.metered?.costNano ?? 0, hedgeTakenNano ?? 0, lostNano, nowMs(exchange))
  // Taken, and its attempt never begun.
  if (hold?.isOpen) hold.void()
  repeat?.finish(charged)
  lease?.release(tokens, nano)
  place?.leave()
}

/** As the client gets it: in its own format, and with the cost where it asked for it. */
function bodyFor({ options }: Exchange, { body, options: { protocol, translation, stream } }: Attempt, tenantNano: number): Buffer {
  const { includeCost } = options!
  if (translation === null) return includeCost ? withCost(body!, protocol.usageIn.answer, tenantNano) : body!
  if (includeCost) translation.costNano = tenantNano
  return translation.written(stream)
}

function conclude(exchange: Exchange, failed: Failure | null): void {
  if (exchange.clientGone) return left(exchange)
  exchange.outcome = failed ? 'broken' : 'success'
  exchange.refusal = failed
}

function left(exchange: Exchange): void {
  exchange.outcome = 'cancelled'
  exchange.status ||= 499
}

/** The last attempt, whose failure is told: the client learns of no end that a kill could undo. */
function concluded(last: Attempt): void {
  last.final = true
  last.options.hold.write()
}

function refuseAs(exchange: Exchange, refused: Failure): void {
  const { last } = exchange
  if (last) concluded(last)
  exchange.outcome = last ? 'failed' : 'refused'
  exchange.refusal = refused
  refuse(exchange, refused)
}
