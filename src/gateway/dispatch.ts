/**
 * What every attempt has in common, the first and the one beside it: its hold, its request as the vendor gets it, its start, and what
 * is learned at its end. A second one is refused, and nobody is told, where a budget, a limit or a quota has no room for both.
 */
import { allTokens } from '../catalog/price.ts'
import type { Failure } from '../errors.ts'
import { Hold } from '../ledger/hold.ts'
import type { Plan, Target } from '../routing/plan.ts'
import { Attempt } from './attempt.ts'
import { attemptOptions } from './attempt-options.ts'
import type { Exchange } from './exchange.ts'
import type { Leg } from './hedge.ts'
import { settle } from './meter.ts'
import type { Gateway } from './pipeline.ts'
import type { Deployment } from './snapshot.ts'
import { translate } from './translate.ts'
import { listed, wordingFor, type Wording } from './wording.ts'

export const nowMs = ({ clock }: Exchange): number => clock.monotonicUs() / 1000

/** The hold of the next attempt. Waits only where a budget has to be opened first. */
export function reserve(exchange: Exchange, { asked, endpoint }: Wording, { deployment }: Target): Hold | Failure | Promise<Hold | Failure> {
  const attempt = exchange.attempts.length + exchange.skippedNumbers + 1
  return exchange.lease!.hold({ requestId: exchange.id, attempt, asked, capability: endpoint.capability, deployment, repeat: exchange.repeat?.mark ?? null })
}

/** Sends one attempt on its way. */
export function begin(exchange: Exchange, gateway: Gateway, wording: Wording, target: Target, plan: Plan, hold: Hold): Leg {
  const number = hold.record.attempt
  exchange.hold = hold
  const { request, askedForUsage, dropped } = translate(exchange, wording, target, number, gateway.userAgent, hold.bound.maxTokens)
  if (hold.bound.warning !== null) exchange.warnings.push(hold.bound.warning)
  const unsaid = [listed(wording.losses), ...dropped].filter((each) => each !== '').join(', ')
  if (unsaid !== '' && exchange.options!.onUnsupported === 'warn') exchange.warnings.push(`not said to ${target.deployment.provider.id}: ${unsaid}`)
  exchange.enter('call')
  const attempt = new Attempt(attemptOptions(exchange, wording, target, plan, number, askedForUsage, hold, gateway.admission.calibration), exchange.clock, gateway.deadlines)
  exchange.attempts.push(attempt)
  return { attempt, target, replied: attempt.start((handler) => gateway.transport.dispatch(request, handler)) }
}

/** What is known of deployment, credential and quota after an attempt, however it ended. */
export function learn(exchange: Exchange, { sharing, malformed }: Gateway, plan: Plan, { attempt, target }: Leg): void {
  plan.ended(target, attempt, nowMs(exchange), exchange.clock.epochMs())
  const { estimatedInputTokens } = exchange.asked!
  const used = attempt.metered === null ? estimatedInputTokens : allTokens(attempt.metered.usage)
  sharing.learn(target, attempt.headers, exchange.lease!.principal.share.team, estimatedInputTokens, used, nowMs(exchange), exchange.clock.epochMs())
  if (attempt.fault) malformed.tell(exchange.id, attempt)
}

/** From when on, ms after its dispatch, a second attempt is made beside this one; Infinity: none is. At most one in a request, and only where what is lost by it is known: what is billed by the piece, or has no price, is asked once. */
export function hedgesAfterMs({ hedge, hedgeTakenNano, form, asked }: Exchange, plan: Plan, target: Target): number {
  if (hedge === null || hedgeTakenNano !== null || form !== null || asked!.byPieces || target.deployment.price === null) return Infinity
  return plan.lateMs(target)
}

/** The second attempt, under way beside the first; null: there is none. */
export function beginSecond(exchange: Exchange, gateway: Gateway, plan: Plan, first: Leg, isOver: () => boolean): Leg | null | Promise<Leg | null> {
  if (!gateway.hedges.hasRoom(exchange.hedge!, lossOf(first.attempt.options.hold, first.target.deployment), nowMs(exchange))) return null
  const target = plan.second(nowMs(exchange), exchange.hedge!.keepsModel)
  if (target === null) return null
  const mayGo = target.deployment.price !== null && gateway.sharing.turn(target, exchange.lease!.principal, exchange.asked!.estimatedInputTokens, nowMs(exchange), 0) === 0
  const wording = mayGo ? wordingFor(exchange, target.deployment) : null
  if (wording === null || 'code' in wording) return notSecond(plan)
  const reserved = reserve(exchange, wording, target)
  if (!(reserved instanceof Promise)) return reserved instanceof Hold ? second(exchange, gateway, plan, first, wording, target, reserved) : notSecond(plan)
  // Whoever asks for a hold meanwhile gets the next number: one that was voided is not used again.
  exchange.skippedNumbers++
  return reserved.then((hold) => {
    const isHeld = hold instanceof Hold
    if (!isHeld || isOver()) {
      if (isHeld) hold.void()
      return notSecond(plan)
    }
    exchange.skippedNumbers--
    return second(exchange, gateway, plan, first, wording, target, hold)
  })
}

function notSecond(plan: Plan): null {
  plan.unfitSecond()
  return null
}

function second(exchange: Exchange, gateway: Gateway, plan: Plan, first: Leg, wording: Wording, target: Target, hold: Hold): Leg {
  exchange.hedgeTakenNano = Math.max(lossOf(first.attempt.options.hold, first.target.deployment), lossOf(hold, target.deployment))
  gateway.hedges.take(exchange.hedge!, exchange.hedgeTakenNano, nowMs(exchange))
  plan.doubled(nowMs(exchange))
  exchange.route = `${exchange.route}+hedged`
  return begin(exchange, gateway, wording, target, plan, hold)
}

/** What an aborted attempt likely costs: its input, or all of it where the vendor does not stop. */
const lossOf = ({ record, amountNano }: Hold, { provider: { vendor } }: Deployment): number => (vendor.billsAfterAbort ? amountNano : record.inputNano)

/** One of two has ended while the other goes on: it is the gateway's own way of being reliable, and settled as that. */
export function dropped(exchange: Exchange, gateway: Gateway, plan: Plan, leg: Leg, isSecond: boolean): void {
  learn(exchange, gateway, plan, leg)
  plan.dropped(leg.target, leg.attempt.fault, nowMs(exchange))
  settle(leg.attempt, true)
  if (isSecond) gateway.hedges.counts.lost++
  else gateway.hedges.counts.won++
}
