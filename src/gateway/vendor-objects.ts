/**
 * Files and batches: passed to the provider that keeps them. Their ids are sealed (`governance/sealed-ids.ts`) for the team or project
 * of the key, else for its organisation, on the way out and back. Nothing of them is held or billed here; what a batch costs is not known, so keys that must not spend unseen get none.
 */
import { failure, type Failure } from '../errors.ts'
import type { SealedIds, VendorObject } from '../governance/sealed-ids.ts'
import { openaiMedia } from '../protocols/openai-media/index.ts'
import type { EndpointSpec } from '../protocols/protocol.ts'
import type { Credential } from '../routing/credentials.ts'
import { replaceValue, splice } from '../wire/json-edit.ts'
import { authenticate } from './authenticate.ts'
import { deploymentOf } from './compile-snapshot.ts'
import type { Exchange } from './exchange.ts'
import { receiveForm } from './form.ts'
import { Passage, type Passed, type Whole } from './passage.ts'
import type { Gateway } from './pipeline.ts'
import { asUsedBy, factsFor, isAllowed } from './policy.ts'
import { receive } from './receive.ts'
import { recordOf } from './record.ts'
import { refuse, sendAnswer } from './respond.ts'
import type { Route } from './routes.ts'
import type { Deployment } from './snapshot.ts'
import { headersFor, pathFor } from './translate.ts'

export type ObjectKind = 'files' | 'batches'
type Action = 'create' | 'list' | 'retrieve' | 'delete' | 'content' | 'cancel'
export interface ObjectRoute extends Route { kind: ObjectKind; action: Action; id: string | null }

const objectPath = /^\/v1\/(files|batches)(?:\/([\w-]{1,1024})(?:\/(content|cancel))?)?$/

function actionOf(method: string, kind: ObjectKind, hasId: boolean, last: string | undefined): Action | null {
  switch (`${method} ${last ?? ''}`) {
    case 'POST ': return hasId ? null : 'create'
    case 'GET ': return hasId ? 'retrieve' : 'list'
    case 'DELETE ': return kind === 'files' && hasId ? 'delete' : null
    case 'GET content': return kind === 'files' ? 'content' : null
    case 'POST cancel': return kind === 'batches' ? 'cancel' : null
    default: return null
  }
}

/** Null: it is no such path; `action` null: not with this method. */
export function objectRouteOf(method: string, path: string): (Route & { action: null }) | ObjectRoute | null {
  const found = objectPath.exec(path)
  if (found === null) return null
  const kind = found[1] as ObjectKind
  const action = actionOf(method, kind, found[2] !== undefined, found[3])
  const endpoint: EndpointSpec = { name: `${kind}.${action ?? 'unsupported'}`, capability: kind, path: `/${kind}`, streams: false, required: [], optional: [] }
  const route: Route = { protocol: openaiMedia, endpoint, inPath: {} }
  return action === null ? { ...route, action } : { ...route, kind, action, id: found[2] ?? null }
}

interface Place { deployment: Deployment; credential: Credential }

export async function handleObject(exchange: Exchange, gateway: Gateway, route: ObjectRoute): Promise<void> {
  gateway.live.enter(exchange)
  try {
    const passed = await serve(exchange, gateway, route)
    if (exchange.clientGone) exchange.outcome = 'cancelled'
    else if (passed === 'streamed') exchange.outcome = 'success'
    else if ('body' in passed) {
      exchange.outcome = passed.status < 400 ? 'success' : 'failed'
      sendAnswer(exchange, passed.status, contentTypeOf(passed), passed.body)
    } else {
      exchange.refusal = passed
      if (!exchange.response.headersSent) refuse(exchange, passed)
    }
  } catch (error) {
    gateway.onDefect(error, exchange.id)
    exchange.outcome = 'failed'
    if (exchange.response.headersSent) exchange.response.destroy()
    else refuse(exchange, failure('internal_error', 'The gateway failed at this request; its log says why, under the request id.'))
  } finally {
    gateway.live.exit(exchange)
    exchange.form?.close()
    exchange.lease?.release(0, 0)
    gateway.recorder.add(recordOf(exchange))
    exchange.letGo()
  }
}

const contentTypeOf = ({ headers }: Whole): string => (typeof headers['content-type'] === 'string' ? headers['content-type'] : 'application/json')

async function serve(exchange: Exchange, gateway: Gateway, route: ObjectRoute): Promise<Passed> {
  const refused = authenticate(exchange, gateway.keys, gateway.admission)
  if (refused) return refused
  exchange.enter('admit')
  const key = exchange.key!
  const granted = gateway.admission.admit(key, exchange.snapshot, 0)
  if ('code' in granted) {
    exchange.limitHeaders = gateway.admission.headers(key, exchange.snapshot)
    return granted
  }
  exchange.lease = granted
  if (route.kind === 'batches' && route.action === 'create') {
    const forbidden = batchesAreForbidden(exchange)
    if (forbidden) return forbidden
  }
  exchange.enter('receive')
  const unreadable = await bodyOf(exchange, gateway, route)
  if (unreadable) return unreadable
  exchange.enter('choose')
  const place = placeOf(exchange, gateway, route)
  if ('code' in place) return place
  exchange.route = place.deployment.provider.id
  const { policies, view, principal } = { policies: exchange.principal!.chain, view: exchange.view!, principal: exchange.principal! }
  if (policies.length > 0 && !isAllowed(view, principal, place.deployment, factsFor(exchange, principal))) return failure('policy_denied', `No policy above key ${key.name} allows ${place.deployment.provider.vendor.name} for what is not known to be a model it allows. Whoever manages the key can change that.`)
  return ask(exchange, gateway, route, place)
}

/** What a batch asks for stands in its file, which nobody reads here. */
function batchesAreForbidden({ key, principal }: Exchange): Failure | null {
  if (key!.models !== null) return failure('policy_denied', `Key ${key!.name} may use some models only, and what a batch asks for stands in its file. Use a key without such a list.`)
  const hard = principal!.ancestors.find(({ budget }) => budget !== null && budget !== undefined && budget.mode !== 'soft')
  return hard === undefined ? null : failure('budget_unenforceable', `A ${hard.budget!.mode} budget applies (${hard.name}) and cannot be enforced: what a batch costs is not known here. Send its requests one by one, or have the budget's mode set to soft.`)
}

function bodyOf(exchange: Exchange, gateway: Gateway, { kind, action }: ObjectRoute): null | Failure | Promise<Failure | null> {
  if (action !== 'create') return null
  const tools = { budget: gateway.bodies, running: gateway.deadlines, spool: gateway.spool }
  if (kind === 'batches') return receive(exchange, tools)
  const contentType = exchange.request.headers['content-type'] ?? ''
  if (!/^multipart\/form-data\b/i.test(contentType)) return failure('unsupported_content_type', `Files are uploaded as multipart/form-data, not "${contentType.slice(0, 80)}".`)
  // Where it goes is known already, so nothing of it has to wait.
  return receiveForm(exchange, contentType, tools, (form) => form.hasFile)
}

const notFound = (kind: ObjectKind, id: string): Failure => failure('object_not_found', `There is no ${kind === 'files' ? 'file' : 'batch'} "${id.slice(0, 60)}" for this key. Ids are those that the gateway gave out, to keys of the same team or project, or of the organisation alone.`)

/** The provider and the account that it is in, or is to be made in. */
function placeOf(exchange: Exchange, gateway: Gateway, { kind, action, id }: ObjectRoute): Place | Failure {
  if (id !== null) return openedPlace(exchange, gateway.ids, kind, id) ?? notFound(kind, id)
  if (kind === 'batches' && action === 'create') {
    const input = textOf(exchange, 'input_file_id')
    if (input === null) return failure('invalid_request', 'The field "input_file_id" is missing; it must be the id of an uploaded file.', { param: 'input_file_id' })
    return openedPlace(exchange, gateway.ids, kind, input) ?? notFound('files', input)
  }
  const usable = providersOf(exchange, kind)
  const named = new URLSearchParams(queryOf(exchange)).get('provider') ?? exchange.request.headers['x-megarouter-provider']
  const chosen = typeof named === 'string' ? usable.filter(({ provider }) => provider.id === named) : usable
  const names = usable.map(({ provider }) => provider.id).join(', ')
  if (chosen.length === 0) return failure('provider_not_enabled', named === undefined ? `No provider that this key may use keeps ${kind}.` : `This key has no provider "${String(named).slice(0, 60)}" that keeps ${kind}. ${names === '' ? 'There is none.' : `There are: ${names}.`}`)
  if (chosen.length > 1) return failure('invalid_request', `Several providers keep ${kind} (${names}). Say which one with the header x-megarouter-provider.`, { param: 'x-megarouter-provider' })
  const deployment = chosen[0]!
  const credential = gateway.tools.credentials.pick(deployment.provider, deployment.upstreamModel, [], exchange.clock.monotonicUs() / 1000, true)
  if (credential === null) return failure('provider_not_enabled', `${deployment.provider.vendor.name} has no credential.`)
  return action === 'list' ? ownAccount(exchange, { deployment, credential }) : { deployment, credential }
}

/** Whose ids they are: of the team or project that a key is in, else of its organisation. */
const ownerOf = ({ key }: Exchange): string => (key!.node === null ? key!.org : `${key!.org}/${key!.node}`)

/** A list has everything in an account: it is given to its one owner only. */
function ownAccount(exchange: Exchange, place: Place): Place | Failure {
  const { snapshot: { organisations }, key, view } = exchange
  const own = key!.node === null ? null : view!.providers.get(place.deployment.provider.id)?.own?.get(key!.node)
  if (key!.node !== null && own?.some(({ id }) => id === place.credential.id) !== true) return failure('policy_denied', 'A list shows everything in an account of the vendor, and this one is not that of the key’s team or project alone. Use a key directly below the organisation, or give the team a credential of its own.')
  for (const [org, { providers }] of organisations) {
    if (org === key!.org) continue
    for (const { credentials, own } of providers.values()) {
      const all = own === null ? credentials : [...credentials, ...[...own.values()].flat()]
      if (place.credential.secret !== '' && all.some(({ secret }) => secret === place.credential.secret)) return failure('policy_denied', 'Several organisations share this account of the vendor, so its list can be shown to none of them. Give each a credential of its own.')
    }
  }
  return place
}

function providersOf({ view, principal }: Exchange, kind: ObjectKind): Deployment[] {
  const found: Deployment[] = []
  for (const provider of view!.providers.values()) {
    if (!provider.vendor.endpoints.includes(kind)) continue
    const usable = asUsedBy(deploymentOf(view!, provider, kind), principal!)
    if (usable !== null) found.push(usable)
  }
  return found
}

function openedPlace(exchange: Exchange, ids: SealedIds, kind: ObjectKind, text: string): Place | null {
  const object = ids.open(ownerOf(exchange), text)
  const deployment = object && providersOf(exchange, kind).find(({ provider }) => provider.id === object.provider)
  if (!deployment) return null
  const { credentials } = deployment.provider
  const credential = credentials.length === 0 && object!.credential === '' ? { id: '', secret: '' } : credentials.find(({ id }) => id === object!.credential)
  return credential ? { deployment, credential } : null
}

const queryOf = ({ request }: Exchange): string => request.url!.slice(request.url!.indexOf('?') + 1 || request.url!.length)

function textOf({ body, scan }: Exchange, key: string): string | null {
  const member = scan?.find(key)
  const value: unknown = member && JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd))
  return typeof value === 'string' ? value : null
}

async function ask(exchange: Exchange, gateway: Gateway, route: ObjectRoute, place: Place): Promise<Passed> {
  exchange.enter('call')
  const { deployment: { provider }, credential } = place
  const { kind, action, id } = route
  const owner = ownerOf(exchange)
  const headers = headersFor(exchange, { protocol: exchange.protocol, spoken: { protocol: exchange.protocol.id } }, place, false, `${exchange.id}-1`, gateway.userAgent)
  const path = [`/${kind}`, ...(id === null ? [] : [encodeURIComponent(gateway.ids.open(owner, id)!.id)]), ...(action === 'content' || action === 'cancel' ? [action] : [])].join('/')
  const { form } = exchange
  const sent = form ? form.read(null) : action === 'create' ? batchBody(exchange, gateway.ids) : null
  if (form) Object.assign(headers, form.headers(null))
  else if (sent === null) delete headers['content-type']
  if (action === 'content') headers['accept'] = '*/*'
  const method = exchange.request.method as 'GET' | 'POST' | 'DELETE'
  const passage = new Passage(exchange, gateway.deadlines, provider.vendor.name, action === 'content')
  if (exchange.clientGone) exchange.wake?.()
  const passed = await passage.start((handler) => gateway.transport.dispatch({
    provider, credentialId: credential.id, tenant: exchange.key!.org, path: pathFor(place, { protocol: exchange.protocol.id }, path) + upstreamQuery(exchange, gateway.ids, action), method, headers, body: sent,
    connectTimeoutMs: exchange.snapshot.settings.deadlines.connectMs,
  }, handler))
  if (passed === 'streamed' || !('body' in passed) || passed.status >= 400) return passed
  const body = sealed(passed.body, (each) => gateway.ids.seal(owner, { provider: provider.id, credential: credential.id, id: each }))
  return body === null ? failure('upstream_error', `${provider.vendor.name} answered ${passed.status} with what is no JSON object.`) : { ...passed, body }
}

function batchBody(exchange: Exchange, ids: SealedIds): Buffer {
  const { body, scan } = exchange
  const member = scan!.find('input_file_id')!
  const { id } = ids.open(ownerOf(exchange), JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) as string) as VendorObject
  return splice(body, [replaceValue(member, JSON.stringify(id))])
}

/** Of a list: how much, and from where on. */
function upstreamQuery(exchange: Exchange, ids: SealedIds, action: Action): string {
  if (action !== 'list') return ''
  const query = new URLSearchParams(queryOf(exchange))
  query.delete('provider')
  query.delete('key')
  const after = query.get('after')
  if (after !== null) query.set('after', ids.open(ownerOf(exchange), after)?.id ?? after)
  return query.size === 0 ? '' : `?${query.toString()}`
}

const idKeys = ['id', 'input_file_id', 'output_file_id', 'error_file_id', 'first_id', 'last_id']

/** The same bytes with the ids of what the vendor keeps sealed; null: they are no answer. */
function sealed(body: Buffer, seal: (id: string) => string): Buffer | null {
  let text = body.toString()
  const answer = parsed(text)
  if (answer === null) return null
  const found = new Set<string>()
  for (const each of [answer, ...(Array.isArray(answer['data']) ? answer['data'] : [])]) {
    if (typeof each !== 'object' || each === null) continue
    for (const key of idKeys) {
      const id = (each as Record<string, unknown>)[key]
      if (typeof id === 'string' && id !== '') found.add(id)
    }
  }
  for (const id of found) text = text.replaceAll(JSON.stringify(id), JSON.stringify(seal(id)))
  return Buffer.from(text)
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : null
  } catch {
    return null
  }
}
