/** The rows of routing: policies, decisions, outcomes, what was learned of arms, and what became of new ones. */
import type { Managed } from './tables.ts'

export interface RoutingTables {
  /** `body`: JSON of a `RoutingPolicyData` without its name. */
  routing_policy: Managed & { org_id: string; name: string; body: string; deleted_at: number | null }
  /** `body`: a `StoredDecision` as `packDecision` writes it. */
  decision: { request_id: Uint8Array; org_id: string; at: number; policy: string; chosen: string; session: string | null; body: string }
  /** What somebody says a request, a session or a trace was worth. One of `value`, `usd_nano` and `label` is set, as `kind` says. */
  outcome: {
    id: string; org_id: string; at: number; key_id: string; request_id: Uint8Array | null; session: string | null; trace_id: string | null
    metric: string; kind: 'boolean' | 'number' | 'usd' | 'label'; value: number | null; usd_nano: number | null; label: string | null; comment: string | null
  }
  /** `state`: JSON of an `ArmState`. */
  routing_arm: { org_id: string; arm: string; stage: 'candidate' | 'adopted' | 'rejected'; approved: number; state: string; updated_at: number }
  /** `actor`: a person's id, or `router`. */
  adoption_event: { id: string; org_id: string; at: number; arm: string; from_stage: string; to_stage: string; reason: string; actor: string }
}
