/** The way of a request through its steps, from the matched route to its record. The only file that knows all steps. */
import { allTokens } from '../catalog/price.ts'
import { failure, type Failure } from '../errors.ts'
import { isLease, type Admission } from '../governance/lease.ts'
import { limits } from '../limits.ts'
import { Plan, type PlanTools, type Target } from '../routing/plan.ts'
import { Attempt, type AttemptOptions } from './attempt.ts'
import { authenticate } from './authenticate.ts'
import { choose } from './choose.ts'
import type { Deadlines } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import { bytesPerToken, inspect } from './inspect.ts'
import type { KeyIndex } from './key-index.ts'
import { cutFailure, type Live } from './live.ts'
import { costOf, holdNano, meter } from './meter.ts'
import { receive, type BodyBudget } from './receive.ts'
import { recordOf, type Recorder } from './record.ts'
import { answer, refuse, sayFault } from './respond.ts'
import { stream } from './stream.ts'
import { translate } from './translate.ts'
import type { Transport } from './transport.ts'
import { withCost } from './usage-cost.ts'

/** What the steps work with: one for the process. */
export interface Gateway {
  keys: KeyIndex
  bodies: BodyBudget
  admission: Admission
  tools: PlanTools
  transport: Transport
  deadlines: Deadlines
  live: Live
  recorder: Recorder
  userAgent: string
  /** An exception inside the pipeline: always a defect. */
  onDefect(error: unknown, requestId: string | null): void
}

export async function handle(exchange: Exchange, gateway: Gateway): Promise<void> {
  gateway.live.enter(exchange)
  try {
    const plan = await prepare(exchange, gateway)
    if (plan instanceof Plan) await attempt(exchange, gateway, plan)
    else refuseAs(exchange, plan)
  } catch (error) {
    // A defect of ours ends this request and nothing else.
    gateway.onDefect(error, exchange.id)
    if (exchange.response.headersSent) exchange.response.destroy()
    else refuseAs(exchange, failure('internal_error', 'The gateway failed at this request; its log says why, under the request id.'))
    exchange.outcome = 'failed'
  } finally {
    gateway.live.exit(exchange)
    exchange.lease?.release(exchange.attempts.reduce((sum, { metered }) => sum + (metered ? allTokens(metered.usage) : 0), 0))
    gateway.recorder.add(recordOf(exchange))
  }
}

/** Everything before the first dispatch: a failure here has cost nothing. */
async function prepare(exchange: Exchange, gateway: Gateway): Promise<Plan | Failure> {
  // The key comes first, so that only its owner can make us hold a body.
  const refused = authenticate(exchange, gateway.keys)
  if (refused) return refused
  exchange.enter('receive')
  const unreadable = await receive(exchange, gateway.bodies)
  if (unreadable) return unreadable
  exchange.enter('admit')
  const granted = gateway.admission.admit(exchange.key!, Math.ceil(exchange.body.length / bytesPerToken))
  if (!isLease(granted)) return granted
  exchange.lease = granted
  if (exchange.snapshot.settings.contentOrgs.includes(exchange.key!.org)) exchange.captured = []
  const wrong = inspect(exchange)
  if (wrong) return wrong
  const choice = choose(exchange, gateway.tools.random)
  if ('code' in choice) return choice
  exchange.route = choice.route
  return new Plan(choice.deployments, gateway.tools)
}

/** Tries targets until one answers, the client leaves, or none is left. */
async function attempt(exchange: Exchange, gateway: Gateway, plan: Plan): Promise<void> {
  const { clock } = exchange
  for (let target = plan.next(clock.epochMs()); target; target = plan.next(clock.epochMs())) {
    if (target.delayMs > 0) await pause(exchange, target.delayMs)
    const refused = exchange.cutBy ? cutFailure(exchange.cutBy) : exchange.clientGone ? null : exchange.lease!.hold(exchange.attempts.length + 1, holdNano(target.deployment, exchange.asked!))
    if (exchange.clientGone || refused) {
      gateway.tools.health.done(target.deployment.id, undefined, clock.epochMs())
      return refused ? refuseAs(exchange, refused) : left(exchange)
    }
    if (await call(exchange, gateway, target, plan)) return
  }
  const last = exchange.attempts.at(-1)
  if (!last) return refuseAs(exchange, failure('upstream_unavailable', `Every deployment of ${exchange.asked!.model} is resting after failures. It is tried again shortly.`, { retryAfterMs: 5000 }))
  last.final = true
  exchange.outcome = 'failed'
  exchange.refusal = last.fault!.upstream ? null : last.fault!.failure
  sayFault(exchange, last, last.fault!)
}

/** One attempt, to its settlement. True when the client has its answer, whatever it is. */
async function call(exchange: Exchange, gateway: Gateway, target: Target, plan: Plan): Promise<boolean> {
  const number = exchange.attempts.length + 1
  const { request, askedForUsage } = translate(exchange, target, number, gateway.userAgent)
  exchange.enter('call')
  const tried = new Attempt(attemptOptions(exchange, target, number, askedForUsage), exchange.clock, gateway.deadlines)
  exchange.attempts.push(tried)
  exchange.running = tried
  const reply = await tried.start((handler) => gateway.transport.dispatch(request, handler))
  if (reply === 'stream') await stream(exchange, tried, gateway.deadlines)
  exchange.enter('meter')
  exchange.running = null
  tried.metered = meter(tried, exchange.asked!)
  exchange.lease!.settle(number, tried.metered.costNano)
  const now = exchange.clock.epochMs()
  gateway.tools.health.done(target.deployment.id, tried.outcome === 'cancelled' ? undefined : (tried.fault?.class ?? null), now)
  exchange.firstTokenUs = tried.firstTokenUs
  if (reply === 'failed' && !exchange.clientGone) {
    plan.failed(target, tried.fault!, now)
    return false
  }
  tried.final = true
  if (reply === 'answer') answer(exchange, tried, exchange.options!.includeCost ? withCost(tried.body!, tried.metered.costNano) : tried.body!)
  conclude(exchange, tried)
  return true
}

function attemptOptions(exchange: Exchange, { deployment, credential }: Target, number: number, stripUsage: boolean): AttemptOptions {
  const includeCost = exchange.options!.includeCost
  return {
    number, deployment, credentialId: credential.id, protocol: exchange.protocol, stream: exchange.asked!.stream,
    deadlines: exchange.snapshot.settings.deadlines,
    stripUsage: stripUsage && !includeCost,
    rewriteUsage: includeCost ? (json, usage) => withCost(Buffer.from(json), costOf(deployment, usage)).toString() : null,
  }
}

function conclude(exchange: Exchange, tried: Attempt): void {
  if (exchange.clientGone) return left(exchange)
  exchange.outcome = tried.fault ? 'broken' : 'success'
  exchange.refusal = tried.fault?.failure ?? null
}

function left(exchange: Exchange): void {
  exchange.outcome = 'cancelled'
  exchange.status ||= 499
}

function refuseAs(exchange: Exchange, refused: Failure): void {
  if (exchange.attempts.length > 0) exchange.attempts.at(-1)!.final = true
  exchange.outcome = exchange.attempts.length > 0 ? 'failed' : 'refused'
  exchange.refusal = refused
  refuse(exchange, refused)
}

/** Waits before a retry, unless the client leaves first. */
function pause(exchange: Exchange, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, Math.min(delayMs, limits.retryAfterMs))
    function done(): void {
      clearTimeout(timer)
      exchange.wake = null
      resolve()
    }
    exchange.wake = done
  })
}
