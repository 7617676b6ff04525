/** Content blocks as parts. A block that is not known, or not as it should be, stays as it came: a native part. */
import type { CacheHint, Citation, Json, JsonObject, Part, Proof, TextPart, ToolResultPart } from '../canonical.ts'
import { besides, extrasOf, format, isEmpty, isObject, isText, merged, under } from './json.ts'
import { decodeMedia, mediaKinds } from './media.ts'
import { writtenToolName } from './names.ts'

/** How a signature or encrypted thought on the wire becomes a proof. */
export type ReadProof = (text: string) => Proof

export function decodeParts(blocks: Json | undefined, proof: ReadProof): Part[] {
  const parts: Part[] = []
  if (!Array.isArray(blocks)) return parts
  for (const block of blocks) {
    if (!isObject(block)) continue
    if (!markCache(parts.at(-1), block)) parts.push(decodePart(block, proof))
  }
  return parts
}

/** A cache point marks what stands before it. False: it is none, or there is nothing that it could mark. */
function markCache(before: Part | undefined, block: JsonObject): boolean {
  const cache = cacheOf(block)
  if (cache === null || before === undefined || before.type === 'reasoning' || before.type === 'refusal' || before.cache !== undefined) return false
  if (before.type === 'native' && Object.hasOwn(before.value, 'cachePoint')) return false
  before.cache = cache
  return true
}

/** Of a block that is a cache point and no more. */
export function cacheOf(block: JsonObject): CacheHint | null {
  const { cachePoint } = block
  if (!isObject(cachePoint) || cachePoint['type'] !== 'default' || !isEmpty(besides(block, 'cachePoint')) || !isEmpty(besides(cachePoint, 'type', 'ttl'))) return null
  const { ttl } = cachePoint
  if (ttl === undefined) return {}
  return isText(ttl) ? { ttl } : null
}

function decodePart(block: JsonObject, proof: ReadProof): Part {
  return known(block, proof) ?? { type: 'native', format, value: block }
}

function known(block: JsonObject, proof: ReadProof): Part | null {
  const { text, json } = block
  if (isText(text)) return { type: 'text', text, ...extrasOf(besides(block, 'text')) }
  if (isObject(block['toolUse'])) return decodeCall(block, block['toolUse'])
  if (isObject(block['toolResult'])) return decodeResult(block, block['toolResult'], proof)
  if (isObject(block['reasoningContent'])) return decodeThought(block, block['reasoningContent'], proof)
  if (isObject(block['citationsContent'])) return decodeCited(block, block['citationsContent'])
  for (const kind of mediaKinds) if (Object.hasOwn(block, kind)) return decodeMedia(kind, block, (content) => decodeParts(content, proof))
  // The result of a tool: a text to everybody else.
  if (json !== undefined) return { type: 'text', text: JSON.stringify(json), ...extrasOf(block) }
  return null
}

function decodeCall(block: JsonObject, call: JsonObject): Part | null {
  const { toolUseId, name, input } = call
  // `type` says that Bedrock runs it.
  if (!isText(toolUseId) || !isText(name) || !isObject(input) || call['type'] !== undefined) return null
  return { type: 'toolCall', id: toolUseId, name: writtenToolName(name), arguments: JSON.stringify(input), ...extrasOf({ ...besides(block, 'toolUse'), ...under('toolUse', besides(call, 'toolUseId', 'name', 'input')) }) }
}

function decodeResult(block: JsonObject, result: JsonObject, proof: ReadProof): ToolResultPart | null {
  const { toolUseId, content, status } = result
  if (!isText(toolUseId) || !Array.isArray(content) || result['type'] !== undefined) return null
  const isTold = status === 'error' || status === 'success'
  const left = { ...besides(block, 'toolResult'), ...under('toolResult', besides(result, 'toolUseId', 'content', ...(isTold ? ['status'] : []))) }
  return { type: 'toolResult', callId: toolUseId, parts: decodeParts(content, proof), ...(isTold ? { isError: status === 'error' } : {}), ...extrasOf(left) }
}

function decodeThought(block: JsonObject, thought: JsonObject, proof: ReadProof): Part | null {
  const { reasoningText, redactedContent } = thought
  if (isText(redactedContent)) {
    const left = { ...besides(block, 'reasoningContent'), ...under('reasoningContent', besides(thought, 'redactedContent')) }
    return { type: 'reasoning', redacted: true, proof: proof(readBlob(redactedContent)), ...extrasOf(left) }
  }
  if (!isObject(reasoningText) || !isText(reasoningText['text'])) return null
  const { text, signature } = reasoningText
  const left = { ...besides(thought, 'reasoningText'), ...under('reasoningText', besides(reasoningText, 'text', ...(isText(signature) ? ['signature'] : []))) }
  return { type: 'reasoning', text, ...(isText(signature) ? { proof: proof(signature) } : {}), ...extrasOf({ ...besides(block, 'reasoningContent'), ...under('reasoningContent', left) }) }
}

/** Claude's encrypted thought is a text that Bedrock carries as bytes; that of others is bytes. */
const bytesMark = 'data:;base64,'

export function readBlob(base64: string): string {
  const text = Buffer.from(base64, 'base64').toString()
  return Buffer.from(text).toString('base64') === base64 ? text : bytesMark + base64
}

export const writeBlob = (value: string): string => (value.startsWith(bytesMark) ? value.slice(bytesMark.length) : Buffer.from(value).toString('base64'))

function decodeCited(block: JsonObject, cited: JsonObject): TextPart | null {
  const { content, citations } = cited
  if (!Array.isArray(content) || !content.every((each) => isObject(each) && isText(each['text']))) return null
  const text = content.map((each) => (each as { text: string }).text).join('')
  const isPlain = content.length === 1 && isEmpty(besides(content[0] as JsonObject, 'text'))
  const left = { ...besides(cited, 'content', 'citations'), ...(isPlain ? {} : { content }) }
  const list = Array.isArray(citations) ? citations.filter(isObject).map(decodeCitation) : []
  return { type: 'text', text, citations: list, ...extrasOf(merged(besides(block, 'citationsContent'), under('citationsContent', left))) }
}

/** Places are the vendor's own words; what others understand of them stands beside. */
export function decodeCitation(value: JsonObject): Citation {
  const { title, source, sourceContent, location } = value
  const citation: Citation = { native: { format, value } }
  const quote = Array.isArray(sourceContent) ? sourceContent.map((each) => (isObject(each) && isText(each['text']) ? each['text'] : '')).join('') : ''
  const place = isObject(location) ? Object.values(location).find(isObject) : undefined
  const url = isObject(place) && isText(place['url']) ? place['url'] : isText(source) && /^https?:/.test(source) ? source : undefined
  if (url !== undefined) citation.url = url
  if (isText(title)) citation.title = title
  if (quote !== '') citation.quote = quote
  if (isObject(place) && typeof place['documentIndex'] === 'number') citation.document = place['documentIndex']
  return citation
}
