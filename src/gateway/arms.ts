/**
 * What the router of an organisation chooses among: every model that its providers serve and that is for general use, those that it
 * declared, and those that its policies name, with an effort where they say one. Made anew with each snapshot.
 */
import type { CatalogEntry } from '../catalog/catalog.ts'
import type { ArmFacts } from '../routing/arm.ts'
import type { Effort } from '../routing/policy-data.ts'
import { logicalDeployments } from './compile-snapshot.ts'
import { resolve } from './choose.ts'
import type { Deployment, View } from './snapshot.ts'

export interface Arm {
  facts: ArmFacts
  /** In the order in which they are tried. */
  deployments: readonly Deployment[]
  /** For every request that names no candidates; others are for the policies that name them. */
  isGeneral: boolean
}

/** More are not compared: the newest ones count. */
export const mostArms = 256
/** Made for something else than conversation, as their names say. */
const special = /(^|[-_/.:])(search|deep-?research|realtime|audio|image|imagen|tts|transcribe|whisper|embed(ding)?|guard|safeguard|moderation|computer-use|ocr|live|rerank|translate|vision-preview|base)([-_/.:]|$)/i
const parameters = /(?:^|[-_/:])(\d+(?:\.\d+)?)b(?:[-_/:]|$)/i
/** Prompts shorter than this are not cached by any vendor that does it by itself; how long they stay is the shortest time that vendors tell. */
const leastCached = 1_024
const cachedMs = 300_000

export function armsOf(view: View): Arm[] {
  const named = namedArms(view)
  const taken = new Set(named.map(({ facts: { id } }) => id))
  const general = generalNames(view).filter((name) => !taken.has(name)).flatMap((name) => armFor(view, name, name, null, true) ?? [])
  const newest = general.toSorted((a, b) => b.facts.releasedOn.localeCompare(a.facts.releasedOn) || a.facts.id.localeCompare(b.facts.id))
  return [...named, ...newest].slice(0, mostArms)
}

/** Of policies, and what the organisation declared. */
function namedArms(view: View): Arm[] {
  const arms = new Map<string, Arm>()
  for (const { candidates } of view.routing.values()) {
    for (const { model, effort } of candidates ?? []) {
      const id = effort === null ? model : `${model}@${effort}`
      const arm = arms.has(id) ? null : armFor(view, id, model, effort, effort === null && isGeneral(view, model))
      if (arm !== null) arms.set(id, arm)
    }
  }
  for (const name of view.declared.keys()) {
    const arm = armFor(view, name, name, null, true)
    if (arm !== null) arms.set(name, arm)
  }
  return [...arms.values()]
}

const generals = new WeakMap<View, ReadonlySet<string>>()
const isGeneral = (view: View, name: string): boolean => new Set(generalNames(view)).has(name)

function generalNames(view: View): string[] {
  let names = generals.get(view)
  if (names === undefined) {
    const served = new Set([...view.providers.values()].map(({ vendor }) => vendor.id))
    names = new Set(view.catalog.entries.filter((entry) => served.has(entry.vendor) && isForGeneralUse(entry) && !isMissing(view, entry)).map(({ logicalModel }) => logicalModel))
    generals.set(view, names)
  }
  return [...names]
}

const isForGeneralUse = ({ kind, deprecated, withdrawnOn, price, outputModalities, logicalModel, vendor }: CatalogEntry): boolean =>
  kind === 'chat' && !deprecated && withdrawnOn === '' && (price !== null || vendor === 'ollama') && outputModalities.includes('text') && !outputModalities.includes('image') && !special.test(logicalModel)

/** Its vendor's own list no longer names it. */
const isMissing = ({ lists, providers }: View, { vendor, upstreamModel }: CatalogEntry): boolean =>
  [...lists].some(([provider, { missing }]) => providers.get(provider)?.vendor.id === vendor && missing?.has(upstreamModel) === true)

/** Null: nothing that is switched on serves it. */
function armFor(view: View, id: string, model: string, effort: Effort | null, isGeneral: boolean): Arm | null {
  const found = (view.declared.get(model) ?? (view.catalog.logical(model).length > 0 ? logicalDeployments(view, model) : resolve(view, model, () => 0, null))).filter(({ provider }) => provider.vendor.endpoints.includes('chat'))
  const [first] = found
  if (first === undefined) return null
  const deployments = effort === null ? found : found.map((each) => ({ ...each, effort }))
  return { facts: factsOf(view, id, model, effort, first), deployments, isGeneral }
}

function factsOf(view: View, id: string, model: string, effort: Effort | null, first: Deployment): ArmFacts {
  const { provider, upstreamModel, logicalModel, price, contextTokens, outputTokens } = first
  const entry = view.catalog.find(provider.vendor.id, upstreamModel) ?? view.catalog.logical(logicalModel)[0]
  // What the catalogue does not know of an operator's own model is the operator's to know: he has put it there.
  const can = entry === undefined || !entry.capabilitiesKnown ? { tools: true, schema: true, images: entry?.inputModalities.includes('image') ?? false, audio: false, reasoning: false }
    : { tools: entry.toolCalls, schema: entry.structuredOutput, images: entry.inputModalities.includes('image'), audio: entry.inputModalities.includes('audio'), reasoning: entry.reasoning && effort !== 'none' && effort !== 'minimal' }
  const base = price?.base
  return {
    id, model, effort: effort ?? '', domain: provider.id, contextTokens: entry?.inputTokens || contextTokens, outputTokens, ...can,
    prices: base === undefined ? null : { input: base.input, output: base.output, cacheRead: base.cacheRead, cacheWrite: base.cacheWrite5m },
    releasedOn: entry?.releasedOn ?? '', billions: Number(parameters.exec(logicalModel)?.[1] ?? 0), region: entry?.region ?? '',
    cache: base !== undefined && base.cacheRead < base.input ? { leastTokens: leastCached, ttlMs: cachedMs, billsWrites: base.cacheWrite5m > base.input } : null,
  }
}
