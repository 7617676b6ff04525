/** `GET /v1/models`: what this key may use, in OpenAI's form with prices, capabilities and live health beside it. */
import type { CatalogEntry } from '../catalog/catalog.ts'
import { matchesModel } from '../governance/model-patterns.ts'
import type { HealthBook } from '../routing/health.ts'
import { resolve } from './choose.ts'
import type { Deployment, KeyEntry, Snapshot } from './snapshot.ts'

export interface ListedModel {
  id: string
  object: 'model'
  created: number
  owned_by: string
  megarouter: {
    providers: string[]
    context_tokens: number | null
    output_tokens: number | null
    /** USD per million tokens; null: unknown. */
    price_usd_per_million: { input: number; output: number; cache_read: number } | null
    capabilities: string[]
    health: 'closed' | 'open' | 'half_open'
    simulated: boolean
  }
}

const listed = new WeakMap<Snapshot, string[]>()

/** Names of all models that a provider of this snapshot serves. */
function names(snapshot: Snapshot): string[] {
  let all = listed.get(snapshot)
  if (!all) {
    const served = new Set([...snapshot.providers.values()].map(({ vendor }) => vendor.id))
    const logical = snapshot.catalog.entries.filter((entry) => served.has(entry.vendor) && isServed(entry)).map(({ logicalModel }) => logicalModel)
    all = [...new Set([...snapshot.aliases.keys(), ...snapshot.declared.keys(), ...logical])]
    listed.set(snapshot, all)
  }
  return all
}

const isServed = ({ kind }: CatalogEntry): boolean => kind === 'chat' || kind === 'completion' || kind === 'embedding'

export function listModels(snapshot: Snapshot, key: KeyEntry, health: HealthBook, nowMs: number): ListedModel[] {
  return names(snapshot).flatMap((name) => describeModel(snapshot, key, health, name, nowMs) ?? [])
}

/** Null when there is no such model for this key. */
export function describeModel(snapshot: Snapshot, key: KeyEntry, health: HealthBook, name: string, nowMs: number): ListedModel | null {
  const all = resolve(snapshot, name, () => 0)
  const deployments = all.filter((each) => [name, each.logicalModel, `${each.provider.id}/${each.upstreamModel}`].some((known) => matchesModel(key.models, known)))
  const first = deployments[0]
  if (!first) return null
  const { vendor } = first.provider
  const entry = snapshot.catalog.find(vendor.id, first.upstreamModel) ?? snapshot.catalog.logical(first.logicalModel)[0]
  return {
    id: name, object: 'model',
    created: entry?.releasedOn ? Math.floor(Date.parse(entry.releasedOn) / 1000) || 0 : 0,
    owned_by: vendor.id,
    megarouter: {
      providers: [...new Set(deployments.map(({ provider }) => provider.id))],
      context_tokens: first.contextTokens || null,
      output_tokens: first.outputTokens || null,
      price_usd_per_million: first.price && { input: first.price.base.input / 1e9, output: first.price.base.output / 1e9, cache_read: first.price.base.cacheRead / 1e9 },
      capabilities: capabilities(entry),
      health: best(deployments, health, nowMs),
      simulated: vendor.simulated === true,
    },
  }
}

function capabilities(entry: CatalogEntry | undefined): string[] {
  if (!entry) return []
  const has = { tools: entry.toolCalls, structured_output: entry.structuredOutput, reasoning: entry.reasoning, vision: entry.inputModalities.includes('image'), audio: entry.inputModalities.includes('audio'), embeddings: entry.kind === 'embedding' }
  return Object.entries(has).flatMap(([name, present]) => (present ? [name] : []))
}

/** A model is as healthy as its healthiest deployment. */
function best(deployments: readonly Deployment[], health: HealthBook, nowMs: number): 'closed' | 'open' | 'half_open' {
  const states = deployments.map(({ id }) => health.state(id, nowMs))
  return states.includes('closed') ? 'closed' : states.includes('half_open') ? 'half_open' : 'open'
}
