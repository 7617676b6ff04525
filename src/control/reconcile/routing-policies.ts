/** Routing policies. Models of one that is new or changed must exist, in the catalogue in force or among those of the organisation; one that stays is left alone, also when a model was withdrawn since. */
import { builtIn, catalogOf } from '../../catalog/load.ts'
import type { Governance, Place } from '../../config/declared.ts'
import { builtInNames } from '../../routing/compile-policy.ts'
import type { RoutingPolicyData } from '../../routing/policy-data.ts'
import { listAliases } from '../../store/aliases.ts'
import { listDeployments } from '../../store/deployments.ts'
import { listProviders } from '../../store/providers.ts'
import { createRoutingPolicy, deleteRoutingPolicy, listRoutingPolicies, updateRoutingPolicy, type RoutingPolicy } from '../../store/routing-policies.ts'
import { findInForce } from '../catalog/in-force.ts'
import { modelProblem, type KnownModels } from '../routing-policies/check.ts'
import { everyRow } from './directory.ts'
import type { Need, Run } from './run.ts'
import { settle, type Aggregate, type Sweep } from './settle.ts'
import { byFile } from './tree.ts'
import { routingPolicyView } from './views.ts'

const needs: readonly Need[] = [{ what: 'permission', permission: 'routing:write', node: null }]
type Row = RoutingPolicy & { id: string }
const withId = (row: RoutingPolicy): Row => ({ ...row, id: row.name })

export async function routingPolicies(run: Run, wanted: Governance['routing']): Promise<Sweep> {
  const { write, org } = run
  let models: KnownModels | null = null
  const check = async ({ candidates }: RoutingPolicyData, place: Place): Promise<void> => {
    if (candidates === null) return
    models ??= await modelsOf(run)
    for (const [index, { model, effort, when }] of candidates.entries()) {
      const problem = modelProblem(model, models)
      if (problem !== null) run.refuse([...place, 'candidates', index, ...(effort === null && when === null ? [] : ['model'])], problem)
    }
  }
  const aggregate: Aggregate<Row, RoutingPolicyData> = {
    kind: 'routing_policy', rows: (await everyRow((page) => listRoutingPolicies(write, org, page))).map(withId), own: ({ data }) => data, keyOf: ({ name }) => name, view: routingPolicyView, needs: () => needs,
    async create(own, { place }) {
      await check(own, place)
      return withId(await createRoutingPolicy(write, org, own, 'file'))
    },
    async update(_, own, { place }) {
      await check(own, place)
      const changed = await updateRoutingPolicy(write, org, own, byFile)
      return changed && withId(changed)
    },
    remove: ({ name }) => deleteRoutingPolicy(write, org, name, { ...byFile, isBuiltIn: builtInNames.some((each) => each === name) }),
  }
  return settle(run, aggregate, wanted)
}

async function modelsOf({ write, org, settings: { vendors } }: Run): Promise<KnownModels> {
  const providers = new Set((await everyRow((page) => listProviders(write, org, page))).map(({ id }) => id))
  const deployments = await everyRow((page) => listDeployments(write, org, page))
  const aliases = await everyRow((page) => listAliases(write, org, page))
  const catalog = catalogOf((await findInForce(write, builtIn())).artefact)
  return { declared: new Set(deployments.map(({ model }) => model)), aliases: new Set(aliases.map(({ name }) => name)), providers: { has: (id) => providers.has(id) || vendors.has(id) }, catalog }
}
