/** Parts as content blocks, with what Bedrock demands of them: no empty texts, arguments that are objects, results of what it can read. */
import type { CacheHint, Citation, Json, JsonObject, MediaPart, NativePart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts'
import { writeBlob } from './decode-parts.ts'
import { format, isObject, parsed } from './json.ts'
import { encodeMedia } from './media.ts'
import { isCut, toolName, toolUseId } from './names.ts'
import { lose, withExtras, type Writing } from './writing.ts'

/** Arguments that are no JSON object stand under this name. */
export const rawArguments = 'raw_arguments'

/** Images and documents are a user's, or of a tool. */
export type Place = 'system' | 'user' | 'assistant' | 'result'

export function encodeParts(writing: Writing, parts: readonly Part[], place: Place): JsonObject[] {
  const blocks: JsonObject[] = []
  for (const part of parts) {
    const block = encodePart(writing, part, place)
    if (block !== null) blocks.push(block)
    loseIds(writing, part)
    if (part.type === 'reasoning' || part.type === 'refusal' || part.cache === undefined) continue
    const mark = block === null || place === 'result' ? null : encodeCache(writing, part.cache)
    if (mark !== null) blocks.push(mark)
    else lose(writing, 'a cache mark', 'hint')
  }
  return blocks
}

/** What Responses knows of its items, and Converse has no place for. */
function loseIds(writing: Writing, part: Part): void {
  if (part.type === 'native') return
  if ((part.type !== 'toolCall' && part.id !== undefined) || (part.type === 'toolCall' && part.itemId !== undefined)) lose(writing, 'the id of a part', 'hint')
  if (part.type === 'text' && part.phase !== undefined) lose(writing, 'the phase of a text', 'hint')
}

/** Null: the model has no cache. */
export function encodeCache({ family }: Writing, { ttl }: CacheHint): JsonObject | null {
  if (family.caching === null) return null
  return { cachePoint: { type: 'default', ...(ttl === undefined || !family.cacheTtl ? {} : { ttl }) } }
}

function encodePart(writing: Writing, part: Part, place: Place): JsonObject | null {
  if (place === 'result') return encodeResultPart(writing, part)
  switch (part.type) {
    case 'text': return encodeText(writing, part, place)
    case 'media': return place === 'system' || (place === 'assistant' && !writing.forClient) ? misplaced(writing, part, place) : media(writing, part) ?? (writing.forClient ? { text: inWords(part) } : null)
    case 'reasoning': return encodeThought(writing, part)
    case 'toolCall': return encodeCall(writing, part)
    case 'toolResult': return encodeResult(writing, part)
    case 'refusal':
      lose(writing, 'that a text was a refusal', 'hint')
      return isBlank(part.text) ? null : { text: part.text }
    case 'native': return encodeNative(writing, part)
  }
}

/** The result of a tool holds texts and what the model can see. */
function encodeResultPart(writing: Writing, part: Part): JsonObject | null {
  switch (part.type) {
    case 'text': return encodeText(writing, part, 'result')
    case 'native': return encodeNative(writing, part)
    case 'media': {
      const block = media(writing, part)
      if (block === null || writing.forClient || writing.family.resultMedia.includes(part.kind)) return block
      lose(writing, `that the ${part.kind} stands in the result of a tool (it follows the results)`, 'hint')
      writing.displaced.push(block)
      return { text: `The ${part.kind} follows the results.` }
    }
    default:
      lose(writing, `a part of the type "${part.type}" in the result of a tool`, 'meaning')
      return null
  }
}

function encodeNative(writing: Writing, part: NativePart): JsonObject | null {
  if (part.format === format) return part.value
  lose(writing, `a part that only ${part.format} has${nameOf(part.value)}`, 'meaning')
  return null
}

/** Of a medium that cannot be written to a client: what is said in it, or that there is one. */
export const inWords = ({ kind, transcript }: MediaPart): string => transcript ?? `[${kind === 'image' || kind === 'audio' ? 'an' : 'a'} ${kind} that this format cannot carry]`

const nameOf = ({ type }: JsonObject): string => (typeof type === 'string' ? ` ("${type.slice(0, 60)}")` : '')

function misplaced(writing: Writing, { kind }: MediaPart, place: Place): null {
  lose(writing, `the ${kind} in ${place === 'system' ? 'a system message' : 'a message of the assistant'}`, 'meaning')
  return null
}

function media(writing: Writing, part: MediaPart): JsonObject | null {
  const block = encodeMedia(writing, part)
  return block && withExtras(writing, block, part.extras, `the ${part.kind}`)
}

/** Bedrock refuses texts of white space alone. */
export const isBlank = (text: string): boolean => text.trim() === ''

function encodeText(writing: Writing, part: TextPart, place: Place): JsonObject | null {
  const { text, citations, extras } = part
  if (part.proof !== undefined) lose(writing, 'the proof of a text', 'hint')
  if (extras?.format === format && Object.hasOwn(extras.fields, 'json')) return extras.fields
  if (isBlank(text) && !writing.forClient) {
    lose(writing, 'a text without a word', 'hint')
    return null
  }
  const isCited = citations !== undefined && place !== 'result' && (writing.forClient || (writing.family.citations && citations.every(({ native }) => native?.format === format)))
  if (!isCited) {
    // Places in a document are checked: those that another vendor wrote would be refused.
    if (citations !== undefined && citations.length > 0) lose(writing, 'the citations of an earlier answer', 'hint')
    return withExtras(writing, { text }, extras, 'a text')
  }
  return withExtras(writing, { citationsContent: { content: [{ text }], citations: citations.map(encodeCitation) } }, extras, 'a text')
}

export function encodeCitation({ native, url, title, quote, document }: Citation): JsonObject {
  if (native?.format === format) return native.value
  const location = url !== undefined ? { web: { url } } : document !== undefined ? { documentChar: { documentIndex: document } } : null
  return { ...(title === undefined ? {} : { title }), ...(quote === undefined ? {} : { sourceContent: [{ text: quote }] }), ...(location && { location }) }
}

function encodeThought(writing: Writing, part: ReasoningPart): JsonObject | null {
  const { text, proof, redacted, extras, summary } = part
  const value = proof && writing.proof(proof)
  // Models refuse thought that they cannot tell for theirs.
  if (!writing.family.thoughtGoesBack || (proof !== undefined && value === null) || (value == null && !writing.forClient)) {
    lose(writing, 'the thought of an earlier turn', 'hint')
    return null
  }
  const shown = text ?? summary?.join('\n\n')
  const block = value != null && (redacted || shown === undefined) ? { redactedContent: writeBlob(value) } : { reasoningText: { text: shown ?? '', ...(value == null ? {} : { signature: value }) } }
  return withExtras(writing, { reasoningContent: block }, extras, 'a thought')
}

function encodeCall(writing: Writing, part: ToolCallPart): JsonObject {
  const { id, name, extras } = part
  if (part.proof !== undefined) lose(writing, 'the proof of a tool call', 'hint')
  if (part.namespace !== undefined) lose(writing, 'the namespace of a tool', 'hint')
  noteName(writing, name)
  return withExtras(writing, { toolUse: { toolUseId: toolUseId(id, writing.family.shortIds), name: toolName(name), input: inputOf(writing, part) } }, extras, 'a tool call')
}

export function noteName(writing: Writing, name: string): void {
  if (isCut(name)) lose(writing, `the name of the tool "${name.slice(0, 40)}…", which is cut to 64 characters`, 'meaning')
}

function inputOf(writing: Writing, part: ToolCallPart): JsonObject {
  if (part.custom) return { [customInput]: part.arguments }
  if (part.arguments.trim() === '') return {}
  const input = parsed(part.arguments)
  if (isObject(input)) return input
  // Some models call a tool that takes nothing with null.
  if (input === null) return {}
  lose(writing, `arguments of a tool call that are no JSON object (they stand under "${rawArguments}")`, 'hint')
  return { [rawArguments]: part.arguments }
}

/** A tool that takes free text is one with this argument. */
export const customInput = 'input'

function encodeResult(writing: Writing, { callId, parts, isError, extras, name }: ToolResultPart): JsonObject {
  const content: Json[] = encodeParts(writing, parts, 'result')
  // A result has to say something.
  if (content.length === 0) content.push({ text: '.' })
  let status = {}
  if (isError !== undefined && writing.family.resultStatus) status = { status: isError ? 'error' : 'success' }
  else if (isError) lose(writing, 'that the result of a tool is an error', 'meaning')
  if (name !== undefined) lose(writing, 'the name of a tool beside its result', 'hint')
  return withExtras(writing, { toolResult: { toolUseId: toolUseId(callId, writing.family.shortIds), content, ...status } }, extras, 'the result of a tool')
}
