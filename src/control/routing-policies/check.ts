/**
 * Whether a routing policy can be stored: its fields and conditions, its models, its name. What is wrong with it is told all at once. And
 * the other way round: names of policies and `auto` are taken for aliases and deployments, and a key or node names a policy that exists.
 */
import type { Catalog } from '../../catalog/catalog.ts'
import { nearestNames } from '../../catalog/nearest.ts'
import { builtInNames, compilePolicy, type PolicyProblem } from '../../routing/compile-policy.ts'
import { isAuto, type RoutingPolicyData } from '../../routing/policy-data.ts'
import { writtenProblem } from '../../routing/written-policy.ts'
import { ControlError } from '../errors.ts'
import { ended } from '../issues.ts'
import type { Rows } from '../snapshot-data.ts'

export interface KnownModels {
  /** Of the operator's own. */
  declared: ReadonlySet<string>
  aliases: { has(name: string): boolean }
  /** Providers that are there, and vendors that could be. */
  providers: { has(id: string): boolean }
  catalog: Catalog
}

export const knownModels = (rows: Pick<Rows, 'providers' | 'deployments' | 'aliases'>, catalog: Catalog, vendors: ReadonlyMap<string, unknown>): KnownModels => ({
  declared: new Set([...rows.deployments.values()].map(({ model }) => model)), aliases: rows.aliases, catalog,
  providers: { has: (id) => rows.providers.has(id) || vendors.has(id) },
})

/** Null: a policy may choose it. */
export function modelProblem(name: string, { declared, aliases, providers, catalog }: KnownModels): string | null {
  const [first = '', ...rest] = name.split('/')
  if (declared.has(name) || catalog.logical(name).length > 0 || (rest.length > 0 && rest.join('/') !== '' && providers.has(first))) return null
  if (isAuto(name)) return `${name} is no model but asks for a policy: name models`
  if (aliases.has(name)) return `${name} is an alias: name the models that it leads to, since the policy compares models`
  const guesses = [...new Set([...nearestNames(name, [...declared], 3), ...catalog.nearest(name, 3)])].slice(0, 3)
  return `There is no model ${name}. ${guesses.length > 0 ? `Did you mean ${guesses.join(', ')}?` : 'GET /api/v1/models lists all.'} A model that the catalogue lacks is written with its provider: provider/model`
}

/** All that is wrong with it, in the words of the API and the file. `models`: null, where they are not to be looked at. */
export function policyProblems(data: RoutingPolicyData, models: KnownModels | null): PolicyProblem[] {
  const compiled = compilePolicy(data)
  const unknown = models === null ? [] : (data.candidates ?? []).flatMap(({ model }, index): PolicyProblem[] => {
    const error = modelProblem(model, models)
    return error === null ? [] : [{ field: `candidates.${index}.model`, error }]
  })
  return [...(Array.isArray(compiled) ? compiled.map(writtenProblem) : []), ...unknown]
}

export function checkPolicy(data: RoutingPolicyData, models: KnownModels): void {
  const problems = policyProblems(data, models).map(({ error, ...rest }) => ({ ...rest, message: error }))
  const [first] = problems
  if (first === undefined) return
  const place = first.line === undefined ? '' : ` (line ${first.line}, column ${first.column})`
  const more = problems.length > 1 ? ` ${problems.length - 1} more: see problems.` : ''
  throw new ControlError('invalid_policy', `${first.field}${place}${/^(is|has|must)\b/.test(first.message) ? '' : ':'} ${ended(first.message)}${more}`, { param: first.field, problems })
}

const isBuiltIn = (name: string): boolean => builtInNames.some((each) => each === name)

/** A policy may be called by its bare name, so that must not lead elsewhere. Those of a built-in policy's name are called `auto:<name>` there. */
export function checkPolicyName(name: string, rows: Pick<Rows, 'aliases' | 'deployments'>): void {
  if (isAuto(name)) throw new ControlError('invalid_request', 'auto itself is no policy: it asks for the one of the key, its team or project, else for balanced. Choose another name, or define balanced.', { param: 'name' })
  if (isBuiltIn(name)) return
  const other = rows.aliases.has(name) ? 'an alias' : [...rows.deployments.values()].some(({ model }) => model === name) ? 'a declared model' : null
  if (other !== null) throw new ControlError('already_exists', `There is ${other} named ${name}, and requests for that name go there. Choose another name for the policy.`, { param: 'name' })
}

/** Of an alias or a declared model. */
export function checkNotPolicy(name: string, routing: Rows['routing'], param: string): void {
  if (isAuto(name)) throw new ControlError('invalid_request', `${name} asks for a routing policy: choose another name. What auto chooses from is set with routing policies.`, { param })
  if (routing.has(name) && !isBuiltIn(name)) throw new ControlError('already_exists', `There is a routing policy named ${name}, and requests for that name go by it. Choose another name, or delete the policy.`, { param })
}

/** Of a key or node. */
export function checkPolicyExists(name: string | null | undefined, routing: Rows['routing'], param: string): void {
  if (name === null || name === undefined || isBuiltIn(name) || routing.has(name)) return
  const [nearest] = nearestNames(name.replace(/^auto:/, ''), [...builtInNames, ...routing.keys()], 1)
  throw new ControlError('unknown_target', `There is no routing policy ${name}. ${nearest === undefined ? 'GET /api/v1/routing/policies lists all.' : `Did you mean ${nearest}?`}`, { param })
}
