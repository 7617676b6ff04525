/**
 * What would become of a request: whether it is allowed and by which rule, what it would cost, which models remain. By the same rules and
 * in the same order as a request meets them (docs/request-path.md); nothing is taken, held or dispatched. Pure.
 */
import type { ErrorCode, Failure } from '../errors.ts'
import type { Asked } from '../gateway/exchange.ts'
import type { Deployment } from '../gateway/snapshot.ts'
import type { Account } from '../ledger/account.ts'
import { boundOf } from '../ledger/bound.ts'
import type { Calibration } from '../ledger/calibration.ts'
import type { Terms } from '../ledger/ledger.ts'
import { budgetRefusal } from '../ledger/refusals.ts'
import type { EndpointKind } from '../protocols/protocol.ts'
import type { Facts } from './conditions.ts'
import type { ModelFacts } from './model-class.ts'
import type { PolicyChain } from './model-policy.ts'
import { explain, type NodeVerdict } from './policy-explain.ts'

/** What is known of the request that is asked about; what is left out is not known, or usual. */
export interface ExplainAsk {
  key: string
  /** Null: the default of the key's node. */
  model: string | null
  capability?: EndpointKind
  inputTokens?: number
  maxOutputTokens?: number | null
  stream?: boolean
  tags?: readonly string[]
  endUser?: string | null
  session?: string
  hasTools?: boolean
  hasImages?: boolean
  hasJson?: boolean
}

export interface ExplainedCandidate {
  deployment: string
  provider: string
  model: string
  allowed: boolean
  /** Why not, as its refusal would say it. */
  code: ErrorCode | null
  message: string | null
  /** Of every node with rules, from the organisation down. */
  policies: NodeVerdict[]
  /** What would be reserved, of which the input; null where that is not known. */
  holdNano: number | null
  inputNano: number | null
}

export interface Explained {
  allowed: boolean
  /** Of the refusal; null where it is allowed. */
  code: ErrorCode | null
  message: string | null
  /** In the order in which they would be tried. */
  candidates: ExplainedCandidate[]
  /** Of this key, as `GET /v1/models` lists them. */
  models: string[]
  /** Of thresholds that are passed. */
  warnings: string[]
  /** The cheaper alias that would be served instead. */
  downgrade: string | null
}

/** One place that could serve, and what its budgets and limits say. */
export interface Candidate {
  deployment: Deployment
  facts: ModelFacts
  /** The key's own list, credentials, endpoint, price: decided before policies are asked. */
  refused: Failure | null
  limited: Failure | null
  /** Open; a refusal where they cannot be read. */
  accounts: readonly Account[] | Failure
  terms: Terms
}

interface Asking { asked: Asked; capability: EndpointKind; chain: PolicyChain; facts: Facts; calibration: Calibration; nowMs: number; others: readonly ModelFacts[] }

export function explainCandidate(candidate: Candidate, asking: Asking): ExplainedCandidate {
  const { deployment, facts: model, refused, limited } = candidate
  const { allowed, verdicts, message } = explain(asking.chain, model, asking.facts, asking.others)
  const said = { deployment: deployment.id, provider: deployment.provider.id, model: deployment.logicalModel, policies: verdicts }
  const no = ({ code, message: why }: Pick<Failure, 'code' | 'message'>, cost: Pick<ExplainedCandidate, 'holdNano' | 'inputNano'> = { holdNano: null, inputNano: null }): ExplainedCandidate => ({ ...said, allowed: false, code, message: why, ...cost })
  if (refused !== null) return no(refused)
  if (!allowed) return no({ code: 'policy_denied', message: message! })
  if (limited !== null) return no(limited)
  const { accounts, terms } = candidate
  if ('code' in accounts) return no(accounts)
  const bound = boundOf(asking.asked, asking.capability, deployment, terms.mode, terms.freeNano, asking.calibration, terms.by)
  if ('code' in bound) return no(bound)
  const cost = { holdNano: bound.holdNano, inputNano: bound.inputNano }
  for (const account of accounts) {
    if (account.mode !== 'soft' && (account.takenNanoAt(asking.nowMs) + bound.holdNano > account.limitNano || (bound.holdNano === 0 && account.settledNano >= account.limitNano))) return no(budgetRefusal(account, bound, account.limitNano, asking.nowMs), cost)
  }
  return { ...said, allowed: true, code: null, message: null, ...cost }
}

/** The first that may serve decides; where none may, what is said of the first. */
export function explainRequest(candidates: readonly Candidate[], asking: Asking, more: Pick<Explained, 'models' | 'warnings' | 'downgrade'>): Explained {
  const explained = candidates.map((candidate) => explainCandidate(candidate, asking))
  const served = explained.find(({ allowed }) => allowed)
  const first = explained[0]
  return { allowed: served !== undefined, code: served ? null : first?.code ?? null, message: served ? null : first?.message ?? null, candidates: explained, ...more }
}

export const refusedRequest = ({ code, message }: Failure, models: string[] = []): Explained => ({ allowed: false, code, message, candidates: [], models, warnings: [], downgrade: null })
