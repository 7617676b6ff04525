/** Everything that threads say to one another. Plain data only; each direction is one discriminated union. */
import type { Artefact } from '../catalog/artefact.ts'
import type { Emptied } from '../gateway/answer-cache.ts'
import type { RoutingAnswer, RoutingAsk } from '../gateway/routing-desk.ts'
import type { KeyEntry, SnapshotData } from '../gateway/snapshot.ts'
import type { Effective } from '../governance/effective.ts'
import type { ExplainAsk, Explained } from '../governance/explain-request.ts'
import type { GovernanceRow } from '../governance/rows.ts'
import type { ThresholdNews } from '../governance/standing.ts'
import type { Balance } from '../ledger/authority.ts'
import type { JournalTail } from '../ledger/journal.ts'
import type { DecisionBatch, RecordBatch } from './record-batch.ts'
import type { CredentialTrouble } from '../routing/credentials.ts'
import type { DeploymentHealth } from '../routing/health.ts'
import type { AdoptionEvent } from '../store/adoption-events.ts'
import type { FeedbackAsk, FeedbackFound } from '../store/outcomes.ts'
import type { StoredArm } from '../store/routing-arms.ts'
import type { Chain, NewStored } from '../store/stored-responses.ts'
import type { Series } from '../telemetry/health.ts'

export type { JournalTail }

/** The request that used an idempotency key, the digest of its body, and when it ended (epoch ms). */
export interface FoundRepeat { body: Uint8Array; requestId: string; at: number }

/** What is held now. `lsn`: the journal's end at this instant. */
export interface HeldNow {
  openHolds: number
  /** 0 when nothing is held. */
  oldestHoldMs: number
  lsn: number
  /** Held amount by organisation. */
  byOrg: Record<string, number>
}

/** `untilMs`: nobody waits for the answer after this instant (epoch ms). */
interface Question { id: number; untilMs: number }

/** Data plane → store worker. */
export type ToStore =
  | { kind: 'records' } & RecordBatch
  /** The journal is durable, and may be read, up to here. */
  | { kind: 'tail' } & JournalTail
  /** What is settled on an entity from one quarter of an hour to before another, as a sum or, from there on, by quarters. */
  | { kind: 'balance'; entity: string; fromMs: number; toMs: number; byQuarter: boolean } & Question
  | { kind: 'repeat'; key: Uint8Array } & Question
  /** An answer of the Responses API with what was said. */
  | { kind: 'keepResponse'; stored: NewStored }
  /** The conversation up to one of them; `remove`: it is deleted. */
  | { kind: 'response'; org: string; owner: string; response: string; remove: boolean } & Question
  | { kind: 'decisions' } & DecisionBatch
  /** What was learned by now; the newest of each arm is kept. */
  | { kind: 'armStates'; rows: StoredArm[] }
  | { kind: 'adoptionEvents'; rows: AdoptionEvent[] }
  /** Stores an outcome, and asks which requests it is for. */
  | { kind: 'feedback'; ask: FeedbackAsk } & Question
  /** All that was learned, for a start. */
  | { kind: 'routingState' } & Question
  /** The text of `/metrics`; `gauges` are the data plane's own values by metric name. */
  | { kind: 'metrics'; id: number; gauges: Record<string, number>; series: Series[] }
  /** Write everything that is queued, then answer `drained` and close. */
  | { kind: 'drain' }

/** Store worker → data plane. */
export type FromStore =
  /** Sent again by each restarted worker. Without a journal nothing is applied. */
  | { kind: 'ready'; appliedLsn: number; newestChargeMs: number }
  /** The ledger in the database holds every terminal record up to `lsn`. */
  | { kind: 'applied'; lsn: number }
  /** `nano` is what was settled when exactly `lsn` was applied; stands between the `applied` messages of lower and of higher LSNs. */
  | ({ kind: 'balance'; id: number } & (Balance & { error?: undefined } | { error: string }))
  /** In the same order. Null: the key was not used by an applied request. */
  | ({ kind: 'repeat'; id: number } & ({ found: FoundRepeat | null; error?: undefined } | { error: string }))
  | ({ kind: 'response'; id: number } & ({ chain: Chain; removed: boolean; error?: undefined } | { error: string }))
  /** Null: it is for no request that the key may tell anything of. */
  | ({ kind: 'feedback'; id: number } & ({ found: FeedbackFound | null; error?: undefined } | { error: string }))
  | ({ kind: 'routingState'; id: number } & ({ arms: StoredArm[]; error?: undefined } | { error: string }))
  | { kind: 'metrics'; id: number; text: string; contentType: string }
  /** Sent at least every second. */
  | { kind: 'state'; queued: number; dropped: number; databaseUp: boolean; oldestQueuedMs: number }
  | { kind: 'drained' }
  | { kind: 'failed'; reason: string }

/** A catalogue, its rows as JSON in parts that are quickly parsed: texts travel faster than objects. */
export interface CatalogParts { head: Pick<Artefact, 'version' | 'date' | 'facts'>; vendors: readonly (readonly [vendor: string, rows: string])[] | null }

/** Changes that wait for a person, failed looks at the feed in a row, stored catalogues that cannot be used. */
export interface CatalogHealth { held: number; failures: number; damaged: number }

/** Control worker → data plane. */
export type FromControl =
  | { kind: 'snapshot'; snapshot: SnapshotData }
  /** What changed of teams, people, budgets, limits and policies; comes before the keys that it is for. */
  | { kind: 'governance'; rows: GovernanceRow[] }
  /** `complete` ends the first load: from then on an unknown key is 401 and no longer 503. */
  | { kind: 'keys'; entries: KeyEntry[]; complete: boolean }
  /** The key table was read completely up to this instant (epoch ms). Sent at least every second while the database answers. */
  | { kind: 'heartbeat'; at: number; configError: string | null; catalog: CatalogHealth }
  /** Takes the place of the catalogue; a first one comes before the first snapshot. Null: the one that came with the program. */
  | { kind: 'catalog' } & CatalogParts
  /** The admin API and console listen here; the front door forwards to it. */
  | { kind: 'listening'; socketPath: string; adminPort: number | null }
  | { kind: 'bootstrap'; token: string; file: string }
  /** What is held now? */
  | { kind: 'holds'; id: number }
  /** What can act on a key? */
  | { kind: 'effective'; id: number; key: string }
  /** What would become of a request? */
  | { kind: 'explain'; id: number; ask: ExplainAsk }
  /** What does the router know, and what would it do? Or: it is to forget, or to change how far a model may go. */
  | { kind: 'routing'; id: number; ask: RoutingAsk }
  /** Forget the answers that are kept for an organisation. */
  | { kind: 'emptyCache'; id: number; org: string }
  | { kind: 'failed'; reason: string }

/** Data plane → control worker. */
export type ToControl =
  /** Null: not known, since the ledger is being opened. */
  | { kind: 'holds'; id: number; held: HeldNow | null }
  /** Null: there is no such key here, or it cannot be told now. */
  | { kind: 'effective'; id: number; effective: Effective | null }
  | { kind: 'explain'; id: number; explained: Explained | null }
  | { kind: 'routing'; id: number; answer: RoutingAnswer | null }
  /** Null: nothing is served yet. */
  | { kind: 'emptyCache'; id: number; emptied: Emptied | null }
  /** Thresholds that were reached or left. */
  | { kind: 'news'; news: ThresholdNews[] }
  | { kind: 'health'; deployments: DeploymentHealth[]; credentials: CredentialTrouble[]; queued?: number; dropped?: number }
  | { kind: 'reload' }
  | { kind: 'drain' }

/** Given to each worker at start. */
export interface WorkerSettings {
  /** `postgres://…` or null for the embedded database in `dataDir`. */
  databaseUrl: string | null
  dataDir: string
  configFile: string | null
}
