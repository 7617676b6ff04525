/** Messages as OpenAI takes them: one of the role `tool` for each result, what a result can't hold in a message of the user behind them. */
import type { Citation, Json, JsonObject, MediaPart, Message, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts'
import { CitationWriter } from './citations.ts'
import { encodeContent, encodePart } from './encode-parts.ts'
import type { Writing } from './losses.ts'
import { withExtras } from './members.ts'
import { wireCallId, wireName } from './names.ts'
import { detailMaker, encodeDetails, flatTextOf } from './reasoning.ts'

export function encodeMessages(messages: readonly Message[], isLegacy: boolean, writing: Writing): JsonObject[] {
  const encoded: JsonObject[] = []
  for (const message of messages) {
    writing.loseExtras(message.extras, ' of a message')
    const name = message.name !== undefined && { name: message.name }
    if (message.role === 'tool') encodeResults(message, isLegacy, encoded, writing)
    else if (message.role === 'assistant') {
      const said = encodeAssistant(message.parts, isLegacy, writing)
      if (said) encoded.push(withExtras({ role: 'assistant', ...said, ...name }, message.extras))
    } else {
      const parts = message.role === 'user' ? message.parts : textsOnly(message, writing)
      encoded.push(withExtras({ role: message.role, content: encodeContent(parts, writing), ...name }, message.extras))
    }
  }
  return encoded
}

function textsOnly({ parts, role }: Message, writing: Writing): Part[] {
  return parts.filter((part) => {
    const isText = part.type === 'text' || (part.type === 'native' && part.format === 'openai-chat')
    if (!isText) writing.lose(`what is no text in a message of the role "${role}"`, 'meaning')
    return isText
  })
}

function encodeResults({ parts }: Message, isLegacy: boolean, encoded: JsonObject[], writing: Writing): void {
  const shown: Part[] = []
  for (const part of parts) {
    if (part.type !== 'toolResult') {
      shown.push(part)
      continue
    }
    encoded.push(encodeResult(part, isLegacy, writing))
    const attached = part.parts.filter((each): each is MediaPart => each.type === 'media' && !isTextual(each))
    if (attached.length > 0) shown.push({ type: 'text', text: `From the result of ${part.name === undefined ? wireCallId(part.callId) : `"${part.name}" (${wireCallId(part.callId)})`}:` }, ...attached)
  }
  if (shown.length > 0) encoded.push({ role: 'user', content: encodeContent(shown, writing) })
}

const isTextual = ({ kind, source }: MediaPart): boolean => kind === 'document' && (source.by === 'text' || source.by === 'parts')

function encodeResult(part: ToolResultPart, isLegacy: boolean, writing: Writing): JsonObject {
  if (part.isError) writing.lose('that the result of a tool is an error', 'hint')
  if (part.id !== undefined) writing.lose('the id of a part', 'hint')
  if (part.cache) writing.lose('a cache mark of the result of a tool', 'hint')
  writing.loseExtras(part.extras, ' of the result of a tool')
  const inside = part.parts.filter((each) => each.type !== 'media' || isTextual(each))
  const content = inside.length === 0 && part.parts.length > 0 ? 'It is shown in the next message.' : encodeContent(inside, writing)
  const name = part.name !== undefined && { name: wireName(part.name) }
  return withExtras(isLegacy ? { role: 'function', ...name, content } : { role: 'tool', tool_call_id: wireCallId(part.callId), ...name, content }, part.extras)
}

/** Null: nothing of it is left. The order of a turn is always thought, text, calls. */
function encodeAssistant(parts: readonly Part[], isLegacy: boolean, writing: Writing): JsonObject | null {
  const said: JsonObject = {}
  const content: Part[] = []
  const calls: JsonObject[] = []
  const thoughts: ReasoningPart[] = []
  for (const part of parts) {
    switch (part.type) {
      case 'text': content.push(part); break
      case 'native': content.push(part); break
      case 'refusal': said['refusal'] = `${typeof said['refusal'] === 'string' ? said['refusal'] : ''}${part.text}`; break
      case 'reasoning': thoughts.push(part); break
      case 'toolCall': calls.push(encodeCall(part, isLegacy, writing)); break
      case 'media': encodeSaidMedia(part, said, writing); break
      case 'toolResult': writing.lose('the result of a tool that the vendor ran', 'hint')
    }
  }
  const inThought = encodeThoughts(thoughts, said, writing)
  const texts = encodeSaid(content, said, writing)
  const all = [...inThought, ...typeof texts === 'string' ? texts === '' ? [] : [{ type: 'text', text: texts }] : texts]
  if (calls.length > 0) said[isLegacy ? 'function_call' : 'tool_calls'] = isLegacy ? calls[0]! : calls
  if (all.length === 0 && Object.keys(said).length === 0 && parts.length > 0) return null
  const isSilent = texts === '' && (calls.length > 0 || Object.keys(said).length > 0)
  return { content: inThought.length > 0 ? all : isSilent ? null : texts, ...said }
}

function encodeSaid(content: Part[], said: JsonObject, writing: Writing): string | JsonObject[] {
  const citations: Citation[] = []
  const writer = new CitationWriter()
  const bare = content.map((part) => {
    if (part.type !== 'text') return part
    const { citations: own, proof, ...rest } = part
    for (const citation of own ?? []) {
      citations.push(citation)
      writer.add(citation, 0, part.text.length)
    }
    if (proof?.by === 'google' && writing.target.proofs === 'google') said['extra_content'] = { google: { thought_signature: proof.value } }
    else if (proof) writing.lose('a proof of a vendor that is not asked', 'hint')
    return rest satisfies TextPart
  })
  if (citations.length > 0 && writing.dialect.has('annotations')) Object.assign(said, writer.take())
  else if (citations.length > 0) writing.lose('citations of earlier answers', 'hint')
  return encodeContent(bare, writing)
}

/** Fields of thought are written into `said`; parts of the content are given back. */
function encodeThoughts(thoughts: readonly ReasoningPart[], said: JsonObject, writing: Writing): JsonObject[] {
  const { dialect, target } = writing
  if (thoughts.length === 0) return []
  for (const { extras } of thoughts) writing.loseExtras(extras, ' of a thought')
  const own = thoughts.map((part): ReasoningPart => {
    if (!part.proof || (dialect.has('reasoning_details') && part.proof.by === target.proofs)) return part
    writing.lose('a proof of a vendor that is not asked', 'hint')
    const { proof: _, redacted: _redacted, ...rest } = part
    return rest
  })
  const shown = own.filter((part) => part.text !== undefined || part.summary !== undefined || part.proof)
  if (dialect.has('reasoning_details')) {
    const details: Json[] = []
    for (const part of shown) details.push(...encodeDetails(part, details.length, part.proof?.by ?? detailMaker))
    if (details.length > 0) said['reasoning_details'] = details
    return []
  }
  const flat = flatTextOf(own)
  if (thoughts.some(({ id }) => id !== undefined)) writing.lose('the id of a part', 'hint')
  if (flat === '') return []
  if (dialect.has('thinking')) return [{ type: 'thinking', thinking: [{ type: 'text', text: flat }] }]
  if (dialect.has('reasoning_content')) said['reasoning_content'] = flat
  else writing.lose('thoughts of earlier answers', 'hint')
  return []
}

function encodeSaidMedia(part: MediaPart, said: JsonObject, writing: Writing): void {
  if (part.kind === 'audio' && (part.source.by === 'file' || part.id !== undefined)) {
    said['audio'] = { id: part.source.by === 'file' ? part.source.id : part.id! }
    return
  }
  const image = part.kind === 'image' ? encodePart(part, writing) : null
  if (!image) return writing.lose(`${part.kind} of an earlier answer`, 'meaning')
  said['images'] = [...Array.isArray(said['images']) ? said['images'] : [], image]
}

function encodeCall(part: ToolCallPart, isLegacy: boolean, writing: Writing): JsonObject {
  const { proof } = part
  const name = wireName(part.name, part.namespace)
  if (part.itemId !== undefined) writing.lose('the id of a part', 'hint')
  if (part.cache) writing.lose('a cache mark of a call', 'hint')
  writing.loseExtras(part.extras, ' of a call')
  const isOwn = proof?.by === 'google' && writing.target.proofs === 'google'
  if (proof && !isOwn) writing.lose('a proof of a vendor that is not asked', 'hint')
  if (isLegacy) return { name, arguments: part.arguments }
  const called = part.custom ? { type: 'custom', custom: { name, input: part.arguments } } : { type: 'function', function: { name, arguments: part.arguments } }
  return withExtras({ id: wireCallId(part.id), ...called, ...isOwn && { extra_content: { google: { thought_signature: proof.value } } } }, part.extras)
}
