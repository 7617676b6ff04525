/**
 * The request as its upstream gets it. Same protocol in and out: the client's bytes with exactly these edits spliced in: the
 * model's name, no `megarouter` object, usage asked for in streams, the output limit where a hold needs one, `developer` as `system`
 * where the vendor knows no other. Headers are built anew; the client's never pass.
 */
import { addMember, removeMember, replaceValue, splice, type Edit } from '../wire/json-edit.ts'
import { JsonScanner, type Member } from '../wire/json-scanner.ts'
import { replaceRole } from '../wire/message-roles.ts'
import { keyHeader, type Quirks } from '../providers/provider.ts'
import type { Target } from '../routing/plan.ts'
import type { Exchange } from './exchange.ts'
import type { UpstreamRequest } from './transport.ts'

export interface Translated {
  request: UpstreamRequest
  /** Usage was asked for by us, so its chunk is not for the client. */
  askedForUsage: boolean
}

/** `maxTokens`: the output limit that the hold was computed with; null leaves what the client wrote. */
export function translate(exchange: Exchange, target: Target, attempt: number, userAgent: string, maxTokens: number | null = null): Translated {
  exchange.enter('translate')
  const { deployment, credential } = target
  const { provider } = deployment
  const usage = usageEdit(exchange, provider.vendor.quirks.streamUsage)
  const limit = maxTokens === null ? [] : limitEdits(exchange, provider.vendor.quirks, maxTokens)
  const body = splice(exchange.body, [...modelEdits(exchange, deployment.upstreamModel), ...roleEdits(exchange, provider.vendor.quirks), ...limit, ...usage])
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: exchange.asked!.stream ? 'text/event-stream, application/json' : 'application/json',
    'accept-encoding': 'identity',
    'user-agent': userAgent,
    'x-client-request-id': `${exchange.id}-${attempt}`,
  }
  const key = keyHeader(provider.vendor, credential.secret)
  if (key) headers[key.name] = key.value
  return {
    request: {
      provider, credentialId: credential.id, tenant: exchange.key!.org, path: provider.pathPrefix + exchange.endpoint.path, method: 'POST', headers, body,
      connectTimeoutMs: exchange.snapshot.settings.deadlines.connectMs,
    },
    askedForUsage: usage.length > 0,
  }
}

function modelEdits({ scan, asked }: Exchange, upstreamModel: string): Edit[] {
  const { members } = scan!
  const edits: Edit[] = []
  if (asked!.model !== upstreamModel) edits.push(replaceValue(scan!.find('model')!, JSON.stringify(upstreamModel)))
  const options = scan!.find('megarouter')
  if (options) edits.push(removeMember(members, options))
  return edits
}

function roleEdits({ body, scan }: Exchange, { developerRole }: Quirks): Edit[] {
  const messages = developerRole ? undefined : scan!.find('messages')
  return messages ? replaceRole(body, messages.valueStart, 'developer', 'system') : []
}

const wanted = '{"include_usage":true}'

function usageEdit({ body, scan, asked }: Exchange, streamUsage: 'on_request' | 'always'): Edit[] {
  if (!asked!.stream || asked!.usageInStream || streamUsage === 'always') return []
  const { members } = scan!
  const options = scan!.find('stream_options')
  if (!options) return [addAfterOthers(members, body, 'stream_options', wanted)]
  const value = body.subarray(options.valueStart, options.valueEnd)
  if (value[0] !== 0x7b) return [replaceValue(options, wanted)]
  const inner = new JsonScanner({ maxDepth: 64, maxKeys: 1000, unique: new Set() })
  inner.push(value)
  const move = (member: Member): Member => ({ ...member, keyStart: member.keyStart + options.valueStart, valueStart: member.valueStart + options.valueStart, valueEnd: member.valueEnd + options.valueStart })
  const own = inner.members.map(move)
  const present = own.find(({ key }) => key === 'include_usage')
  return [present ? replaceValue(present, 'true') : addMember(own, options.valueStart, 'include_usage', 'true')]
}

/** Behind the last member that stays; a removed `megarouter` at the end takes its comma with it. */
function addAfterOthers(members: readonly Member[], body: Buffer, key: string, json: string): Edit {
  const staying = members.filter((member) => member.key !== 'megarouter')
  return addMember(staying, body.indexOf(0x7b), key, json)
}

const limitFields = ['max_completion_tokens', 'max_tokens'] as const

/** Lowers what is above the limit in the fields that the vendor reads; where none of them holds a limit, writes the vendor's own. */
function limitEdits({ body, scan, asked, endpoint }: Exchange, { maxTokensField, honoursBothLimits }: Quirks, maxTokens: number): Edit[] {
  const field = endpoint.capability === 'completions' ? 'max_tokens' : maxTokensField
  const edits: Edit[] = []
  let isBound = false
  for (const key of limitFields) {
    const own = key === 'max_tokens' ? asked!.maxTokens : asked!.maxCompletionTokens
    if (own === null || (key !== field && !(honoursBothLimits && endpoint.capability === 'chat'))) continue
    isBound = true
    if (own > maxTokens) edits.push(replaceValue(scan!.find(key)!, String(maxTokens)))
  }
  if (isBound) return edits
  const empty = scan!.find(field)
  return [empty ? replaceValue(empty, String(maxTokens)) : addAfterOthers(scan!.members, body, field, String(maxTokens))]
}
