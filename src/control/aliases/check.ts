/** Whether an alias can be followed to models: unknown targets, cycles and chains that are too deep are refused before they are stored. */
import type { Catalog } from '../../catalog/catalog.ts'
import { nearestNames } from '../../catalog/nearest.ts'
import { limits } from '../../limits.ts'
import { isAuto } from '../../routing/policy-data.ts'
import { ControlError } from '../errors.ts'
import type { Rows } from '../snapshot-data.ts'

interface Wanted { name: string; strategy: 'ordered' | 'weighted'; targets: readonly { model: string; weight: number }[] }
interface Known { rows: Pick<Rows, 'providers' | 'deployments'> & { aliases: ReadonlyMap<string, { targets: readonly { model: string }[] }> }; catalog: Catalog; vendors: ReadonlyMap<string, unknown> }

function isModel(name: string, { rows, catalog, vendors }: Known): boolean {
  const [first = '', ...rest] = name.split('/')
  if (rest.length > 0 && (rows.providers.has(first) || vendors.has(first))) return true
  return catalog.logical(name).length > 0 || [...rows.deployments.values()].some((deployment) => deployment.model === name)
}

export function checkAlias(wanted: Wanted, known: Known): void {
  if (wanted.strategy === 'weighted' && wanted.targets.every((target) => target.weight === 0)) {
    throw new ControlError('invalid_request', 'All weights are 0: give at least one target a weight.', { param: 'targets' })
  }
  const targetsOf = (name: string): readonly { model: string }[] | undefined => (name === wanted.name ? wanted.targets : known.rows.aliases.get(name)?.targets)
  const follow = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) throw new ControlError('alias_cycle', `The alias leads back to itself: ${[...path, name].join(' → ')}. Let one of them lead to a model.`, { param: 'targets' })
    const targets = targetsOf(name)
    if (targets === undefined) {
      if (!isModel(name, known)) throw unknownTarget(name, known)
      return
    }
    if (path.length >= limits.aliasDepth) throw new ControlError('alias_cycle', `Aliases may point to aliases at most ${limits.aliasDepth} deep: ${[...path, name].join(' → ')}. Let one of them lead to a model.`, { param: 'targets' })
    for (const target of targets) follow(target.model, [...path, name])
  }
  follow(wanted.name, [])
}

function unknownTarget(name: string, { rows: { aliases, deployments }, catalog }: Known): ControlError {
  if (isAuto(name)) return new ControlError('unknown_target', `An alias cannot lead to ${name}: a routing policy chooses by itself. Let clients ask for ${name}, or name models here.`, { param: 'targets' })
  const own = [...new Set([...aliases.keys(), ...[...deployments.values()].map(({ model }) => model)])]
  const guesses = [...new Set([...nearestNames(name, own, 3), ...catalog.nearest(name, 3)])].slice(0, 3)
  const advice = guesses.length > 0 ? `Did you mean ${guesses.join(', ')}?` : 'GET /api/v1/models lists all.'
  return new ControlError('unknown_target', `There is no model or alias ${name}. ${advice} A model that the catalogue lacks is written with its provider: provider/model.`, { param: 'targets' })
}
