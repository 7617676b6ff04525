/** What the checks of one organisation's sections share: where they stand in the file, what it declares by name, and how mistakes are reported. */
import { plainPath } from '../governance/name-path.ts'
import { builtInRoles } from '../governance/roles.ts'
import type { Place } from './declared.ts'
import type { FileGovernance } from './governance-schema.ts'
import type { Source } from './parse.ts'
import { Names } from './references.ts'

/** What the rest of the file declares; null: not known, so not checked. */
export interface Surroundings { vendors: readonly string[] | null; aliases: Iterable<string> }

export class Reader {
  readonly source: Source
  readonly base: Place
  readonly file: FileGovernance
  readonly around: Surroundings
  readonly teams = new Names('team', 'teams')
  readonly projects = new Names('project', 'projects')
  readonly nodes = new Names('team or project', 'teams or projects')
  readonly roles = new Names('role', 'roles')
  readonly users = new Names('user', 'users')
  readonly accounts = new Names('service account', 'service_accounts')
  readonly keys = new Names('key', 'keys')
  readonly aliases = new Names('alias', 'aliases')
  readonly policies = new Names('routing policy', 'routing.policies')
  /** Vendors, and providers of the file: what is switched on by the environment is one of the former. */
  readonly providers = new Names('provider', 'providers')

  constructor(source: Source, base: Place, file: FileGovernance, around: Surroundings) {
    this.source = source
    this.base = base
    this.file = file
    this.around = around
    for (const role of builtInRoles) this.roles.add(role.id)
    for (const name of around.aliases) this.aliases.add(name)
    for (const name of around.vendors ?? []) this.providers.add(name)
  }

  report(place: Place, message: string): void {
    this.source.report([...this.base, ...place], message)
  }

  /** The plain form of a path to a team or project; null: the organisation itself. */
  node(place: Place, text: string | undefined): string | null {
    return text === undefined ? null : this.refer(this.nodes, place, plainPath(text))
  }

  refer(names: Names, place: Place, name: string): string {
    const problem = names.problem(name)
    if (problem !== null) this.report(place, problem)
    return name
  }

  /** Where it stands in the whole file. */
  at(place: Place): Place { return [...this.base, ...place] }
}

export const us = (instant: string | undefined): number | null => (instant === undefined ? null : Date.parse(instant) * 1000)
export const plainEmail = (email: string): string => email.trim().toLowerCase()
