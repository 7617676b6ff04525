/**
 * What governance says of the deployments that could serve a request: whose credentials are used, which models policies allow, and what
 * a developer who was refused can use instead. What only a deployment decides is found once for each view.
 */
import type { CatalogEntry } from '../catalog/catalog.ts'
import { failure, type Failure } from '../errors.ts'
import { RequestVariable, type Facts } from '../governance/conditions.ts'
import { factsOf, type ModelFacts } from '../governance/model-class.ts'
import { matchesModel } from '../governance/model-patterns.ts'
import { mayUse, noFacts } from '../governance/model-policy.ts'
import { explain } from '../governance/policy-explain.ts'
import type { Principal } from '../governance/principal.ts'
import type { EndpointSpec } from '../protocols/protocol.ts'
import { deploymentOf } from './compile-snapshot.ts'
import type { Exchange } from './exchange.ts'
import { localTime } from './local-time.ts'
import type { CredentialData, Deployment, KeyEntry, View } from './snapshot.ts'

const known = new WeakMap<Deployment, ModelFacts>()

/** Deployments live as long as their snapshot, and so does what is known of them. */
export function modelFacts({ catalog }: View, deployment: Deployment): ModelFacts {
  let facts = known.get(deployment)
  if (facts === undefined) known.set(deployment, (facts = factsOf(deployment, catalog.find(deployment.provider.vendor.id, deployment.upstreamModel) ?? catalog.logical(deployment.logicalModel)[0], deployment.declared ?? {})))
  return facts
}

const ownViews = new WeakMap<Deployment, Map<string, Deployment>>()

/** With the credentials of a node alone. */
function ownView(deployment: Deployment, node: string, credentials: readonly CredentialData[]): Deployment {
  let ofDeployment = ownViews.get(deployment)
  if (ofDeployment === undefined) ownViews.set(deployment, (ofDeployment = new Map()))
  let own = ofDeployment.get(node)
  if (own === undefined) ofDeployment.set(node, (own = { ...deployment, provider: { ...deployment.provider, credentials, own: null, isOpen: true } }))
  return own
}

/** The deployment with the credentials of the nearest node that has any there; null where the key may use none. */
export function asUsedBy(deployment: Deployment, { nodes, defaults }: Principal): Deployment | null {
  const { own, isOpen, id } = deployment.provider
  const off = defaults?.credentials.get(id)
  if (own === null && isOpen && off === undefined) return deployment
  for (const node of nodes) {
    const credentials = own?.get(node)
    if (credentials !== undefined) return ownView(deployment, node, credentials)
    if (off?.nodeId === node) return null
  }
  return isOpen ? deployment : null
}

/** What conditions are asked about; without facts of the request where none is needed. */
export const factsFor = (exchange: Exchange, principal: Principal): Facts => (principal.asksRequests ? factsOfRequest(exchange, principal) : noFacts())

export function factsOfRequest(exchange: Exchange, { variable, timeZone }: Principal): Facts {
  const { asked, options, endpoint, scan } = exchange
  const { hour, weekday } = localTime(timeZone, Math.floor(exchange.at / 1000))
  const tools = scan?.find('tools')
  return {
    principal: variable, model: null,
    request: new RequestVariable({
      tags: exchange.tags, session: options?.session ?? '', endpoint: endpoint.name, stream: asked?.stream ?? false, hour, weekday,
      hasTools: scan === null ? null : tools !== undefined && tools.valueEnd - tools.valueStart > 4, hasImages: asked === null ? null : asked.size.mayCarryMedia() && asked.size.shape().images > 0, hasJson: asksJson(exchange),
      inputTokens: asked?.estimatedInputTokens ?? null, maxOutputTokens: asked?.maxOutputTokens ?? null,
    }),
  }
}

function asksJson({ scan, body }: Exchange): boolean | null {
  if (scan === null) return null
  const format = scan.find('response_format')
  return format !== undefined && body.toString('utf8', format.valueStart, format.valueEnd).includes('"json')
}

/** The key's own list takes the name that was asked for, too; policies judge what is sent. */
export function isListed({ models }: Pick<KeyEntry, 'models'>, asked: string, { logicalModel, provider, upstreamModel }: Deployment): boolean {
  return models === null || [asked, logicalModel, `${provider.id}/${upstreamModel}`].some((name) => matchesModel(models, name))
}

const capital = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}`

const served = new WeakMap<View, readonly Deployment[]>()
/** More are not looked through for what may be used instead. */
const mostServed = 500

/** What could serve anybody, bounded: for alternatives. */
export function servedBy(view: View): readonly Deployment[] {
  let all = served.get(view)
  if (all === undefined) {
    const ofCatalog: Deployment[] = []
    for (const provider of view.providers.values()) {
      for (const entry of view.catalog.entries) {
        if (ofCatalog.length >= mostServed) break
        if (entry.vendor === provider.vendor.id) ofCatalog.push(deploymentOf(view, provider, entry.upstreamModel))
      }
    }
    all = [...[...view.declared.values()].flat(), ...ofCatalog].slice(0, mostServed)
    served.set(view, all)
  }
  return all
}

type Capability = EndpointSpec['capability']
const kinds: Record<Capability, readonly CatalogEntry['kind'][]> = {
  chat: ['chat'], completions: ['chat', 'completion'], embeddings: ['embedding'], images: ['image'], image_edits: ['image'], image_variations: ['image'], speech: ['audio'], transcriptions: ['audio'], translations: ['audio'],
  moderations: ['moderation'], rerank: ['rerank'], files: [], batches: [],
}

/** Whether it is worth naming to somebody who calls this endpoint. */
export function canServe({ catalog }: View, { provider: { vendor }, upstreamModel }: Deployment, capability: Capability): boolean {
  const kind = catalog.find(vendor.id, upstreamModel)?.kind
  return vendor.endpoints.includes(capability) && (kind === undefined || kinds[capability].includes(kind))
}

/** Why none of these may be used: by the key's own list, or by the first policy that refuses the first of them. */
export function policyDenial(view: View, key: KeyEntry, principal: Principal, { model: asked, capability }: { model: string; capability: Capability }, able: readonly Deployment[], facts: Facts): Failure {
  const param = { param: 'model' }
  const listed = able.find((deployment) => isListed(key, asked, deployment))
  if (listed === undefined) return failure('policy_denied', `Key ${key.name} may not use ${asked}: it is for ${key.models!.length === 0 ? 'no model' : `${key.models!.slice(0, 10).join(', ')} only`}. ${capital(principal.whom.key)} can change that.`, param)
  const candidates = servedBy(view).filter((each) => canServe(view, each, capability) && isListed(key, each.id, each) && asUsedBy(each, principal) !== null)
  const { message } = explain(principal.chain, modelFacts(view, listed), facts, candidates.map((each) => modelFacts(view, each)), asked)
  return failure('policy_denied', message ?? `No policy above key ${key.name} allows ${asked}. ${capital(principal.whom.org)} can change that.`, param)
}

/** Whether policies allow it; the key's own list apart. */
export const isAllowed = (view: View, { chain }: Principal, deployment: Deployment, facts: Facts): boolean =>
  chain.length === 0 || mayUse(chain, modelFacts(view, deployment), facts)
