/** The settings of an organisation: one document with one version. What was never set has its default, so a new setting needs no migration. */
import type { Budget, RateLimit } from '../gateway/snapshot.ts'
import type { Read, Write } from './database.ts'
import { checkEdit, nextRevision, type Edit } from './edits.ts'
import type { ManagedBy } from './tables.ts'

export interface Settings {
  org: string
  organisation: string
  /** IANA name; days and months of usage and budgets are counted in it. */
  timeZone: string
  unknownPrice: 'allow' | 'block' | 'conservative'
  content: { store: boolean; retentionDays: number; quotaMb: number }
  /** Conversations of the Responses API that are translated, so that a client may go on from one by its id. */
  responses: { store: boolean; retentionDays: number; quotaMb: number }
  /** How long whole answers are kept for requests that ask for the cache; 0: not at all. */
  cache: { ttlS: number }
  /** Outcomes go with usage. */
  retention: { requestsDays: number; usageDays: number; decisionsDays: number }
  /** Whether routing may come to choose models that it has not used yet by itself, or asks first. */
  newModels: 'automatic' | 'approval'
  /** Of all keys together. */
  budget: Budget | null
  rateLimit: RateLimit | null
  version: number
  revision: number
  managedBy: ManagedBy
  /** A suspended organisation's keys and people are refused. */
  status: OrganisationStatus
  /** True in what is read of all organisations; a deleted one is not found by its id. */
  deleted: boolean
}

export type OrganisationStatus = 'active' | 'suspended'

type Stored = Pick<Settings, 'unknownPrice' | 'content' | 'responses' | 'cache' | 'retention' | 'newModels' | 'budget' | 'rateLimit'>

export interface SettingsPatch {
  organisation?: string
  status?: OrganisationStatus
  /** For good. */
  deleted?: true
  timeZone?: string
  unknownPrice?: Settings['unknownPrice']
  content?: Partial<Settings['content']>
  responses?: Partial<Settings['responses']>
  cache?: Partial<Settings['cache']>
  retention?: Partial<Settings['retention']>
  newModels?: Settings['newModels']
  /** Replaced whole; null takes it away. */
  budget?: Budget | null
  rateLimit?: RateLimit | null
}

const defaults: Stored = {
  unknownPrice: 'block',
  content: { store: false, retentionDays: 30, quotaMb: 1024 },
  responses: { store: false, retentionDays: 30, quotaMb: 256 },
  cache: { ttlS: 0 },
  retention: { requestsDays: 30, usageDays: 400, decisionsDays: 7 },
  newModels: 'automatic',
  budget: null,
  rateLimit: null,
}

type Row = { id: string; name: string; time_zone: string; value: string | null; version: number | null; revision: number | null; managed_by: ManagedBy | null; status: OrganisationStatus; deleted_at: number | null }

function fromRow(row: Row): Settings {
  const stored = row.value === null ? {} : JSON.parse(row.value) as Partial<Stored>
  return {
    org: row.id, organisation: row.name, timeZone: row.time_zone,
    unknownPrice: stored.unknownPrice ?? defaults.unknownPrice,
    content: { ...defaults.content, ...stored.content },
    responses: { ...defaults.responses, ...stored.responses },
    cache: { ...defaults.cache, ...stored.cache },
    retention: { ...defaults.retention, ...stored.retention },
    newModels: stored.newModels ?? defaults.newModels,
    budget: stored.budget ?? defaults.budget,
    rateLimit: stored.rateLimit ?? defaults.rateLimit,
    version: row.version ?? 0, revision: row.revision ?? 0, managedBy: row.managed_by ?? 'api', status: row.status, deleted: row.deleted_at !== null,
  }
}

const query = ({ kysely }: Read) => kysely.selectFrom('organisation').leftJoin('setting', 'setting.org_id', 'organisation.id')
  .select(['organisation.id', 'organisation.name', 'organisation.time_zone', 'organisation.status', 'organisation.deleted_at', 'setting.value', 'setting.version', 'setting.revision', 'setting.managed_by'])

/** Null when there is no such organisation. */
export async function findSettings(read: Read, org: string): Promise<Settings | null> {
  const row = await query(read).where('organisation.id', '=', org).executeTakeFirst()
  return row === undefined || row.deleted_at !== null ? null : fromRow(row)
}

/** Of all organisations. */
export async function allSettings(read: Read): Promise<Settings[]> {
  return (await query(read).orderBy('organisation.id').execute()).map(fromRow)
}

export async function updateSettings(write: Write, org: string, patch: SettingsPatch, edit: Edit = {}): Promise<Settings | null> {
  const current = await findSettings(write, org)
  if (current === null) return null
  checkEdit(current, edit)
  const next: Settings = {
    ...current,
    organisation: patch.organisation ?? current.organisation,
    timeZone: patch.timeZone ?? current.timeZone,
    status: patch.status ?? current.status,
    deleted: patch.deleted ?? current.deleted,
    unknownPrice: patch.unknownPrice ?? current.unknownPrice,
    content: { ...current.content, ...patch.content },
    responses: { ...current.responses, ...patch.responses },
    cache: { ...current.cache, ...patch.cache },
    retention: { ...current.retention, ...patch.retention },
    newModels: patch.newModels ?? current.newModels,
    budget: patch.budget === undefined ? current.budget : patch.budget,
    rateLimit: patch.rateLimit === undefined ? current.rateLimit : patch.rateLimit,
    version: current.version + 1, revision: await nextRevision(write), managedBy: edit.by ?? current.managedBy,
  }
  const { unknownPrice, content, responses, cache, retention, newModels, budget, rateLimit } = next
  await write.kysely.updateTable('organisation').set({ name: next.organisation, time_zone: next.timeZone, status: next.status, deleted_at: next.deleted ? write.at : null }).where('id', '=', org).execute()
  const row = { org_id: org, value: JSON.stringify({ unknownPrice, content, responses, cache, retention, newModels, budget, rateLimit } satisfies Stored), version: next.version, revision: next.revision, managed_by: next.managedBy, updated_at: write.at }
  await write.kysely.insertInto('setting').values(row).onConflict((conflict) => conflict.column('org_id').doUpdateSet(row)).execute()
  return next
}
