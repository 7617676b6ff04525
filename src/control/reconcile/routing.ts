/** Aliases, deployments and the operator's own prices. */
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../../config.ts'
import type { Wanted } from '../../config/declared.ts'
import type { OperatorOverride } from '../../catalog/operator.ts'
import type { PriceVector, Prices } from '../../catalog/price.ts'
import { usdText } from '../../governance/usd.ts'
import type { AliasData, DeploymentData } from '../../gateway/snapshot.ts'
import { createAlias, deleteAlias, listAliases, updateAlias, type Alias } from '../../store/aliases.ts'
import { catalogState, setCatalogOverrides } from '../../store/catalog.ts'
import { createDeployment, deleteDeployment, listDeployments, updateDeployment, type Deployment } from '../../store/deployments.ts'
import { everyRow } from './directory.ts'
import type { Need, Run, View } from './run.ts'
import { settle, type Aggregate, type Sweep } from './settle.ts'
import { byFile } from './tree.ts'
import { aliasView, lean } from './views.ts'

const needs: readonly Need[] = [{ what: 'permission', permission: 'routing:write', node: null }]
const wantedAt = <Own>(rows: readonly Own[], place: (row: Own, index: number) => readonly PropertyKey[]): Wanted<Own>[] => rows.map((own, index) => ({ own, place: place(own, index), was: null, secret: null }))

export const declaredAlias = ({ name, strategy, targets }: Alias): AliasData => ({ name, strategy, targets })

export async function aliases(run: Run, config: Config): Promise<Sweep> {
  const { write, org } = run
  const rows = (await everyRow((page) => listAliases(write, org, page))).map((row) => ({ ...row, id: row.name }))
  const aggregate: Aggregate<Alias & { id: string }, AliasData> = {
    kind: 'alias', rows, own: declaredAlias, keyOf: ({ name }) => name, view: aliasView, needs: () => needs,
    create: async ({ name, strategy, targets }) => ({ ...await createAlias(write, { name, org, strategy, targets: targets.map((each) => ({ ...each })), managedBy: 'file' }), id: name }),
    update: async ({ name }, { strategy, targets }) => ({ ...(await updateAlias(write, org, name, { strategy, targets: targets.map((each) => ({ ...each })) }, byFile))!, id: name }),
    remove: ({ name }) => deleteAlias(write, org, name, byFile),
  }
  return settle(run, aggregate, wantedAt(config.aliases, ({ name }) => ['aliases', name]))
}

/** US dollars per million; classes that cost what their parent costs are left out. */
export function priceView({ base }: PriceVector): View {
  const { input, output } = base
  const classes: [string, keyof Prices, number][] = [
    ['cache_read', 'cacheRead', input], ['cache_write_5m', 'cacheWrite5m', input], ['cache_write_1h', 'cacheWrite1h', input], ['reasoning', 'reasoning', output], ['audio_in', 'audioIn', input],
    ['audio_out', 'audioOut', output], ['image_in', 'imageIn', input], ['image_out', 'imageOut', output], ['tool_calls', 'toolCalls', 0], ['requests', 'requests', 0],
    ['images', 'images', 0], ['audio_ms', 'audioMs', 0], ['characters', 'characters', 0], ['searches', 'searches', 0],
  ]
  return { input: usdText(input), output: usdText(output), ...Object.fromEntries(classes.flatMap(([name, field, parent]) => (base[field] === parent ? [] : [[name, usdText(base[field])]]))) }
}

export const deploymentView = ({ id, model, provider, upstreamModel, price, priceAs, facts }: DeploymentData): View =>
  lean({ id: id === `${provider}/${upstreamModel}` ? null : id, model, provider, upstream_model: upstreamModel, price_as: priceAs, price: price && priceView(price), region: facts?.region, retention_days: facts?.retentionDays, open_weights: facts?.openWeights })

export const declaredDeployment = ({ id, model, provider, upstreamModel, price, priceAs, facts }: Deployment): DeploymentData => ({ id, model, provider, upstreamModel, price, priceAs, facts })

export async function deployments(run: Run, config: Config): Promise<Sweep> {
  const { write, org } = run
  const aggregate: Aggregate<Deployment, DeploymentData> = {
    kind: 'deployment', rows: await everyRow((page) => listDeployments(write, org, page)), own: declaredDeployment, keyOf: ({ id }) => id, view: deploymentView, needs: () => needs,
    create: (own) => createDeployment(write, { ...own, org, managedBy: 'file' }),
    update: (_, { id, ...want }) => updateDeployment(write, org, id, want, byFile),
    remove: ({ id }) => deleteDeployment(write, org, id, byFile),
  }
  return settle(run, aggregate, wantedAt(config.deployments, (_, index) => ['deployments', index]))
}

export const overrideView = ({ vendor, model, price, discountPercent, contextTokens, outputTokens }: OperatorOverride): View =>
  lean({ vendor, model, price: price && priceView(price), discount_percent: discountPercent, context_tokens: contextTokens, output_tokens: outputTokens })

/** All at once: they hold together, by their order. */
export async function overrides(run: Run, config: Config): Promise<void> {
  const { overrides: before } = await catalogState(run.write)
  const { overrides: after } = config.catalog
  if (isDeepStrictEqual(before, after)) return
  const view = (rows: readonly OperatorOverride[]): View => ({ overrides: rows.map(overrideView) })
  const change = { kind: 'catalogue', name: 'overrides', action: 'update', before: view(before), after: view(after) } as const
  await run.change(change, { id: null, place: ['catalog', 'overrides'], needs: [{ what: 'permission', permission: 'catalogue:write', node: null }] }, () => setCatalogOverrides(run.write, after))
}
