/**
 * The key under which an answer is kept: an HMAC over whose request it is and all that decides what is answered, so that nobody can
 * be given another's answer and nobody who sees keys learns what was asked. A request whose answer depends on more than that has none.
 */
import { createHmac, hkdfSync } from 'node:crypto'
import type { JsonObject, Part } from '../protocols/canonical.ts'
import type { Pepper } from '../governance/key-format.ts'
import { limits } from '../limits.ts'
import type { Exchange } from './exchange.ts'
import type { Deployment, KeyEntry } from './snapshot.ts'
import { understood } from './wording.ts'

export type RequestBody = JsonObject

export class CacheKeys {
  readonly #secret: Buffer

  constructor({ key }: Pick<Pepper, 'key'>) {
    this.#secret = Buffer.from(hkdfSync('sha256', key, '', 'keys of kept answers', 32))
  }

  /** `scope`: name and version of the routing policy; '' where a model is asked for by name. `deployments`: those that may answer. */
  of(exchange: Exchange, scope: string, deployments: readonly Deployment[], body: RequestBody): string {
    const { key, asked, endpoint, protocol, inPath, home, downgraded } = exchange
    // A routing policy chooses another model each time; by which name it was called stands in the body.
    const model = scope === '' || downgraded ? asked!.model : null
    const { policy, models, fallbacks, maxCostNano, minQuality, maxLatencyMs, onUnsupported } = exchange.options!
    const parts: unknown[] = [
      key!.org, sharersOf(key!), scope, ownersOf(deployments), protocol.id, endpoint.name, protocol.framing, model, asked!.stream, inPath.model, home,
      policy, models, fallbacks, maxCostNano, minQuality, maxLatencyMs, onUnsupported, headersOf(exchange),
    ]
    return createHmac('sha256', this.#secret).update(JSON.stringify(parts)).update('\n').update(canonical(body)).digest('base64url')
  }
}

/** Who may get the same answer: keys of one project or team; outside of those of one owner. */
function sharersOf({ id, node, project, team, user, serviceAccount }: KeyEntry): string {
  const place = node ?? project ?? team
  if (place !== null) return `node:${place}`
  if (user !== null) return `user:${user}`
  return serviceAccount === null ? `key:${id}` : `service_account:${serviceAccount}`
}

/** The node whose own credentials a deployment is used with; '' where they are everyone's. */
export const ownerOf = ({ provider: { credentials } }: Deployment): string => credentials[0]?.node ?? ''

/** Whose credentials are used where: what is made with a node's own is another answer. */
function ownersOf(deployments: readonly Deployment[]): string[] {
  const owners = new Set<string>()
  for (const deployment of deployments) if (ownerOf(deployment) !== '') owners.add(`${deployment.provider.id}=${ownerOf(deployment)}`)
  return [...owners].sort()
}

/** What the client says beside the body: all that may reach a vendor. */
function headersOf({ protocol, request }: Exchange): [string, string][] {
  const said: Record<string, string> = {}
  protocol.requestHeaders?.(request.headers, said)
  const begin = protocol.cloud?.headers?.begin
  for (const [name, value] of Object.entries(request.headers)) if (name === 'anthropic-beta' || (begin !== undefined && name.startsWith(begin))) said[name] = String(value)
  return Object.entries(said).sort(byName)
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0)

/** The same for bodies that say the same: blanks, spelling of numbers and texts and order of members are levelled, but for a schema's properties, in whose order models answer. */
export function canonical(body: RequestBody): string {
  const { megarouter: _, ...rest } = body
  return written(rest, false)
}

function written(value: unknown, keepsOrder: boolean): string {
  if (Array.isArray(value)) return `[${value.map((each) => written(each, false)).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
  if (!keepsOrder) members.sort(byName)
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${written(each, name === 'properties')}`).join()}}`
}

/** Answers that are a function of the request, and are told in one piece of JSON or events. */
const keepable: ReadonlySet<string> = new Set(['chat', 'embeddings', 'moderations', 'rerank'])

/** The body as it is compared, or why its answer is neither kept nor given again, in words that go on after "since". */
export function comparable(exchange: Exchange): { body: RequestBody } | { why: string } {
  const { endpoint, options, asked, form, repeat, earlier, protocol, scan } = exchange
  if (!keepable.has(endpoint.capability) || endpoint.counts === true || form !== null) return { why: `answers of ${endpoint.path} are not kept` }
  if (repeat !== null) return { why: 'the request has an Idempotency-Key' }
  if (options!.includeCost) return { why: 'include_cost is asked for' }
  if (exchange.body.length > limits.cacheRequestBytes) return { why: `the request has more than ${limits.cacheRequestBytes / 1024} KiB` }
  if (asked!.choices > 1) return { why: 'several answers are asked for' }
  if (earlier !== null) return { why: 'it goes on from an earlier answer' }
  const { extra, media } = asked!.size.shape()
  if (extra !== null || media !== null) return { why: `it has ${extra ?? media}` }
  const body = JSON.parse(exchange.body.toString()) as RequestBody
  if (body['store'] === true || (protocol.id === 'openai-responses' && body['store'] !== false)) return { why: '"store" is not false' }
  const members = countMembers(body)
  // Of two members of one name a vendor may read the other one.
  if (members !== scan!.keys) return { why: members === null ? 'it has a number of more than 53 bits' : 'it has a member twice' }
  const elsewhere = endpoint.capability === 'chat' ? refersElsewhere(exchange, body) : null
  return elsewhere === null ? { body } : { why: elsewhere }
}

/** Of all objects in it. Null: a number is larger than can be told from the next one. */
function countMembers(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? 0 : null
  if (typeof value !== 'object' || value === null) return 0
  const children: unknown[] = Array.isArray(value) ? value : Object.values(value)
  let members: number = Array.isArray(value) ? 0 : children.length
  for (const child of children) {
    const within = countMembers(child)
    if (within === null) return null
    members += within
  }
  return members
}

/** What may be another thing tomorrow: at an address, in a vendor's keeping, run by the vendor. */
function refersElsewhere(exchange: Exchange, body: RequestBody): string | null {
  const chat = exchange.chat ?? understood(exchange.protocol, exchange, body)
  if ('code' in chat) return 'it cannot be read'
  exchange.chat = chat
  if (chat.tools?.some(({ type }) => type === 'server')) return 'it has a tool that the vendor runs'
  return chat.messages.some(({ parts }) => parts.some(isElsewhere)) ? 'it refers to something outside of it' : null
}

function isElsewhere(part: Part): boolean {
  if (part.type === 'toolResult') return part.parts.some(isElsewhere)
  if (part.type === 'native') return true
  if (part.type !== 'media') return false
  const { source } = part
  return source.by === 'url' || source.by === 'file' || (source.by === 'parts' && source.parts.some(isElsewhere))
}

