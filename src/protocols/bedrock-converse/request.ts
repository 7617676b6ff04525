/**
 * Requests. Converse has two roles: results of tools are a user's blocks, system texts stand apart, and messages of one role that follow
 * each other are one turn. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
import type { ChatRequest, Json, JsonObject, Message, Part } from '../canonical.ts'
import { BadRequest, type Encoded, type RequestPlace, type Target } from '../codec.ts'
import { openProof } from '../proof.ts'
import { decodeParts, type ReadProof } from './decode-parts.ts'
import { encodeParts, isBlank } from './encode-parts.ts'
import { familyOf } from './families.ts'
import { besides, extrasOf, isEmpty, isObject, isText } from './json.ts'
import { decodeSettings, encodeSettings, settingKeys, writtenChoice } from './settings.ts'
import { decodeChoice, decodeTools, encodeTools } from './tools.ts'
import { lose, nativeProofs, withExtras, type Writing, writingTo } from './writing.ts'

const readProof: ReadProof = (text) => openProof(text, nativeProofs)

export function decodeRequest(body: JsonObject, place: RequestPlace): ChatRequest {
  const { messages, system, toolConfig } = body
  const model = place.model ?? ''
  const request: ChatRequest = { model, stream: place.stream ?? false, messages: [] }
  const left = besides(body, 'messages', 'system', 'toolConfig', ...settingKeys)
  if (system !== undefined) {
    if (!Array.isArray(system)) throw new BadRequest('The field "system" must be a list of content blocks.', 'system')
    const parts = decodeParts(system, readProof)
    if (parts.length > 0) request.messages.push({ role: 'system', parts })
    else Object.assign(left, { system })
  }
  if (messages !== undefined && !Array.isArray(messages)) throw new BadRequest('The field "messages" must be a list.', 'messages')
  for (const [index, message] of (messages ?? []).entries()) decodeMessage(request.messages, message, index)
  if (toolConfig !== undefined) {
    const rest = decodeToolConfig(request, toolConfig)
    if (rest !== null) Object.assign(left, { toolConfig: rest })
  }
  const settings = decodeSettings(request, body, familyOf(model))
  return { ...request, ...extrasOf({ ...left, ...settings }) }
}

const roles = ['user', 'assistant', 'system'] as const

function decodeMessage(messages: Message[], message: Json, index: number): void {
  const at = `messages.${index}`
  const role = isObject(message) ? roles.find((each) => each === message['role']) : undefined
  if (!isObject(message) || role === undefined) throw new BadRequest(`The message ${index} must be an object with the role "user", "assistant" or "system".`, `${at}.role`)
  if (!Array.isArray(message['content'])) throw new BadRequest(`The content of the message ${index} must be a list of content blocks.`, `${at}.content`)
  const left = besides(message, 'role', 'content')
  // Results come first, in a message of their own.
  const runs: Message[] = []
  for (const part of decodeParts(message['content'], readProof)) {
    const own = part.type === 'toolResult' && role === 'user' ? 'tool' : role
    const last = runs.at(-1)
    if (last?.role === own) last.parts.push(part)
    else runs.push({ role: own, parts: [part] })
  }
  if (runs.length === 0) runs.push({ role, parts: [] })
  if (!isEmpty(left)) Object.assign(runs[0]!, extrasOf(left))
  messages.push(...runs)
}

/** What is left of it; null: nothing. */
function decodeToolConfig(request: ChatRequest, config: Json): Json | null {
  if (!isObject(config)) return config
  const { tools, toolChoice } = config
  if (Array.isArray(tools)) request.tools = decodeTools(tools)
  if (toolChoice !== undefined) request.toolChoice = decodeChoice(toolChoice)
  const left = besides(config, 'toolChoice', ...(Array.isArray(tools) ? ['tools'] : []))
  return isEmpty(left) ? null : left
}

export function encodeRequest(request: ChatRequest, target: Target): Encoded {
  const writing = writingTo(target.model, target.proofs)
  const { system, turns } = encodeMessages(writing, request.messages)
  const settings = encodeSettings(writing, request, target, turns)
  const toolConfig = encodeTools(writing, request, writtenChoice(request, settings['additionalModelRequestFields']))
  const body: JsonObject = { messages: turns, ...(system.length === 0 ? {} : { system }), ...settings, ...(toolConfig === null ? {} : { toolConfig }) }
  return { body: withExtras(writing, body, request.extras, '', 'meaning'), losses: writing.losses }
}

interface Turn extends JsonObject { role: string; content: JsonObject[] }

function encodeMessages(writing: Writing, messages: readonly Message[]): { system: JsonObject[]; turns: Turn[] } {
  const system: JsonObject[] = []
  const turns: Turn[] = []
  for (const message of messages) {
    if (message.name !== undefined) lose(writing, 'the name of who speaks', 'meaning')
    if (message.role !== 'system' && message.role !== 'developer') addTurn(writing, turns, message)
    else if (turns.length === 0) {
      system.push(...encodeParts(writing, message.parts, 'system'))
      if (message.extras) withExtras(writing, {}, message.extras, 'a message')
    } else addTurn(writing, turns, asUser(writing, message))
  }
  for (const { role, content } of turns) {
    // Bedrock wants words beside a document.
    if (role === 'user' && content.some((block) => Object.hasOwn(block, 'document')) && !content.some((block) => isText(block['text']))) content.push(filler)
  }
  if (turns.length === 0 || (turns[0]!.role === 'assistant' && !writing.family.beginsAnyhow)) turns.unshift({ role: 'user', content: [filler] })
  return { system, turns }
}

/** Where Bedrock demands a text, and there is none: it refuses white space. */
const filler = { text: '.' }

/** Within a conversation Bedrock's models know no system. https://github.com/BerriAI/litellm/issues/41043 */
function asUser(writing: Writing, { parts, extras }: Message): Message {
  lose(writing, 'the role of a system message within the conversation (a user says it)', 'meaning')
  const marked = parts.map((part): Part => (part.type === 'text' && !isBlank(part.text) ? { ...part, text: `<system>\n${part.text}\n</system>` } : part))
  return { role: 'user', parts: marked, ...(extras ? { extras } : {}) }
}

function addTurn(writing: Writing, turns: Turn[], { role, parts, extras }: Message): void {
  const own = role === 'assistant' ? 'assistant' : 'user'
  append(writing, turns, own, encodeParts(writing, parts, own), withExtras(writing, {}, extras, 'a message'))
  append(writing, turns, 'user', writing.displaced.splice(0), {})
}

function append(writing: Writing, turns: Turn[], role: Turn['role'], content: JsonObject[], left: JsonObject): void {
  if (content.length === 0 && isEmpty(left)) return
  const last = turns.at(-1)
  if (last?.role !== role) turns.push({ role, content, ...left })
  else if (role === 'user' && mustStandApart(writing, last.content, content)) {
    lose(writing, 'that nothing was said between the results of tools and what follows them (Bedrock wants a turn of the assistant there)', 'hint')
    turns.push({ role: 'assistant', content: [filler] }, { role, content, ...left })
  } else {
    last.content.push(...content)
    Object.assign(last, left)
  }
}

/** Some models take nothing beside the results of tools, Claude no documents. */
function mustStandApart({ family }: Writing, before: readonly JsonObject[], after: readonly JsonObject[]): boolean {
  if (family.apartFromResults === 'nothing') return false
  const isResult = (block: JsonObject): boolean => Object.hasOwn(block, 'toolResult')
  const all = [...before, ...after]
  if (!all.some(isResult)) return false
  return all.some((block) => !isResult(block) && !Object.hasOwn(block, 'cachePoint') && (family.apartFromResults === 'everything' || Object.hasOwn(block, 'document') || Object.hasOwn(block, 'video')))
}
