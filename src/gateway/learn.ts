/**
 * What a routed request teaches by itself once it is over: how long the answer was and took, what the vendor has cached now, and what
 * anybody can see of its quality. An attempt that failed for want of a vendor says nothing of quality.
 */
import { allTokens } from '../catalog/price.ts'
import { rulesFor } from '../routing/sessions.ts'
import type { Attempt } from './attempt.ts'
import { armOf, type Routed } from './auto.ts'
import type { Exchange } from './exchange.ts'
import { signalsOf } from './judge.ts'
import type { Routing } from './routing.ts'

export function learnFrom(exchange: Exchange, routing: Routing): void {
  const routed = exchange.routed!
  if (exchange.endpoint.counts) return
  const { last } = exchange
  const arm = last?.outcome === 'success' ? armOf(routed, last.options.deployment) : null
  routing.note(exchange.id, exchange.key!.org, exchange.at, exchange.options!.session, routed.record, routed.understanding, arm)
  if (arm === null || last === null) return
  observe(exchange, routed, arm, last)
  const { understanding, said, session, record: { tenant }, wants } = routed
  const org = exchange.key!.org
  for (const signal of signalsOf(exchange, last, wants)) routing.take(org, arm, tenant, understanding, signal)
  const before = routed.routing.repeated.answered(session, arm, said, understanding, Math.floor(exchange.at / 1000), exchange.clock.epochMs())
  if (before !== null) routing.take(org, before.arm, tenant, before.understanding, { kind: 'regenerated' })
}

function observe(exchange: Exchange, { routing: { router }, understanding, said, session, marksCache, record }: Routed, arm: string, { metered, startedUs, firstTokenUs, endedUs }: Attempt): void {
  const known = router.find(arm)
  if (known === undefined || metered === null || firstTokenUs === null || endedUs === null) return
  const { usage } = metered
  const output = usage.output + usage.reasoning
  router.observe(arm, understanding, output, (firstTokenUs - startedUs) / 1000, (endedUs - startedUs) / 1000)
  router.sessions.note(session, arm, Math.max(record.promptTokens, allTokens(usage) - output), said.prefix, rulesFor(known, marksCache), Math.floor(exchange.at / 1000))
}
