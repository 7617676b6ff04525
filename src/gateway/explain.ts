/**
 * Answers the control worker's questions about a key: what acts on it, and what would become of a request. Off the request path; it reads
 * what requests read and leaves nothing behind. A budget that nobody used yet is opened, as its first request would.
 */
import { failure, type Failure } from '../errors.ts'
import { budgetsOfKey, effectiveOf, type Effective } from '../governance/effective.ts'
import { explainRequest, refusedRequest, type Candidate, type ExplainAsk, type Explained } from '../governance/explain-request.ts'
import { RequestVariable, type Facts } from '../governance/conditions.ts'
import type { Lease } from '../governance/admission.ts'
import type { Principal } from '../governance/principal.ts'
import type { Account, Ancestor } from '../ledger/account.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { priceUnknown } from '../ledger/refusals.ts'
import { unusable } from './authenticate.ts'
import { policyNameOf } from './auto.ts'
import { hardBudgetOf, resolve, unpricedIsBlocked } from './choose.ts'
import type { Asked } from './exchange.ts'
import { bytesPerToken } from './inspect.ts'
import { localTime } from './local-time.ts'
import { listModels } from './models.ts'
import type { Gateway } from './pipeline.ts'
import { asUsedBy, canServe, isListed, modelFacts, servedBy } from './policy.ts'
import { viewOf, type Deployment, type KeyEntry, type Snapshot, type View } from './snapshot.ts'

/** Budgets as they stand, read first where nobody used them yet. */
export async function opened(ledger: Ledger, ancestors: readonly Ancestor[]): Promise<Account[] | Failure> {
  for (;;) {
    const accounts = ledger.accountsOf(ancestors)
    if (!(accounts instanceof Promise)) return accounts
    const failed = await accounts
    if (failed !== null) return failed
  }
}

/** Null: there is no such key. */
export async function effectiveOfKey(gateway: Gateway, snapshot: Snapshot, id: string, epochMs: number): Promise<Effective | null> {
  const key = gateway.keys.get(id)
  if (key === null) return null
  const { ledger, limits, governance } = gateway.admission
  const state = governance.of(key.org)
  const found = budgetsOfKey(key, state, snapshot, epochMs).filter(({ ancestor }) => ancestor.budget !== null).map(({ ancestor }) => ancestor)
  const accounts = await opened(ledger, found)
  const byRule = new Map('code' in accounts ? [] : accounts.map((account) => [account.rule, account]))
  return effectiveOf(key, state, snapshot, { account: ({ rule }) => byRule.get(rule) ?? null, used: (scope) => limits.use(scope, epochMs) }, epochMs)
}

const defaultTokens = 1_000

function askedOf(ask: ExplainAsk, model: string): Asked {
  const { inputTokens = defaultTokens, maxOutputTokens = null, stream = false, hasImages = false, hasTools = false } = ask
  const bodyBytes = inputTokens * bytesPerToken
  return {
    model, written: model, stream, usageInStream: false, byPieces: false, choices: 1, maxOutputTokens, maxTokens: null, maxCompletionTokens: maxOutputTokens, reasoningOff: false, bodyBytes, estimatedInputTokens: inputTokens,
    size: {
      mayCarryMedia: () => hasImages,
      shape: () => ({ messages: 1, tools: hasTools ? 1 : 0, prompts: 1, choices: 1, images: hasImages ? 1 : 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null }),
    },
  }
}

function factsOf(ask: ExplainAsk, { asksRequests, variable, timeZone }: Principal, tags: readonly string[], epochMs: number): Facts {
  const { hour, weekday } = localTime(timeZone, epochMs)
  const { session = '', stream = false, capability = 'chat', inputTokens = null, maxOutputTokens = null, hasTools = null, hasImages = null, hasJson = null } = ask
  const endpoint = capability === 'chat' ? 'chat.completions' : capability
  return { principal: asksRequests ? variable : null, model: null, request: new RequestVariable({ tags, session, endpoint, stream, hour, weekday, hasTools, hasImages, hasJson, inputTokens, maxOutputTokens }) }
}

/** Null: there is no such key. */
export async function explainOfKey(gateway: Gateway, snapshot: Snapshot, ask: ExplainAsk, clock: { epochMs(): number; monotonicUs(): number }): Promise<Explained | null> {
  const key = gateway.keys.get(ask.key)
  if (key === null) return null
  const { admission } = gateway
  const view = viewOf(snapshot, key.org)
  const now = clock.epochMs()
  const principal = admission.principal(key, snapshot)
  const stopped = unusable(key, now) ?? principal.stopped
  if (stopped !== null) return refusedRequest(stopped)
  const models = listModels({ view, key, principal, health: gateway.tools.health, nowMs: clock.monotonicUs() / 1000, epochMs: now }).flatMap(({ id, owned_by: owner }) => (owner === 'megarouter' ? [] : [id]))
  const model = ask.model ?? principal.defaults?.model?.value ?? null
  if (model === null) return refusedRequest(failure('invalid_request', 'The request names no model, and no node above the key sets a default.', { param: 'model' }), models)
  if (policyNameOf(model, view) !== null) return refusedRequest(failure('invalid_request', `${model.slice(0, 100)} leaves the choice of the model to the router: POST /api/v1/routing/explain says which it would be and why. Ask here about that model.`, { param: 'model' }), models)
  const deployments = [model, ...principal.defaults?.fallbacks?.value ?? []].flatMap((name) => resolve(view, name, () => 0, principal))
  if (deployments.length === 0) return refusedRequest(failure('model_not_found', `There is no model "${model.slice(0, 100)}" here, or no provider that is switched on serves it.`, { param: 'model' }), models)
  const tags = [...new Set([...key.tags, ...ask.tags ?? []])]
  const lease = admission.trial(key, snapshot)
  lease.about(tags, ask.endUser ?? null)
  const asked = askedOf(ask, model)
  const candidates = await Promise.all(deployments.map((deployment) => candidateOf(gateway, view, key, principal, lease, deployment, { ...ask, model }, asked, now)))
  const standing = await lease.standing(deployments[0]!)
  const heeded = standing === null || 'code' in standing ? null : standing
  if (heeded?.blocked) return { ...refusedRequest(heeded.blocked, models), warnings: heeded.warnings }
  const asking = { asked, capability: ask.capability ?? 'chat', chain: principal.chain, facts: factsOf(ask, principal, tags, now), calibration: admission.calibration, nowMs: now, others: servedBy(view).filter((each) => canServe(view, each, ask.capability ?? 'chat')).map((each) => modelFacts(view, each)) }
  return explainRequest(candidates, asking, { models, warnings: heeded?.warnings ?? [], downgrade: heeded?.alias?.name ?? null })
}

async function candidateOf({ admission }: Gateway, view: View, key: KeyEntry, principal: Principal, lease: Lease, deployment: Deployment, ask: ExplainAsk & { model: string }, asked: Asked, nowMs: number): Promise<Candidate> {
  const { ledger, limits } = admission
  const { ancestors, scopes } = lease.meets(deployment)
  const accounts = await opened(ledger, ancestors)
  const terms = 'code' in accounts ? { mode: 'none' as const, freeNano: Infinity, by: null } : ledger.terms(accounts)
  return { deployment, facts: modelFacts(view, deployment), refused: refusalOf(view, key, principal, deployment, ask), limited: limits.peek(scopes, asked.estimatedInputTokens, nowMs), accounts, terms }
}

/** What is decided before policies are asked. */
function refusalOf(view: View, key: KeyEntry, principal: Principal, deployment: Deployment, { model, capability = 'chat' }: ExplainAsk & { model: string }): Failure | null {
  const { vendor } = deployment.provider
  if (!vendor.endpoints.includes(capability)) return failure('invalid_request', `${vendor.name} does not serve ${capability}.`, { param: 'model' })
  if (asUsedBy(deployment, principal) === null) return failure('provider_not_enabled', `Key ${key.name} has no credential at ${vendor.name}: those that are there belong to other teams.`, { param: 'model' })
  if (!isListed(key, model, deployment)) return failure('policy_denied', `Key ${key.name} may not use ${model}: it is not on the key's list.`, { param: 'model' })
  if (deployment.price === null && unpricedIsBlocked(view, principal)) return priceUnknown(deployment.id, hardBudgetOf(principal))
  return null
}
