/** What the model says: a message of the history in a request, the message of a choice, and a message of a stream that came whole. */
import type { Json, Part, Proof, TextPart, ToolCallPart } from '../canonical.ts'
import { openProof } from '../proof.ts'
import { decodeCitations } from './citations.ts'
import { compact, isObject, Members } from './members.ts'
import type { ToolNames } from './names.ts'
import { decodeContent, decodePart } from './parts.ts'
import { decodeReasoning } from './reasoning.ts'

/** What is needed to read a message. */
export interface Reading {
  /** Of proofs that are not sealed. */
  maker: string
  names: ToolNames | null
  /** An id for a call that has none. */
  callId(index: number): string
}

/** Where Google's endpoint of this format has signatures: https://ai.google.dev/gemini-api/docs/thought-signatures */
export function decodeGoogle(members: Members): { proof?: Proof; thought: boolean } {
  const google = members.maybeWithin('extra_content')?.maybeWithin('google')
  const signature = google?.text('thought_signature')
  const thought = google?.flag('thought') === true
  return { ...signature && { proof: openProof(signature, 'google') }, thought }
}

export function namedCall(name: string, names: ToolNames | null): Pick<ToolCallPart, 'name' | 'namespace'> {
  return names?.get(name) ?? { name }
}

function decodeToolCall(raw: Json, index: number, place: string | null, reading: Reading): ToolCallPart | null {
  if (!isObject(raw)) return null
  const members = new Members(raw, place)
  const type = members.text('type')
  const custom = members.within('custom')
  const called = custom ?? members.within('function')
  const at = members.number('index')
  if (at !== index) members.putBack('index', at)
  if (type !== undefined && type !== (custom ? 'custom' : 'function')) members.putBack('type', type)
  const { proof } = decodeGoogle(members)
  const id = members.text('id') || reading.callId(index)
  const name = called?.text('name') ?? ''
  const text = custom ? custom.text('input') ?? '' : readArguments(called)
  return compact<ToolCallPart>({ type: 'toolCall', id, ...namedCall(name, reading.names), arguments: text, custom: custom ? true : undefined, proof, extras: members.extras() })
}

/** A text of JSON; some vendors send the object itself. */
function readArguments(called: Members | undefined): string {
  const text = called?.maybeText('arguments')
  if (text !== undefined) return text
  const value = called?.any('arguments')
  return value === undefined ? '' : JSON.stringify(value)
}

/** `<thought>…</thought>` before the answer, in Google's endpoint. */
const thoughtTags = /^<thought>([^]*?)<\/thought>/

function googleThought(parts: Part[]): Part[] {
  const [first, ...rest] = parts
  if (first?.type !== 'text') return parts
  const [tagged, thought] = thoughtTags.exec(first.text) ?? []
  if (tagged === undefined) return [{ type: 'reasoning', text: first.text }, ...rest]
  const text = first.text.slice(tagged.length)
  return [{ type: 'reasoning', text: thought! }, ...text === '' ? [] : [{ ...first, text }], ...rest]
}

function decodeAudio(members: Members): Part | null {
  const audio = members.within('audio')
  if (!audio) return null
  const id = audio.text('id')
  const base64 = audio.text('data')
  const transcript = audio.text('transcript')
  if (base64 === undefined) return id === undefined ? null : { type: 'media', kind: 'audio', source: { by: 'file', id } }
  // How long the vendor keeps it says nothing to anybody else.
  const expires = audio.number('expires_at')
  return { type: 'media', kind: 'audio', source: { by: 'data', base64 }, ...compact({ id, transcript, extras: expires ? ({ format: 'openai-chat', fields: { expires_at: expires } } as const) : undefined }) }
}

/** As OpenRouter has what a model painted. The index is its place. */
export function decodeImage(raw: Json): Part | null {
  if (!isObject(raw)) return null
  const { index: _, ...image } = raw
  return decodePart(image, null)
}

/** The parts of a message whose members are taken; its role is the caller's. */
export function decodeAssistant(members: Members, reading: Reading): Part[] {
  const { proof, thought } = decodeGoogle(members)
  const said = decodeContent(members)
  const content = thought ? googleThought(said) : said
  const refusal = members.text('refusal')
  const citations = decodeCitations(members)
  if (citations.length > 0 || proof) attach(content, compact({ citations: citations.length > 0 ? citations : undefined, proof }))
  const audio = decodeAudio(members)
  const images = (members.list('images') ?? []).map(decodeImage).filter((part) => part !== null)
  return [
    ...decodeReasoning(members, reading.maker), ...content,
    ...refusal ? [{ type: 'refusal', text: refusal } as const] : [], ...audio ? [audio] : [], ...images, ...decodeCalls(members, reading),
  ]
}

/** What is said of a whole message belongs to its last text. */
function attach(content: Part[], more: Pick<TextPart, 'citations' | 'proof'>): void {
  const at = content.findLastIndex(({ type }) => type === 'text')
  if (at < 0) content.push({ type: 'text', text: '', ...more })
  else content[at] = { ...(content[at] as TextPart), ...more }
}

function decodeCalls(members: Members, reading: Reading): ToolCallPart[] {
  const place = members.at('tool_calls')
  const calls = (members.list('tool_calls') ?? []).map((each, index) => decodeToolCall(each, index, place === null ? null : `${place}[${index}].`, reading)).filter((call) => call !== null)
  const legacy = members.within('function_call')
  if (!legacy) return calls
  const name = legacy.text('name') ?? ''
  return [...calls, { type: 'toolCall', id: reading.callId(calls.length), ...namedCall(name, reading.names), arguments: readArguments(legacy) }]
}

