/**
 * Names of tools and ids of calls that other formats allow and this one doesn't. Names are replaced by a rule that depends on nothing but
 * the name, so that the tool, its calls and a choice of it agree; the answer's names are found again in the request's list of tools.
 */
import type { ChatRequest, ToolCallPart } from '../canonical.ts'

/** https://platform.openai.com/docs/api-reference/chat/create#chat_create-tools */
const longestName = 64
/** OpenAI answers 400 to a longer one, "string too long. Expected a string with maximum length 40". */
const longestCallId = 40

const allowedName = /^[a-zA-Z0-9_-]{1,64}$/

/** What tells one name from another whose letters are the same once both are cut. */
export function hash(text: string, seed = 0x811c9dc5): string {
  let value = seed
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return (value >>> 0).toString(16).padStart(8, '0')
}

/** A tool of a group is called by the names of both. */
export function wireName(name: string, namespace?: string): string {
  const whole = namespace === undefined ? name : `${namespace}__${name}`
  if (allowedName.test(whole)) return whole
  return `${whole.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, longestName - 9)}_${hash(whole)}`
}

export const wireCallId = (id: string): string => (id.length <= longestCallId ? id : `call_${hash(id)}${hash(id, 0x2545f491)}`)

/** The tool that a name in an answer means. */
export type ToolNames = ReadonlyMap<string, Pick<ToolCallPart, 'name' | 'namespace'>>

/** Names that are others on the wire; null: none is. */
export function toolNames(request: ChatRequest | undefined): ToolNames | null {
  let names: Map<string, Pick<ToolCallPart, 'name' | 'namespace'>> | null = null
  for (const tool of request?.tools ?? []) {
    if (tool.type === 'server') continue
    const { name, namespace } = tool
    const onWire = wireName(name, namespace)
    if (namespace !== undefined || onWire !== name) (names ??= new Map()).set(onWire, namespace === undefined ? { name } : { name, namespace })
  }
  return names
}

/** For a call that came without one: the same in the stream and in the whole answer. */
export const madeCallId = (answer: string, choice: number, index: number): string => `call_${hash(`${answer}/${choice}/${index}`)}`
