/**
 * The request as its upstream gets it. Same protocol in and out: the client's bytes with exactly these edits spliced in: the
 * model's name, no `megarouter` object, usage asked for in streams, the output limit under the name that the vendor reads and where a
 * hold needs one, messages as the vendor takes them. Headers are built anew; the client's never pass.
 */
import { addMember, removeMembers, renameMember, replaceValue, splice, type Edit } from '../wire/json-edit.ts'
import { JsonScanner, type Member, noUniqueKeys } from '../wire/json-scanner.ts'
import { messageEdits } from '../wire/message-roles.ts'
import type { Framing } from '../wire/event-scanner.ts'
import { keyHeader, type Quirks, type SpokenFormat, type Vendor } from '../providers/provider.ts'
import type { Target } from '../routing/plan.ts'
import { isHome, passHeaders, wishedBetas } from './cloud.ts'
import type { Exchange } from './exchange.ts'
import type { UpstreamRequest } from './transport.ts'
import type { Wording } from './wording.ts'

export interface Translated {
  request: UpstreamRequest
  /** Members that this vendor refuses. */
  dropped: readonly string[]
  /** Usage was asked for by us, so its chunk is not for the client. */
  askedForUsage: boolean
}

/** `maxTokens`: the output limit that the hold was computed with; null leaves what the request says. */
export function translate(exchange: Exchange, wording: Wording, target: Target, attempt: number, userAgent: string, maxTokens: number | null = null): Translated {
  exchange.enter('translate')
  const { deployment: { provider, upstreamModel }, credential } = target
  const { quirks } = provider.vendor
  const { members } = wording.scan
  const gone = unwanted(exchange, wording, quirks)
  const staying = gone.length === 0 ? members : members.filter((member) => !gone.includes(member))
  const usage = usageEdit(wording, quirks, staying)
  const { form } = exchange
  const body = form ? form.read(upstreamModel) : splice(wording.body, [
    ...modelEdits(wording, upstreamModel, staying), ...streamEdits(exchange, wording, staying), ...roleEdits(wording, quirks), ...limitEdits(wording, quirks, maxTokens, staying), ...usage, ...fixedMembers(exchange, wording, staying), ...(gone.length === 0 ? [] : removeMembers(members, gone)),
  ])
  const headers = headersFor(exchange, wording, target, wording.asked.stream, `${exchange.id}-${attempt}`, userAgent)
  if (form) Object.assign(headers, form.headers(upstreamModel))
  return {
    request: {
      provider, credentialId: credential.id, tenant: exchange.key!.org, path: pathFor(target, wording.spoken, pathOf(wording, provider.vendor)), method: 'POST', headers, body,
      connectTimeoutMs: exchange.snapshot.settings.deadlines.connectMs,
    },
    dropped: quirks.drops.filter((key) => gone.some((member) => member.key === key)),
    askedForUsage: usage.length > 0,
  }
}

type Where = Pick<Target, 'deployment' | 'credential'>

/** Built anew: of the client's headers those alone pass that belong to a format both speak. */
export function headersFor(exchange: Exchange, { protocol, spoken, headers: own }: Pick<Wording, 'protocol' | 'spoken'> & Partial<Pick<Wording, 'headers'>>, { deployment: { provider: { vendor } }, credential }: Where, stream: boolean, id: string, userAgent: string): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: stream ? `${accepted[spoken.framing ?? protocol.framing]}, application/json` : exchange.endpoint.bytes ? '*/*' : 'application/json',
    'accept-encoding': 'identity',
    'user-agent': userAgent,
    'x-client-request-id': id,
  }
  Object.assign(headers, vendor.headers)
  if (protocol.id === exchange.protocol.id) {
    protocol.requestHeaders?.(exchange.request.headers, headers)
    if (exchange.protocol.cloud) headers['anthropic-beta'] = wishedBetas(exchange).join(',')
    passHeaders(exchange, spoken, headers)
  }
  Object.assign(headers, own)
  betaHeader(headers, spoken.betas)
  const key = keyHeader(vendor, credential.secret)
  if (key) headers[key.name] = key.value
  return headers
}

/** Streams as they are asked for. */
const accepted: Readonly<Record<Framing, string>> = { sse: 'text/event-stream', 'aws-event-stream': 'application/vnd.amazon.eventstream', ndjson: 'application/x-ndjson', 'json-array': 'text/event-stream' }

/** Vendors refuse a whole request for a beta that they don't know. Those whose declaration lists none know all. */
function betaHeader(headers: Record<string, string>, betas: SpokenFormat['betas']): void {
  const wished = headers['anthropic-beta']
  if (wished === undefined || (wished !== '' && !betas)) return
  delete headers['anthropic-beta']
  const taken = betas?.as === 'header' ? betasOf(wished.split(','), betas.known) : []
  if (taken.length > 0) headers['anthropic-beta'] = taken.join(',')
}

const betasOf = (wished: readonly string[], known: Readonly<Record<string, string>>): string[] => [...new Set(wished.flatMap((each) => known[each.trim()] ?? []))]

export const pathFor = ({ deployment: { provider, upstreamModel } }: Where, { prefix = '', query }: SpokenFormat, path: string): string => {
  const model = encodeURIComponent(upstreamModel)
  const whole = under(provider.pathPrefix + prefix.replace('{model}', model), path.replace('{model}', model))
  return query === undefined ? whole : `${whole}${whole.includes('?') ? '&' : '?'}${query}`
}

/** `../` at the beginning of a path leaves a part of the base URL. */
const under = (base: string, path: string): string => (path.startsWith('../') ? under(base.replace(/\/[^/]*$/, ''), path.slice(3)) : path.startsWith('/') ? base + path : `${base}/${path}`)

/** Under the base URL. */
function pathOf({ endpoint, spoken, asked, protocol }: Wording, { paths }: Vendor): string {
  // A path of a format's own is that of its one endpoint.
  const own = endpoint.capability === 'chat' || protocol.codec === null ? spoken : noPaths
  const plain = own.path ?? paths?.[endpoint.capability] ?? endpoint.path
  return asked.stream ? own.streamPath ?? endpoint.streamPath ?? plain : plain
}

const noPaths: Pick<SpokenFormat, 'path' | 'streamPath'> = {}

const hasModelInPath = ({ endpoint, spoken }: Wording): boolean => spoken.placed?.includes('model') === true || endpoint.path.includes('{model}')

/** What the body has to say besides, unless it does. */
function fixedMembers(exchange: Exchange, { spoken: { fixed, betas }, body, protocol, headers }: Wording, staying: readonly Member[]): Edit[] {
  if (!fixed && betas?.as !== 'body') return noEdits
  const members = { ...fixed }
  const wished = headers['anthropic-beta']?.split(',') ?? (protocol.id === exchange.protocol.id ? wishedBetas(exchange) : [])
  const taken = betas?.as === 'body' ? betasOf(wished, betas.known) : []
  if (taken.length > 0) members['anthropic_beta'] = JSON.stringify(taken)
  return Object.entries(members).flatMap(([key, json]) => (staying.some((member) => member.key === key) ? [] : [addMember(staying, body.indexOf(0x7b), key, json)]))
}

const noEdits: Edit[] = []

/** What is ours alone, what the vendor refuses, and a second limit that it does not read. */
function unwanted(exchange: Exchange, wording: Wording, quirks: Quirks): Member[] {
  const { scan, endpoint, spoken, protocol } = wording
  const { cloud } = exchange.protocol
  const gone: Member[] = []
  if (spoken.placed) gone.push(...scan.members.filter(({ key }) => (spoken.placed as readonly string[]).includes(key)))
  if (cloud?.format === protocol) gone.push(...scan.members.filter((member) => cloud.members.includes(member.key) && !isAtHome(exchange, wording, member)))
  const options = scan.find('megarouter')
  if (options) gone.push(options)
  for (const key of quirks.drops) gone.push(...scan.members.filter((member) => member.key === key))
  if (protocol.limitEdits) return gone
  const usage = quirks.streamUsage === 'refuses_to_be_asked' && endpoint.streams ? scan.find('stream_options') : undefined
  if (usage) gone.push(usage)
  const unread = renames(wording, quirks) && scan.find(quirks.maxTokensField) ? scan.find(otherField(quirks)) : undefined
  if (unread) gone.push(unread)
  return gone
}

/** A member that the client's cloud wants, before the same one: it is said in the vendor's words already. */
function isAtHome({ protocol: { cloud } }: Exchange, { spoken, body }: Wording, { key, valueStart, valueEnd }: Member): boolean {
  const own = spoken.fixed?.[key]
  return own === undefined ? isHome(cloud!, spoken) : own === body.toString('utf8', valueStart, valueEnd)
}

function modelEdits(wording: Wording, upstreamModel: string, staying: readonly Member[]): Edit[] {
  const { body, scan, protocol } = wording
  if (hasModelInPath(wording)) return protocol.modelEdits?.(body, scan, upstreamModel) ?? []
  const member = scan.find('model')
  if (!member) return [addMember(staying, body.indexOf(0x7b), 'model', JSON.stringify(upstreamModel))]
  return JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) === upstreamModel ? [] : [replaceValue(member, JSON.stringify(upstreamModel))]
}

/** What the path of a client says of streaming, for a vendor that wants it in the body. */
function streamEdits({ protocol: { cloud } }: Exchange, { protocol, spoken, body, scan, asked: { stream } }: Wording, staying: readonly Member[]): Edit[] {
  if (cloud?.format !== protocol || spoken.placed?.includes('stream')) return noEdits
  const member = scan.find('stream')
  if (member) return [replaceValue(member, String(stream))]
  return stream ? [addMember(staying, body.indexOf(0x7b), 'stream', 'true')] : noEdits
}

function roleEdits({ body, scan, protocol, request }: Wording, { developerRole, contentParts, nineLetterIds, thoughtWithCalls }: Quirks): Edit[] {
  // A client of the format knows its vendor; what is translated comes from others.
  const needsThought = thoughtWithCalls && request !== null && request.reasoning?.mode !== 'off'
  const messages = (developerRole && contentParts && !nineLetterIds && !needsThought) || protocol.limitEdits ? undefined : scan.find('messages')
  return messages ? messageEdits(body, messages.valueStart, { developerAsSystem: !developerRole, listsAsText: !contentParts, nineLetterIds, thoughtWithCalls: needsThought }) : []
}

const wanted = '{"include_usage":true}'

function usageEdit({ body, scan, asked }: Wording, { streamUsage }: Quirks, staying: readonly Member[]): Edit[] {
  if (!asked.stream || asked.usageInStream || streamUsage !== 'on_request') return []
  const options = scan.find('stream_options')
  if (!options) return [addMember(staying, body.indexOf(0x7b), 'stream_options', wanted)]
  const value = body.subarray(options.valueStart, options.valueEnd)
  if (value[0] !== 0x7b) return [replaceValue(options, wanted)]
  const inner = new JsonScanner({ maxDepth: 64, maxKeys: 1000, unique: noUniqueKeys })
  inner.push(value)
  const move = (member: Member): Member => ({ ...member, keyStart: member.keyStart + options.valueStart, valueStart: member.valueStart + options.valueStart, valueEnd: member.valueEnd + options.valueStart })
  const own = inner.members.map(move)
  const present = own.find(({ key }) => key === 'include_usage')
  return [present ? replaceValue(present, 'true') : addMember(own, options.valueStart, 'include_usage', 'true')]
}

const limitFields = ['max_completion_tokens', 'max_tokens'] as const

const otherField = ({ maxTokensField }: Quirks): (typeof limitFields)[number] => (maxTokensField === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens')
const renames = ({ endpoint }: Wording, { otherLimit }: Quirks): boolean => endpoint.capability === 'chat' && otherLimit === 'renamed'
const limitIn = ({ asked }: Wording, field: string): number | null => (field === 'max_tokens' ? asked.maxTokens : asked.maxCompletionTokens)

/** Lowers what is above the limit in the fields that the vendor may read; where none that it does read holds a limit, writes the vendor's own. */
function limitEdits(wording: Wording, quirks: Quirks, maxTokens: number | null, staying: readonly Member[]): Edit[] {
  const { body, scan, endpoint, protocol } = wording
  if (protocol.limitEdits) return maxTokens === null ? [] : protocol.limitEdits(body, scan, maxTokens)
  if (renames(wording, quirks)) return renamedLimit(wording, quirks, maxTokens, staying)
  if (maxTokens === null) return []
  const isChat = endpoint.capability === 'chat'
  const field = isChat ? quirks.maxTokensField : 'max_tokens'
  const edits: Edit[] = []
  let isBound = false
  for (const key of limitFields) {
    const own = limitIn(wording, key)
    if (own === null || (key !== field && !isChat)) continue
    isBound ||= key === field || quirks.otherLimit === 'bounds'
    if (own > maxTokens) edits.push(replaceValue(scan.find(key)!, String(maxTokens)))
  }
  if (isBound) return edits
  const empty = scan.find(field)
  return [...edits, empty ? replaceValue(empty, String(maxTokens)) : addMember(staying, body.indexOf(0x7b), field, String(maxTokens))]
}

/** One field, the vendor's: the client's limit under whichever name it came, or the lower one that a hold needs. */
function renamedLimit(wording: Wording, quirks: Quirks, maxTokens: number | null, staying: readonly Member[]): Edit[] {
  const { body, scan } = wording
  const field = quirks.maxTokensField
  const [own, other] = [scan.find(field), scan.find(otherField(quirks))]
  const wished = limitIn(wording, field) ?? limitIn(wording, otherField(quirks))
  const limit = maxTokens !== null && (wished === null || wished > maxTokens) ? maxTokens : wished
  if (!own && !other) return limit === null ? [] : [addMember(staying, body.indexOf(0x7b), field, String(limit))]
  const edits = own ? [] : [renameMember(body, other!, field)]
  if (limit !== null && limit !== limitIn(wording, own ? field : otherField(quirks))) edits.push(replaceValue((own ?? other)!, String(limit)))
  return edits
}
