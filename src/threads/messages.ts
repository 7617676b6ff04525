/** Everything that threads say to one another. Plain data only; each direction is one discriminated union. */
import type { KeyEntry, SnapshotData } from '../gateway/snapshot.ts'
import type { RequestRecord } from '../store/records.ts'

/** Data plane → store worker. */
export type ToStore =
  | { kind: 'records'; records: RequestRecord[] }
  /** The text of `/metrics`; `gauges` are the data plane's own values by metric name. */
  | { kind: 'metrics'; id: number; gauges: Record<string, number> }
  /** Write everything that is queued, then answer `drained` and close. */
  | { kind: 'drain' }

/** Store worker → data plane. */
export type FromStore =
  | { kind: 'ready' }
  | { kind: 'metrics'; id: number; text: string; contentType: string }
  /** Sent at least every second. */
  | { kind: 'state'; queued: number; dropped: number; databaseUp: boolean; oldestQueuedMs: number }
  | { kind: 'drained' }
  | { kind: 'failed'; reason: string }

/** Control worker → data plane. */
export type FromControl =
  | { kind: 'snapshot'; snapshot: SnapshotData }
  /** `complete` ends the first load: from then on an unknown key is 401 and no longer 503. */
  | { kind: 'keys'; entries: KeyEntry[]; complete: boolean }
  /** The key table was read completely up to this instant (epoch ms). Sent at least every second while the database answers. */
  | { kind: 'heartbeat'; at: number; configError: string | null }
  /** The admin API and console listen here; the front door forwards to it. */
  | { kind: 'listening'; socketPath: string; adminPort: number | null }
  | { kind: 'bootstrap'; token: string; file: string }
  | { kind: 'failed'; reason: string }

/** Data plane → control worker. */
export type ToControl =
  | { kind: 'health'; deployments: { id: string; state: 'closed' | 'open' | 'half_open'; successRate: number; inFlight: number }[]; queued?: number; dropped?: number }
  | { kind: 'reload' }
  | { kind: 'drain' }

/** Given to each worker at start. */
export interface WorkerSettings {
  /** `postgres://…` or null for the embedded database in `dataDir`. */
  databaseUrl: string | null
  dataDir: string
  configFile: string | null
}
