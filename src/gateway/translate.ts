/**
 * The request as its upstream gets it. Same protocol in and out: the client's bytes with exactly these edits spliced in: the
 * model's name, no `megarouter` object, usage asked for in streams, the output limit under the name that the vendor reads and where a
 * hold needs one, messages as the vendor takes them. Headers are built anew; the client's never pass.
 */
import { addMember, removeMembers, renameMember, replaceValue, splice, type Edit } from '../wire/json-edit.ts'
import { JsonScanner, type Member, noUniqueKeys } from '../wire/json-scanner.ts'
import { messageEdits } from '../wire/message-roles.ts'
import type { Protocol } from '../protocols/protocol.ts'
import { keyHeader, type Quirks, type SpokenFormat, type Vendor } from '../providers/provider.ts'
import type { Target } from '../routing/plan.ts'
import type { Exchange } from './exchange.ts'
import type { UpstreamRequest } from './transport.ts'
import type { Wording } from './wording.ts'

export interface Translated {
  request: UpstreamRequest
  /** Usage was asked for by us, so its chunk is not for the client. */
  askedForUsage: boolean
}

/** `maxTokens`: the output limit that the hold was computed with; null leaves what the request says. */
export function translate(exchange: Exchange, wording: Wording, target: Target, attempt: number, userAgent: string, maxTokens: number | null = null): Translated {
  exchange.enter('translate')
  const { deployment: { provider, upstreamModel }, credential } = target
  const { quirks } = provider.vendor
  const { members } = wording.scan
  const gone = unwanted(wording, quirks)
  const staying = gone.length === 0 ? members : members.filter((member) => !gone.includes(member))
  const usage = usageEdit(wording, quirks, staying)
  const { form } = exchange
  const body = form ? form.read(upstreamModel) : splice(wording.body, [
    ...modelEdits(wording, upstreamModel, staying), ...roleEdits(wording, quirks), ...limitEdits(wording, quirks, maxTokens, staying), ...usage, ...fixedMembers(wording, staying), ...(gone.length === 0 ? [] : removeMembers(members, gone)),
  ])
  const headers = headersFor(exchange, wording.protocol, target, wording.asked.stream, `${exchange.id}-${attempt}`, userAgent)
  if (form) Object.assign(headers, form.headers(upstreamModel))
  return {
    request: {
      provider, credentialId: credential.id, tenant: exchange.key!.org, path: pathFor(target, wording.spoken, pathOf(wording, provider.vendor)), method: 'POST', headers, body,
      connectTimeoutMs: exchange.snapshot.settings.deadlines.connectMs,
    },
    askedForUsage: usage.length > 0,
  }
}

type Where = Pick<Target, 'deployment' | 'credential'>

/** Built anew: of the client's headers those alone pass that belong to a format both speak. */
export function headersFor(exchange: Exchange, protocol: Protocol, { deployment: { provider: { vendor } }, credential }: Where, stream: boolean, id: string, userAgent: string): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: stream ? 'text/event-stream, application/json' : exchange.endpoint.bytes ? '*/*' : 'application/json',
    'accept-encoding': 'identity',
    'user-agent': userAgent,
    'x-client-request-id': id,
  }
  Object.assign(headers, vendor.headers)
  if (protocol.id === exchange.protocol.id) protocol.requestHeaders?.(exchange.request.headers, headers)
  const key = keyHeader(vendor, credential.secret)
  if (key) headers[key.name] = key.value
  return headers
}

export const pathFor = ({ deployment: { provider, upstreamModel } }: Where, { prefix = '' }: SpokenFormat, path: string): string =>
  under(provider.pathPrefix + prefix, path.replace('{model}', encodeURIComponent(upstreamModel)))

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
const placed = ['model', 'stream']

const hasModelInPath = ({ endpoint, spoken }: Wording): boolean => spoken.placed === true || endpoint.path.includes('{model}')

function fixedMembers({ spoken, body }: Wording, staying: readonly Member[]): Edit[] {
  return Object.entries(spoken.fixed ?? {}).flatMap(([key, json]) => (staying.some((member) => member.key === key) ? [] : [addMember(staying, body.indexOf(0x7b), key, json)]))
}

/** What is ours alone, what the vendor refuses, and a second limit that it does not read. */
function unwanted(wording: Wording, quirks: Quirks): Member[] {
  const { scan, endpoint, spoken, protocol } = wording
  const gone: Member[] = []
  if (spoken.placed) gone.push(...scan.members.filter(({ key }) => placed.includes(key)))
  const options = scan.find('megarouter')
  if (options) gone.push(options)
  if (protocol.limitEdits) return gone
  const usage = quirks.streamUsage === 'refuses_to_be_asked' && endpoint.streams ? scan.find('stream_options') : undefined
  if (usage) gone.push(usage)
  const unread = renames(wording, quirks) && scan.find(quirks.maxTokensField) ? scan.find(otherField(quirks)) : undefined
  if (unread) gone.push(unread)
  return gone
}

function modelEdits(wording: Wording, upstreamModel: string, staying: readonly Member[]): Edit[] {
  const { body, scan, asked: { written }, protocol } = wording
  if (hasModelInPath(wording)) return protocol.modelEdits?.(body, scan, upstreamModel) ?? []
  if (written === null) return [addMember(staying, body.indexOf(0x7b), 'model', JSON.stringify(upstreamModel))]
  return written === upstreamModel ? [] : [replaceValue(scan.find('model')!, JSON.stringify(upstreamModel))]
}

function roleEdits({ body, scan, protocol }: Wording, { developerRole, contentParts }: Quirks): Edit[] {
  const messages = (developerRole && contentParts) || protocol.limitEdits ? undefined : scan.find('messages')
  return messages ? messageEdits(body, messages.valueStart, { developerAsSystem: !developerRole, listsAsText: !contentParts }) : []
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
