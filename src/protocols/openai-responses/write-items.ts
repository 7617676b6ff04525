/** Messages as items of a request: what was said by whom, calls and their results, and reasoning that its maker takes back. */
import type { Json, JsonObject, Message, Part, ReasoningPart, RefusalPart, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts'
import type { Target } from '../codec.ts'
import { named } from '../members.ts'
import { writeContent } from './content.ts'
import { format, type Losses, objectOr, only } from './json.ts'
import { safeName, shortId } from './names.ts'
import { unbound } from './seals.ts'

type SaidPart = TextPart | RefusalPart

export function writeMessage(message: Message, input: Json[], target: Target, losses: Losses): void {
  if (message.name !== undefined) losses.add('the name of a speaker')
  if (message.role === 'assistant' || message.role === 'tool') {
    losses.own(message.extras, 'a message')
    return writeTurn(message.parts, input, target, losses)
  }
  const content: JsonObject[] = []
  let id: string | undefined
  for (const part of message.parts) {
    if (part.type === 'toolResult' || part.type === 'toolCall' || part.type === 'reasoning') writeTurn([part], input, target, losses)
    else {
      content.push(...writeContent(part, losses))
      if (part.type === 'text' || part.type === 'media') id ??= part.id
    }
  }
  if (content.length === 0 && message.parts.length > 0) return
  input.push(only<JsonObject>({ type: 'message', id: itemId(id, 'msg', losses), role: message.role, content, ...losses.own(message.extras, 'a message') }))
}

/** Prefixes are checked by the vendor, and what an item is called says nothing to a model. */
function itemId(id: string | undefined, prefix: string, losses: Losses): string | undefined {
  if (id === undefined || (id.startsWith(prefix) && id.length <= 64)) return id
  losses.add('the id of an item')
  return undefined
}

function writeTurn(parts: readonly Part[], input: Json[], target: Target, losses: Losses): void {
  for (let i = 0; i < parts.length;) {
    const part = parts[i]!
    let next = i + 1
    switch (part.type) {
      case 'text': case 'refusal':
        while (isSame(part, parts[next])) next++
        writeSaid(parts.slice(i, next) as SaidPart[], input, losses)
        break
      case 'reasoning':
        while (isSame(part, parts[next])) next++
        writeReasoning(parts.slice(i, next) as ReasoningPart[], input, target, losses)
        break
      case 'toolCall': input.push(writeCall(part, losses)); break
      case 'toolResult': input.push(writeResult(part, losses)); break
      case 'native':
        if (part.format === format) input.push(part.value)
        else losses.add(`a part of the type "${named(part.value['type']) ?? part.format}"`, 'meaning')
        break
      // The model's own pictures: it may look at them as it looks at those of a user.
      default: {
        const content = writeContent(part, losses)
        if (content.length > 0) input.push({ type: 'message', role: 'user', content })
      }
    }
    i = next
  }
}

/** Of one item. */
function isSame(part: SaidPart | ReasoningPart, next: Part | undefined): boolean {
  if (part.id === undefined || next === undefined || (next.type !== 'text' && next.type !== 'refusal' && next.type !== 'reasoning')) return false
  return next.id === part.id && (next.type === 'reasoning') === (part.type === 'reasoning')
}

function writeSaid(parts: readonly SaidPart[], input: Json[], losses: Losses): void {
  const first = parts[0]!
  const id = itemId(first.id, 'msg', losses)
  const phase = parts.find((part) => part.type === 'text')?.phase
  if (id === undefined) {
    // Without an id only the short form is valid, in which a message is one text.
    for (const part of parts) input.push(writeShort(part, losses))
    return
  }
  let beside: JsonObject = {}
  const content = parts.map((part): JsonObject => {
    if (part.type === 'refusal') return { type: 'refusal', refusal: part.text }
    const { item, ...extras } = losses.own(part.extras, 'a text') ?? {}
    beside = { ...beside, ...objectOr(item) }
    return { type: 'output_text', text: part.text, annotations: annotations(part, losses), ...extras }
  })
  for (const part of parts) loseMarks(part, losses)
  input.push(only<JsonObject>({ type: 'message', id, role: 'assistant', status: 'completed', content, phase, ...beside }))
}

function writeShort(part: SaidPart, losses: Losses): JsonObject {
  if (part.type === 'refusal') {
    losses.add('that a text is a refusal')
    return { type: 'message', role: 'assistant', content: part.text }
  }
  loseMarks(part, losses)
  if (part.citations) losses.add('citations')
  const { item, ...extras } = losses.own(part.extras, 'a text') ?? {}
  const content: Json = Object.keys(extras).length === 0 ? part.text : [{ type: 'output_text', text: part.text, annotations: [], ...extras }]
  return only<JsonObject>({ type: 'message', role: 'assistant', content, phase: part.phase, ...objectOr(item) })
}

function loseMarks(part: SaidPart, losses: Losses): void {
  if (part.type === 'refusal') return
  if (part.cache) losses.add('cache mark')
  if (part.proof) losses.add('proof of a text')
}

function annotations({ citations }: TextPart, losses: Losses): Json[] {
  const written: Json[] = []
  for (const { url, title, start, end, native } of citations ?? []) {
    if (native?.format === format) written.push(native.value)
    else if (url !== undefined) written.push({ type: 'url_citation', url, title: title ?? '', start_index: start ?? 0, end_index: end ?? 0 })
    else losses.add('citations')
  }
  return written
}

/** Reasoning without an id came from a vendor of another format, and of that only what this one made itself may be sent back. */
function writeReasoning(parts: readonly ReasoningPart[], input: Json[], target: Target, losses: Losses): void {
  const proof = parts.at(-1)!.proof
  const isOwn = proof ? proof.by === target.proofs : parts[0]!.id !== undefined
  if (!isOwn) return losses.add('reasoning of another vendor')
  const { id, encrypted } = proof ? unbound(proof.value) : { id: undefined, encrypted: undefined }
  const content = parts.flatMap(({ text }): JsonObject[] => (text === undefined ? [] : [{ type: 'reasoning_text', text }]))
  const itsId = id ?? parts[0]!.id
  input.push(only<JsonObject>({
    type: 'reasoning', id: itsId, summary: (parts[0]!.summary ?? []).map((text) => ({ type: 'summary_text', text })),
    // A thought that came back without its item is proved by what is encrypted, and its words are refused.
    content: content.length > 0 && parts[0]!.id !== undefined ? content : undefined, encrypted_content: encrypted, ...losses.own(parts[0]!.extras, 'reasoning'),
  }))
}

function writeCall(part: ToolCallPart, losses: Losses): JsonObject {
  if (part.cache) losses.add('cache mark')
  if (part.proof) losses.add('proof of a call')
  const common = { call_id: shortId(part.id), name: safeName(part.name), namespace: part.namespace }
  const extras = losses.own(part.extras, 'a call')
  return part.custom
    ? only<JsonObject>({ type: 'custom_tool_call', id: itemId(part.itemId, 'ctc', losses), ...common, input: part.arguments, ...extras })
    : only<JsonObject>({ type: 'function_call', id: itemId(part.itemId, 'fc', losses), ...common, arguments: part.arguments === '' ? '{}' : part.arguments, ...extras })
}

function writeResult(part: ToolResultPart, losses: Losses): JsonObject {
  if (part.cache) losses.add('cache mark')
  if (part.isError) losses.add('that a result is an error')
  const content = part.parts.flatMap((each) => writeContent(each, losses))
  const first = content[0]
  const isText = content.length === 0 || (content.length === 1 && first!['type'] === 'input_text' && Object.keys(first!).length === 2)
  return only<JsonObject>({
    type: part.custom ? 'custom_tool_call_output' : 'function_call_output', id: part.id === undefined || part.id.length > 64 ? undefined : part.id,
    // The call says of which tool; vendors that know no name here refuse one.
    call_id: part.callId === '' ? undefined : shortId(part.callId),
    output: isText ? (first?.['text'] ?? '') : content, ...losses.own(part.extras, 'a result'),
  })
}
