/**
 * Calls of tools. Their arguments are an object, and before version 0.12.11 neither they nor their results had ids
 * (https://github.com/ollama/ollama/pull/12956): those get ids that are never sent upstream.
 */
import type { Json, JsonObject, NativePart, Part, ToolCallPart } from '../canonical.ts'
import { isCount, isObject, isText, Members, parsedObject } from '../members.ts'

const madeUp = 'ollama-call-'

/** `place` tells the call from all others of its conversation. */
export const madeUpId = (place: string): string => `${madeUp}${place}`
/** What is written: undefined for an id that was made up. */
export const writtenId = (id: string): string | undefined => (id.startsWith(madeUp) ? undefined : id)

/** `position`: among the calls of its message. */
export function callFrom(value: Json, id: string, position: number): Part {
  if (!isObject(value)) return nativeCall({ call: value })
  const members = new Members(value)
  members.take('type', (type): type is string => type === 'function')
  const own = members.take('id', isText)
  const called = new Members(members.take('function', isObject) ?? {})
  const name = called.take('name', isText)
  const args = called.take('arguments', isArguments)
  called.take('index', (index): index is number => isCount(index) && index === position)
  if (name === undefined || called.rest()) return nativeCall(value)
  const call: ToolCallPart = { type: 'toolCall', id: own ?? id, name, arguments: isText(args) ? args : JSON.stringify(args ?? {}) }
  const extras = members.extras('ollama-chat')
  return extras ? { ...call, extras } : call
}

/** Some clients write them as text. */
const isArguments = (value: Json | undefined): value is JsonObject | string => isObject(value) || isText(value)
const nativeCall = (value: JsonObject): NativePart => ({ type: 'native', format: 'ollama-chat', value })

/** Free text stands in a member of its own, and so does what is no JSON object. Some models call a tool that takes nothing with null. */
export function argumentsOf({ arguments: text, custom }: Pick<ToolCallPart, 'arguments' | 'custom'>): JsonObject {
  if (custom) return { input: text }
  return text === '' || text === 'null' ? {} : parsedObject(text) ?? { raw_arguments: text }
}

export const isBroken = (call: ToolCallPart): boolean => 'raw_arguments' in argumentsOf(call) && parsedObject(call.arguments) === null
