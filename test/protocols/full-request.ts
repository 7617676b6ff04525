/** A request with every member that the canonical form has, each kind of loss once, and the search for those that a codec neither writes nor tells as a loss. */
import type { CacheHint, ChatRequest, Extras, Json, Proof } from '../../src/protocols/canonical.ts'
import type { ChatCodec, Target } from '../../src/protocols/codec.ts'

const proof: Proof = { by: 'another', value: 'sealed' }
const cache: CacheHint = { ttl: '5m' }
/** Of a format that no codec here is. */
const extras: Extras = { format: 'bedrock-converse', fields: { unknown: 1 } }
const citation = { url: 'https://example.com', title: 'T', quote: 'q', start: 2, end: 3, document: 4 }

export const fullRequest: ChatRequest = {
  model: 'm', stream: true, parallelToolCalls: false, modalities: ['text', 'audio'], audio: { voice: 'v', coding: 'mp3' }, maxOutputTokens: 100, stop: ['x'], choices: 2, logprobs: { alternatives: 3 }, verbosity: 'low', serviceTier: 'flex',
  endUser: 'u', metadata: { a: 'b' }, store: true, cacheKey: 'k', cacheRetention: '24h', betas: ['b'], extras,
  sampling: { temperature: 0.5, topP: 0.5, topK: 5, minP: 0.5, frequencyPenalty: 0.5, presencePenalty: 0.5, repetitionPenalty: 1.5, seed: 5, logitBias: { 7: 5 } },
  reasoning: { mode: 'on', budgetTokens: 2000, summary: 'auto', wantsProof: true },
  output: { type: 'schema', schema: { type: 'object' }, name: 'n', description: 'd', strict: true },
  toolChoice: { type: 'required' },
  tools: [
    { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true, namespace: 'n', deferred: true, cache, extras },
    { type: 'function', name: 'g' },
    { type: 'custom', name: 'c', description: 'd', grammar: { syntax: 'lark' }, namespace: 'n', cache, extras },
    { type: 'server', kind: 'web_search', format: 'bedrock-converse', value: { type: 'search' } },
  ],
  messages: [
    { role: 'system', parts: [{ type: 'text', text: 's', cache, proof, id: 'i', phase: 'p', extras }], name: 'n', extras },
    { role: 'developer', parts: [{ type: 'text', text: 's' }] },
    { role: 'user', parts: [
      { type: 'media', kind: 'image', source: { by: 'data', base64: 'AAAA' }, mediaType: 'image/png', name: 'n', context: 'c', detail: 'low', cites: true, transcript: 't', id: 'i', cache, proof, extras },
      { type: 'media', kind: 'image', source: { by: 'url', url: 'https://example.com' } }, { type: 'media', kind: 'image', source: { by: 'file', id: 'f' } }, { type: 'media', kind: 'audio', source: { by: 'data', base64: 'BBBB' } },
      { type: 'media', kind: 'document', source: { by: 'text', text: 'd' }, name: 'n', context: 'c', cites: true, cache, extras, id: 'i' }, { type: 'media', kind: 'document', source: { by: 'parts', parts: [{ type: 'text', text: 'e' }] } },
      { type: 'media', kind: 'document', source: { by: 'data', base64: 'CCCC' }, mediaType: 'application/pdf' }, { type: 'media', kind: 'video', source: { by: 'url', url: 'https://example.com' } },
      { type: 'text', text: 'u' }, { type: 'native', format: 'bedrock-converse', value: { a: 1 }, cache },
    ] },
    { role: 'assistant', parts: [
      { type: 'reasoning', text: 't', summary: ['s'], proof, id: 'i', extras }, { type: 'reasoning', proof, redacted: true }, { type: 'text', text: 'a' }, { type: 'refusal', text: 'r' },
      { type: 'toolCall', id: 'c', name: 'f', arguments: '{"a":1}', namespace: 'n', itemId: 'i', cache, proof, extras }, { type: 'toolCall', id: 'd', name: 'c', arguments: 'free', custom: true },
    ] },
    { role: 'tool', parts: [{ type: 'toolResult', callId: 'c', name: 'f', parts: [{ type: 'text', text: 'r' }, { type: 'media', kind: 'image', source: { by: 'data', base64: 'DDDD' } }], isError: true, id: 'i', cache, extras }, { type: 'toolResult', callId: 'd', parts: [], custom: true }] },
    { role: 'assistant', parts: [{ type: 'text', text: 'b', citations: [citation] }] },
  ],
}

const other = (value: Json): Json => (typeof value === 'string' ? `${value}x` : typeof value === 'number' ? value / 2 : !value)

/** Paths of all values that are no objects or lists. */
function leaves(value: Json, path: string[] = []): string[][] {
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, member]) => leaves(member, [...path, key])) : [path]
}

/** Paths of values that are neither written nor told, by themselves or with a member around them. */
export function silentMembers(codec: ChatCodec, request: ChatRequest, target: Target): string[] {
  const json = JSON.stringify(request)
  const encoded = (path: readonly string[], change: (holder: Record<string, Json>, key: string) => void): { body: string; losses: string } => {
    const copy = JSON.parse(json) as ChatRequest
    let holder = copy as unknown as Record<string, Json>
    for (const step of path.slice(0, -1)) holder = holder[step] as Record<string, Json>
    change(holder, path.at(-1)!)
    try {
      const { body, losses } = codec.encodeRequest(copy, target)
      return { body: JSON.stringify(body), losses: JSON.stringify(losses) }
    } catch {
      return { body: 'refused', losses: '' }
    }
  }
  const usual = encoded(['model'], () => {})
  const without = (path: readonly string[]) => encoded(path, (holder, key) => { if (Array.isArray(holder)) holder.splice(Number(key), 1); else delete holder[key] })
  const isWritten = (path: readonly string[]): boolean => encoded(path, (holder, key) => { holder[key] = other(holder[key]!) }).body !== usual.body || without(path).body !== usual.body
  const isTold = (path: readonly string[]): boolean => path.some((_, index) => {
    const { body, losses } = without(path.slice(0, index + 1))
    return body === usual.body && losses !== usual.losses
  })
  return leaves(JSON.parse(json) as Json).filter((path) => !isWritten(path) && !isTold(path)).map((path) => path.join('.'))
}
