/** Everything that the handlers of the admin API need, made once by the control worker (or by a test). */
import type { Catalog } from '../catalog/catalog.ts'
import type { Clock } from '../clock.ts'
import type { Vendor } from '../providers/provider.ts'
import type { ContentStore } from '../store/content.ts'
import type { Pepper } from '../governance/key-format.ts'
import { audited, type RecordEvent } from '../store/audit.ts'
import type { Denial } from '../store/audit-denials.ts'
import type { Database, Write } from '../store/database.ts'
import type { Kek } from '../store/secrets.ts'
import type { HeldNow, ToControl } from '../threads/messages.ts'
import type { Caller } from './context.ts'
import type { AlertDesk } from './alerts/desk.ts'
import type { CatalogKeeper } from './catalog/keeper.ts'
import type { FeedSchedule } from './catalog/schedule.ts'
import type { ConfigFile } from './config-file.ts'
import type { Identity } from './identity.ts'
import type { LiveEvents } from './live-events.ts'
import type { ListWatch } from './models/list-watch.ts'
import type { Ask } from './providers/ask.ts'
import type { Checks } from './providers/check.ts'
import type { PlaneQuestions } from './plane-questions.ts'
import type { Publisher } from './publish.ts'
import type { SimulatedRule } from './reconcile/providers.ts'
import type { Rights } from './rights.ts'
import type { Variables } from './vendor-environment.ts'

export type Health = Extract<ToControl, { kind: 'health' }>['deployments']
export type Troubles = Extract<ToControl, { kind: 'health' }>['credentials']

export interface Services {
  database: Database
  clock: Clock
  random: (bytes: number) => Buffer
  identity: Identity
  rights: Rights
  /** Notes a refusal in the audit log. Never rejects. */
  denied: (denial: Denial) => Promise<void>
  publisher: Publisher
  config: ConfigFile
  events: LiveEvents
  /** Asks a vendor something outside of any request. */
  ask: Ask
  checks: Checks
  lists: ListWatch
  contents: Pick<ContentStore, 'read' | 'isStored'>
  vendors: ReadonlyMap<string, Vendor>
  /** The one in force, with the operator's overrides. */
  readonly catalog: Catalog
  keeper: CatalogKeeper
  schedule: FeedSchedule
  variables: Variables
  simulated: SimulatedRule
  pepper: Pepper
  kek: Kek
  /** Of the deployments of an organisation, as the data plane last reported it. */
  health: (org: string) => Health
  /** Credentials that their vendor refuses, as the data plane last reported them. */
  troubles: () => Troubles
  /** What the data plane holds now; null when it does not answer. */
  held: () => Promise<HeldNow | null>
  /** Asks the data plane what acts on a key, what would become of a request, what the router knows. */
  question: Pick<PlaneQuestions, 'effective' | 'explain' | 'routing' | 'emptyCache'>
  /** Sends alerts. */
  desk: AlertDesk
  /** Of the store worker, as the data plane last reported it. */
  queue: () => { queued: number | null; dropped: number | null }
  /** Declarations of the environment that could not be used. */
  problems: () => readonly string[]
  about: { version: string; node: string; startedAt: number }
}

/** An entity without the fields that are nothing for the audit log. */
export function without<Entity extends object, Name extends keyof Entity>(entity: Entity, ...names: Name[]): Omit<Entity, Name> {
  return Object.fromEntries(Object.entries(entity).filter(([name]) => !names.includes(name as Name))) as Omit<Entity, Name>
}

/**
 * Runs an edit and answers after the data plane has it, so that what a caller does next already meets the new state. Each change must be
 * followed by `record`, in words and values that the audit log may keep; one that is not takes all of it back.
 */
export async function edit<Result>({ database, clock, publisher }: Services, { acting }: Pick<Caller, 'acting'>, work: (write: Write, record: RecordEvent) => Promise<Result>): Promise<Result> {
  const result = await audited(database, clock.epochMs() * 1000, acting, work)
  await publisher.refresh()
  return result
}
