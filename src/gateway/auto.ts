/**
 * `auto`: from a request to the deployments of the model that the router chooses for it, and of those that follow if it fails. What no
 * model can meet is refused with what removed which; where only breakers and limits did, waiting helps.
 */
import { nearestNames } from '../catalog/nearest.ts'
import { failure, type Failure } from '../errors.ts'
import type { Facts } from '../governance/conditions.ts'
import { noFacts } from '../governance/model-policy.ts'
import type { CompiledPolicy } from '../routing/compile-policy.ts'
import { reasons, type NothingLeft, type Reason } from '../routing/constraints.ts'
import type { Policy } from '../routing/policy.ts'
import type { DecisionRecord } from '../routing/record.ts'
import type { RoutingRequest } from '../routing/router.ts'
import type { Understanding } from '../routing/understand.ts'
import type { Choice } from './choose.ts'
import type { Exchange, RequestOptions } from './exchange.ts'
import type { OrganisationRouting } from './organisation-routing.ts'
import type { Gateway } from './pipeline.ts'
import { factsOfRequest } from './policy.ts'
import { saidIn, type Said } from './said.ts'
import type { Deployment, View } from './snapshot.ts'

/** What was decided for a request, for what follows from it. */
export interface Routed {
  record: DecisionRecord
  understanding: Understanding
  routing: OrganisationRouting
  policy: CompiledPolicy
  /** Whose arm each deployment is that may be asked. */
  arms: ReadonlyMap<Deployment, string>
  said: Said
  /** As the router knows the conversation. */
  session: string
  marksCache: boolean
  wants: { tools: boolean; schema: boolean }
}

/** The name of the policy that a model's name means, or null where it means a model. */
export function policyNameOf(name: string, view: View): string | null {
  if (name === 'auto') return ''
  if (name.startsWith('auto:')) return name.slice('auto:'.length)
  return view.routing.has(name) && !view.aliases.has(name) && !view.declared.has(name) && view.catalog.logical(name).length === 0 && !builtIn.has(name) ? name : null
}

/** By their bare names these mean models or aliases, if anything. */
const builtIn: ReadonlySet<string> = new Set(['balanced', 'cheap', 'best', 'fast'])

export function chooseAuto(exchange: Exchange, named: string, { routing, admission, kept }: Pick<Gateway, 'routing' | 'admission' | 'kept'>): Choice | Failure {
  const asking = askingOf(exchange, named, { routing, kept })
  if ('code' in asking) return asking
  const { own, name, policy, limited: narrowed, said, request, deployments } = asking
  const accounts = admission.ledger.accountsOf(exchange.principal!.ancestors)
  if (accounts instanceof Promise) accounts.catch(ignored)
  else {
    request.budgetPrice = routing.paces.price(accounts, Math.floor(exchange.at / 1000))
    request.leftNano = admission.ledger.terms(accounts).freeNano
  }
  const decision = decide(own, request, narrowed, Math.floor(exchange.at / 1000), routing.random)
  if (decision.record === null) return nothingFits(decision.nothingLeft, exchange, own)
  const { record } = decision
  const chosen = deploymentsOf(own, [record.chosen, ...(exchange.options!.fallbacks === null ? record.fallbacks : [])], deployments)
  exchange.hedge = policy.hedge === null ? null : { policy: `${exchange.view!.id}\n${name}`, maxSpend: policy.hedge.maxSpend, keepsModel: record.held !== null || said.isToolLoop }
  exchange.routed = { record, understanding: request.understanding, routing: own, policy, arms: chosen, said, session: request.session!, marksCache: request.marksCache, wants: request.needs }
  exchange.cachePolicy = policy.cache && { ttlMs: policy.cache.ttlS * 1000, scope: `${name}:${policy.version}` }
  return { deployments: [...chosen.keys()], route: `auto:${name}${record.why === 'best' ? '' : `+${record.why}`}` }
}

/** All that the router is asked about a request, but for its budgets. What is against each arm holds only until the next request asks. */
export interface Asking { own: OrganisationRouting; name: string; policy: CompiledPolicy; limited: Policy; said: Said; request: RoutingRequest; deployments: readonly (readonly Deployment[])[] }

export function askingOf(exchange: Exchange, named: string, { routing, kept }: Pick<Gateway, 'routing' | 'kept'>): Asking | Failure {
  const view = exchange.view!
  const principal = exchange.principal!
  const { endpoint, options } = exchange
  if (endpoint.capability !== 'chat') return failure('invalid_request', `"${exchange.asked!.model}" chooses a model for a conversation, and ${endpoint.path} is none. Name a model; GET /v1/models lists them.`, { param: 'model' })
  const name = named || (options!.policy ?? exchange.key!.policy ?? principal.defaults?.policy?.value ?? 'balanced')
  const policy = view.routing.get(name)
  if (policy === undefined) return unknownPolicy(view, name)
  const own = routing.of(view)
  const facts: Facts = principal.asksRequests || policy.candidates?.some(({ when }) => when !== null) ? factsOfRequest(exchange, principal) : noFacts()
  const nowMs = exchange.clock.monotonicUs() / 1000
  const { bits, deployments } = own.against(policy, exchange.key!, principal, facts, nowMs, exchange.asked!.model)
  const said = saidIn(exchange.body, exchange.scan!)
  const elsewhere = stayWith(exchange, kept, bits, deployments)
  if (elsewhere !== null) return elsewhere
  return { own, name, policy, limited: limited(policy.policy, options!), said, request: requestOf(exchange, own, said, name, bits), deployments }
}

/** Deployments are copied on their way, for credentials of a team or of an earlier answer. */
export function armOf({ arms }: Pick<Routed, 'arms'>, deployment: Deployment): string | null {
  const arm = arms.get(deployment)
  if (arm !== undefined) return arm
  for (const [each, id] of arms) if (each.identity === deployment.identity && each.effort === deployment.effort) return id
  return null
}

/** An answer that its vendor keeps can be gone on from there alone. */
function stayWith(exchange: Exchange, kept: Gateway['kept'], bits: Uint32Array, deployments: readonly (readonly Deployment[])[]): Failure | null {
  if (exchange.earlier === null || exchange.earlier.isOurs) return null
  let missing: Failure | null = null
  let isSomewhere = false
  for (let at = 0; at < bits.length; at++) {
    const there = deployments[at]!.length === 0 ? null : kept.place(exchange, deployments[at]!)
    if (there === null || 'code' in there) {
      bits[at]! |= reasons.not_requested
      missing ??= there
    } else isSomewhere = true
  }
  return isSomewhere ? null : missing
}

/** The hold that follows meets the same trouble and tells it. */
const ignored = (): void => {}

/** `isTrial`: it is only thought of. */
export function decide(own: OrganisationRouting, request: RoutingRequest, policy: Policy, nowMs: number, random: () => number, isTrial = false): ReturnType<OrganisationRouting['router']['decide']> {
  const decision = own.router.decide(request, policy, nowMs, random, isTrial)
  if (decision.record !== null || request.leftNano === Infinity || !decision.nothingLeft.removed.some(({ reason }) => reason === 'budget')) return decision
  // The hold says what is left of which budget, and when it begins anew; if the request fits after all, so much the better.
  request.leftNano = Infinity
  return own.router.decide(request, policy, nowMs, random, isTrial)
}

function requestOf(exchange: Exchange, own: OrganisationRouting, said: Said, policy: string, outside: Uint32Array): RoutingRequest {
  const { asked, options, scan, key, principal, body } = exchange
  const tools = scan!.find('tools') ?? scan!.find('toolConfig')
  const hasTools = tools !== undefined && tools.valueEnd - tools.valueStart > 4
  const shape = asked!.size.mayCarryMedia() ? asked!.size.shape() : null
  const images = shape !== null && shape.images > 0
  return {
    understanding: own.router.understander.understand(said.text, { tools: hasTools, images }),
    needs: {
      promptTokens: asked!.estimatedInputTokens, maxOutputTokens: asked!.maxOutputTokens ?? 0, tools: hasTools, schema: wantsSchema(exchange), images,
      audio: shape?.media?.includes('audio') === true, models: options!.models === null ? null : new Set(options!.models),
    },
    tenant: principal!.share.team === key!.org ? '' : principal!.share.team,
    session: sessionOf(exchange, said, policy), isToolLoop: said.isToolLoop, prefix: said.prefix, outside, budgetPrice: 0, leftNano: Infinity,
    marksCache: body.includes('"cache', 0, 'latin1'),
    isLowRisk: said.turns <= 2 && options!.session === null && !hasTools && key!.priority !== 'interactive' && !exchange.endpoint.counts,
  }
}

/** A conversation that goes on is known by how it begins where the client gives it no name. */
const sessionOf = ({ options, key }: Exchange, { prefix }: Said, policy: string): string => `${key!.id}\n${policy}\n${options!.session ?? prefix}`

const schemaMembers = ['response_format', 'text', 'generationConfig', 'output_config', 'output_format', 'format', 'outputConfig'] as const
function wantsSchema({ body, scan }: Exchange): boolean {
  for (const name of schemaMembers) {
    const member = scan!.find(name)
    if (member === undefined) continue
    const at = body.indexOf('chema"', member.valueStart, 'latin1')
    if (at >= 0 && at < member.valueEnd) return true
  }
  return false
}

/** The policy with the limits that the request sets for itself: they only narrow it. */
function limited(policy: Policy, { maxCostNano, minQuality, maxLatencyMs }: RequestOptions): Policy {
  if (maxCostNano === null && minQuality === null && maxLatencyMs === null) return policy
  const lower = (own: number, asked: number | null): number => (asked === null ? own : own > 0 ? Math.min(own, asked) : asked)
  return { ...policy, maxCostNano: lower(policy.maxCostNano, maxCostNano), maxLatencyMs: lower(policy.maxLatencyMs, maxLatencyMs), minQuality: Math.max(policy.minQuality, minQuality ?? 0) }
}

/** In the order in which they are asked, with the arm that each belongs to. */
export function deploymentsOf({ arms, router }: OrganisationRouting, ids: readonly string[], deployments: readonly (readonly Deployment[])[]): Map<Deployment, string> {
  const chosen = new Map<Deployment, string>()
  for (const id of ids) {
    const at = router.indexOf(id)
    if (at >= 0 && at < arms.length) for (const deployment of deployments[at]!) if (!chosen.has(deployment)) chosen.set(deployment, id)
  }
  return chosen
}

const said: Readonly<Record<Reason, string>> = {
  modality: 'cannot read what the request carries (images or audio)', tools: 'cannot use tools', schema: 'cannot answer by a schema', context: 'have no room for the prompt and its answer', output: 'cannot answer at the length that is asked for',
  policy: 'may not be used by this key', residency: 'are not where the data may go', budget: 'cost more than its budgets have left', breaker: 'do not answer at the moment', rate_limit: 'are at their rate limit',
  price_unknown: 'have no known price', min_quality: 'are expected to be below the quality that is asked for (min_quality)', max_cost: 'would cost more than allowed (max_cost_usd)', max_latency: 'would take longer than allowed (max_latency_ms)',
  not_requested: 'are not among the candidates of the policy or of the request (models)', on_trial: 'are new and on trial', rejected: 'were rejected', not_approved: 'wait for approval',
}
const mostNamed = 5

export function nothingFits({ passes, removed }: NothingLeft, exchange: Exchange, { arms }: OrganisationRouting): Failure {
  const { model } = exchange.asked!
  if (arms.length === 0) return failure('no_candidate', `"${model}" has no model to choose from: no provider that is switched on serves one for conversations. Have an admin add a credential in the console under Providers.`, { param: 'model' })
  const others = new Set(removed.find(({ reason }) => reason === 'not_requested')?.arms)
  const wanted = others.size === arms.length ? removed : removed.filter(({ reason }) => reason !== 'not_requested').map(({ reason, arms: ids }) => ({ reason, arms: ids.filter((id) => !others.has(id)) })).filter(({ arms: ids }) => ids.length > 0)
  const what = wanted.map(({ reason, arms: ids }) => `${ids.slice(0, mostNamed).join(', ')}${ids.length > mostNamed ? ` and ${ids.length - mostNamed} more` : ''} ${said[reason]}`).join('; ')
  if (passes) return failure('upstream_unavailable', `No model that "${model}" could choose answers at the moment: ${what}. Send the request again after retry-after.`, { retryAfterMs: 5_000 })
  const own = removed.some(({ reason }) => requested.has(reason)) ? ' Relax what the request asks for, or name a model.' : ' Ask an admin of the organisation, or name a model.'
  return failure('no_candidate', `No model meets all that this request to "${model}" asks for: ${what}.${own}`, { param: 'model' })
}
/** What a client can change by itself. */
const requested = new Set<Reason>(['modality', 'tools', 'schema', 'context', 'output', 'min_quality', 'max_cost', 'max_latency', 'not_requested'])

function unknownPolicy({ routing }: View, name: string): Failure {
  const names = [...routing.keys()]
  const nearest = nearestNames(name.slice(0, 100), names, 3)
  return failure('model_not_found', `There is no routing policy "${name.slice(0, 100)}". ${nearest.length > 0 ? `Nearest names: ${nearest.join(', ')}.` : `There are ${names.slice(0, 20).join(', ')}.`}`, { param: 'model' })
}
