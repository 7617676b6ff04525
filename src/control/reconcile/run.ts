/**
 * One run of a configuration against the rows of one organisation, inside of one transaction: what changes is told, permitted and kept for
 * the audit log here. A refusal is thrown with its place in the file and takes everything back.
 */
import type { ConfigError } from '../../config.ts'
import type { Place } from '../../config/declared.ts'
import type { Pepper } from '../../governance/key-format.ts'
import type { Permission } from '../../governance/permissions.ts'
import type { RecordEvent } from '../../store/audit.ts'
import type { Write } from '../../store/database.ts'
import { LastOwnerError, type MembershipFields } from '../../store/memberships.ts'
import { ManagedElsewhereError, NameTakenError } from '../../store/edits.ts'
import { newId, type IdPrefix } from '../../store/ids.ts'
import { TreeError } from '../../store/nodes.ts'
import { RoleInUseError } from '../../store/roles.ts'
import { PolicyInUseError } from '../../store/routing-policies.ts'
import type { Kek } from '../../store/secrets.ts'
import type { Variables } from '../vendor-environment.ts'
import type { Vendor } from '../../providers/provider.ts'
import type { Directory } from './directory.ts'

export type ResourceKind =
  | 'settings' | 'catalogue' | 'provider' | 'alias' | 'deployment' | 'role' | 'team' | 'project' | 'user' | 'service_account' | 'membership'
  | 'key' | 'budget' | 'limit' | 'policy' | 'routing_policy' | 'alert_channel' | 'oidc_provider' | 'organisation'

/** An entity as the file writes it, without its secrets. */
export type View = Readonly<Record<string, unknown>>

export interface Change { kind: ResourceKind; name: string; action: 'create' | 'update' | 'delete'; before: View | null; after: View | null }

/** What a change takes of whoever applies it. `node`: an id; null: the organisation. */
export type Need =
  | { what: 'permission'; permission: Permission; node: string | null }
  | { what: 'membership'; verb: 'give' | 'take'; membership: Pick<MembershipFields, 'principalKind' | 'principal' | 'node' | 'role'> }
  | { what: 'role'; before: readonly string[] | null; after: readonly string[] | null; name: string }
  | { what: 'move'; node: string; to: string | null }
  | { what: 'person'; id: string }
  /** All that a service account holds is taken. */
  | { what: 'account'; id: string }
  /** The address is dialled as the operator's own, so it may lead inside. */
  | { what: 'address' }

/** Throws what is refused. */
export type Permit = (needs: readonly Need[], run: Run) => Promise<void> | void

/** Refused for what the database holds; nothing was changed. */
export class RefusedError extends Error {
  override name = 'RefusedError'
  readonly errors: readonly ConfigError[]
  constructor(errors: readonly ConfigError[]) {
    super(errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('\n'))
    this.errors = errors
  }
}

const told = [TreeError, NameTakenError, RoleInUseError, PolicyInUseError, LastOwnerError, ManagedElsewhereError]

export interface RunSettings {
  org: string
  vendors: ReadonlyMap<string, Vendor>
  variables: Variables
  kek: Kek
  pepper: Pepper
  random: (bytes: number) => Uint8Array
  record: RecordEvent
  permit: Permit | null
  locate(place: Place, message: string): ConfigError
}

export class Run {
  readonly write: Write
  readonly settings: RunSettings
  readonly directory: Directory
  readonly changes: Change[] = []
  /** The file says or said something of teams, people, keys or rules. */
  readonly governed: boolean

  constructor(write: Write, settings: RunSettings, directory: Directory, governed: boolean) {
    this.write = write
    this.settings = settings
    this.directory = directory
    this.governed = governed
  }

  get org(): string { return this.settings.org }

  id(prefix: IdPrefix): string {
    return newId(prefix, Math.floor(this.write.at / 1000), this.settings.random(16))
  }

  refuse(place: Place | null, message: string): never {
    throw new RefusedError([place === null ? { path: '', line: null, column: null, message } : this.settings.locate(place, message)])
  }

  /** Does it when it is permitted, and tells it. */
  async change<Result>(change: Change, { id, place, needs }: { id: string | null; place: Place | null; needs: readonly Need[] }, work: () => Promise<Result>): Promise<Result> {
    await this.settings.permit?.(needs, this)
    const { kind, name, action, before, after } = change
    let result: Result
    try {
      result = await work()
    } catch (error) {
      if (told.some((each) => error instanceof each)) this.refuse(place, (error as Error).message)
      throw error
    }
    const made = typeof result === 'object' && result !== null && 'id' in result && typeof result.id === 'string' ? result.id : id
    await this.settings.record({ action: `${kind}.${action}`, resource: { kind, id: made, name }, before, after })
    this.changes.push(change)
    return result
  }
}
